/* SPDX-License-Identifier: BSD-2-Clause */
/* es_server.h - an HTTP server with a script, for tests of the elasticsearch plugin: says what it is told, however
 * wrong, and keeps what it was asked.
 *
 * Threads: one of its own per server; the functions here are called by the test's. */
#ifndef WEIR_TESTS_ES_SERVER_H
#define WEIR_TESTS_ES_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct es_server;
enum {
    ES_SERVER_CUT = 1,   /* close after half of the answer's body */
    ES_SERVER_CLOSE = 2, /* close instead of answering */
    ES_SERVER_HOLD = 4,  /* answer only after es_server_release */
    ES_SERVER_EARLY = 8, /* answer before the body is read, then close */
    ES_SERVER_LAST = 16  /* close after the answer without saying so */
};
struct es_answer {
    int status;          /* 0: 200 */
    const char *headers; /* further lines, each with CR LF, or NULL */
    const char *body;    /* NULL: as many bulk successes as there were actions */
    int flags;
};
struct es_asked {
    char *head, *body;
    size_t body_len;
};

struct es_server *es_server_start(void);
void es_server_stop(struct es_server *);
/* "url = http://127.0.0.1:PORT\n", borrowed. */
const char *es_server_option(const struct es_server *);
int es_server_port(const struct es_server *);
/* Appends to the script; the texts are borrowed.  When it is used up, every answer is a success. */
void es_server_say(struct es_server *, struct es_answer);
void es_server_release(struct es_server *);
size_t es_server_count(struct es_server *);
/* Requests that came whole and are held back, not counted yet. */
size_t es_server_held(struct es_server *);
/* Request i, borrowed until es_server_stop; ends the test when there is none. */
const struct es_asked *es_server_asked(struct es_server *, size_t i);

#endif
