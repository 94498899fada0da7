/* SPDX-License-Identifier: BSD-2-Clause */
/* es_server.c - the scripted HTTP server: one thread, poll over a few connections, one request of each at a time.
 *
 * The lock guards the script and the list of requests; everything else belongs to the server's thread. */
#include "es_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNS_MAX  16
#define SCRIPT_MAX 64
#define ASKED_MAX  256

struct conn {
    int fd;
    char *in;
    size_t len, cap;
    bool held;
};
struct es_server {
    pthread_t thread;
    pthread_mutex_t lock;
    int listener, port, stop[2];
    bool released;
    struct es_answer script[SCRIPT_MAX];
    size_t scripted, played;
    struct es_asked asked[ASKED_MAX];
    size_t n_asked, n_held;
    struct conn conns[CONNS_MAX];
    size_t n_conns;
    char option[64];
};

static void die(const char *what)
{
    perror(what);
    abort();
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* One success per action line. */
static char *successes(const char *body)
{
    size_t cap = 64 + strlen(body) * 2 + 64, len, n = 0;
    char *out = malloc(cap);
    if (!out)
        die("malloc");
    len = (size_t)snprintf(out, cap, "{\"took\":1,\"errors\":false,\"items\":[");
    for (const char *p = body; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
        static const char *const ops[] = {"index", "create", "update", "delete"};
        for (size_t i = 0; i < 4; i++) {
            char start[32];
            snprintf(start, sizeof start, "{\"%s\":{", ops[i]);
            if (strncmp(p, start, strlen(start)) == 0)
                len += (size_t)snprintf(out + len, cap - len, "%s{\"%s\":{\"status\":201}}", n++ ? "," : "",
                                        ops[i]);
        }
    }
    snprintf(out + len, cap - len, "]}");
    return out;
}

/* False: the connection is to be closed. */
static bool answer(struct conn *c, const struct es_answer *say, const char *asked)
{
    char head[1024], *made = say->body ? NULL : successes(asked);
    const char *body = made ? made : say->body;
    size_t len = strlen(body);
    bool good;
    snprintf(head, sizeof head,
             "HTTP/1.1 %d Scripted\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n",
             say->status ? say->status : 200, len, say->headers ? say->headers : "");
    good = send_all(c->fd, head, strlen(head)) &&
           send_all(c->fd, body, say->flags & ES_SERVER_CUT ? len / 2 : len);
    free(made);
    return good && !(say->flags & (ES_SERVER_CUT | ES_SERVER_EARLY | ES_SERVER_LAST));
}

static void keep_asked(struct es_server *s, const char *head, size_t head_len, const char *body,
                       size_t body_len)
{
    struct es_asked *to = &s->asked[s->n_asked];
    if (s->n_asked == ASKED_MAX)
        die("too many requests");
    to->head = strndup(head, head_len);
    to->body = malloc(body_len + 1);
    if (!to->head || !to->body)
        die("malloc");
    memcpy(to->body, body, body_len);
    to->body[body_len] = '\0';
    to->body_len = body_len;
    s->n_asked++;
}

/* Takes one request out of the input and answers it. 1: did, 0: not whole yet or held, -1: close. */
static int serve(struct es_server *s, struct conn *c)
{
    const char *end = c->len >= 4 ? memmem(c->in, c->len, "\r\n\r\n", 4) : NULL, *length;
    struct es_answer say = {0, NULL, NULL, 0};
    size_t head_len, body_len;
    bool early, good;
    if (!end)
        return 0;
    head_len = (size_t)(end - c->in) + 4;
    c->in[head_len - 1] = '\0';
    length = strcasestr(c->in, "content-length:");
    c->in[head_len - 1] = '\n';
    body_len = length ? strtoul(length + 15, NULL, 10) : 0;
    pthread_mutex_lock(&s->lock);
    if (s->played < s->scripted)
        say = s->script[s->played];
    early = say.flags & ES_SERVER_EARLY;
    bool whole = early || c->len >= head_len + body_len, hold = say.flags & ES_SERVER_HOLD && !s->released;
    s->n_held += whole && hold && !c->held;
    c->held |= whole && hold;
    if (!whole || hold) {
        pthread_mutex_unlock(&s->lock);
        return 0;
    }
    s->n_held -= c->held;
    c->held = false;
    if (s->played < s->scripted)
        s->played++;
    keep_asked(s, c->in, head_len, c->in + head_len, early ? c->len - head_len : body_len);
    pthread_mutex_unlock(&s->lock);
    if (say.flags & ES_SERVER_CLOSE)
        return -1;
    good = answer(c, &say, s->asked[s->n_asked - 1].body);
    if (!good)
        return -1;
    memmove(c->in, c->in + head_len + body_len, c->len - head_len - body_len);
    c->len -= head_len + body_len;
    return 1;
}

static bool receive(struct conn *c)
{
    ssize_t n;
    if (c->cap - c->len < 65536) {
        c->cap = 2 * c->cap + 131072;
        c->in = realloc(c->in, c->cap);
        if (!c->in)
            die("realloc");
    }
    n = recv(c->fd, c->in + c->len, c->cap - c->len - 1, 0);
    if (n <= 0)
        return false;
    c->len += (size_t)n;
    return true;
}

static void drop(struct es_server *s, size_t i)
{
    pthread_mutex_lock(&s->lock);
    s->n_held -= s->conns[i].held;
    pthread_mutex_unlock(&s->lock);
    close(s->conns[i].fd);
    free(s->conns[i].in);
    s->conns[i] = s->conns[--s->n_conns];
}

static void *run(void *opaque)
{
    struct es_server *s = opaque;
    for (;;) {
        struct pollfd fds[CONNS_MAX + 2] = {{s->listener, POLLIN, 0}, {s->stop[0], POLLIN, 0}};
        size_t n = s->n_conns;
        char byte;
        for (size_t i = 0; i < n; i++)
            fds[i + 2] = (struct pollfd){s->conns[i].fd, POLLIN, 0};
        if (poll(fds, (nfds_t)(n + 2), -1) < 0)
            die("poll");
        if (fds[1].revents && (read(s->stop[0], &byte, 1) != 1 || byte == 'q'))
            return NULL;
        for (size_t i = n; i-- > 0;) {
            int rc = 0;
            if (fds[i + 2].revents && !receive(&s->conns[i]))
                rc = -1;
            else
                while ((rc = serve(s, &s->conns[i])) > 0)
                    ;
            if (rc < 0)
                drop(s, i);
        }
        if (fds[0].revents && s->n_conns < CONNS_MAX)
            s->conns[s->n_conns++] = (struct conn){.fd = accept(s->listener, NULL, NULL)};
    }
}

struct es_server *es_server_start(void)
{
    struct es_server *s = calloc(1, sizeof *s);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    if (!s)
        die("calloc");
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&address, len) || listen(s->listener, 16) ||
        getsockname(s->listener, (struct sockaddr *)&address, &len) || pipe(s->stop))
        die("listen");
    s->port = ntohs(address.sin_port);
    snprintf(s->option, sizeof s->option, "url = http://127.0.0.1:%d\n", s->port);
    pthread_mutex_init(&s->lock, NULL);
    if (pthread_create(&s->thread, NULL, run, s))
        die("pthread_create");
    return s;
}

static void tell(struct es_server *s, char what)
{
    if (write(s->stop[1], &what, 1) != 1)
        die("write");
}

void es_server_stop(struct es_server *s)
{
    tell(s, 'q');
    pthread_join(s->thread, NULL);
    while (s->n_conns > 0)
        drop(s, 0);
    for (size_t i = 0; i < s->n_asked; i++) {
        free(s->asked[i].head);
        free(s->asked[i].body);
    }
    close(s->listener);
    close(s->stop[0]);
    close(s->stop[1]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *es_server_option(const struct es_server *s)
{
    return s->option;
}

int es_server_port(const struct es_server *s)
{
    return s->port;
}

void es_server_say(struct es_server *s, struct es_answer say)
{
    pthread_mutex_lock(&s->lock);
    if (s->scripted == SCRIPT_MAX)
        die("script is too long");
    s->script[s->scripted++] = say;
    pthread_mutex_unlock(&s->lock);
}

void es_server_release(struct es_server *s)
{
    pthread_mutex_lock(&s->lock);
    s->released = true;
    pthread_mutex_unlock(&s->lock);
    tell(s, 'r');
}

size_t es_server_count(struct es_server *s)
{
    size_t n;
    pthread_mutex_lock(&s->lock);
    n = s->n_asked;
    pthread_mutex_unlock(&s->lock);
    return n;
}

size_t es_server_held(struct es_server *s)
{
    size_t n;
    pthread_mutex_lock(&s->lock);
    n = s->n_held;
    pthread_mutex_unlock(&s->lock);
    return n;
}

const struct es_asked *es_server_asked(struct es_server *s, size_t i)
{
    if (i >= es_server_count(s)) {
        fprintf(stderr, "the server was not asked request %zu\n", i);
        abort();
    }
    return &s->asked[i];
}
