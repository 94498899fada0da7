/* SPDX-License-Identifier: BSD-2-Clause */
/* readers.c - builds and ends the pipelines of one file (readers.h).  Main thread, but for letters_failed. */
#include "readers.h"

#include "delivery/takeover.h"
#include "hang.h"
#include "report/log.h"

#include <stdlib.h>

/* Any thread: without its dead-letter sink no reader may go on.  The reason was said. */
static void letters_failed(struct flow *f)
{
    struct readers *r = f->pipeline->readers;
    for (size_t i = 0; i < r->n; i++)
        flow_abandon(&r->list[i]->flow);
    for (struct lane *l = f->pipeline->lanes; l; l = l->next)
        loop_wake(&l->loop);
}

/* Opens the state n times; false: none is open, why says what is wrong. */
static bool open_states(const struct pipeline_conf *conf, const char *dir, struct state **states, size_t n,
                        bool *ret_taken_over, struct strbuf *why)
{
    size_t opened = 0;
    states[0] = state_open(dir, conf->name, why);
    if (!states[0])
        return false;
    opened = 1;
    bool good = takeover(states[0], conf, ret_taken_over, why);
    for (; good && opened < n; opened += good) {
        states[opened] = state_open_beside(states[0], why);
        good = states[opened] != NULL;
    }
    while (!good && opened)
        state_close(states[--opened]);
    return good;
}

struct readers *readers_new(const struct pipeline_conf *conf, const char *state_dir, bool until_end,
                            struct strbuf *why)
{
    size_t n = conf->n_readers;
    bool shared = conf->dead_letter && n > 1, taken_over = false;
    struct state **states = xcalloc(n + 1, sizeof(struct state *));
    if (!open_states(conf, state_dir, states, n + shared, &taken_over, why)) {
        free(states);
        return NULL;
    }
    struct readers *r = xcalloc(1, sizeof *r);
    r->conf = conf;
    r->list = xcalloc(n + 1, sizeof(struct pipeline *));
    if (shared) {
        r->letters = pipeline_new_letters(conf, states[n]);
        r->letters->readers = r;
        r->letters->flow.on_fail = letters_failed;
    }
    for (; r->n < n; r->n++) {
        r->list[r->n] = pipeline_new(&conf->readers[r->n], states[r->n], r->letters, until_end);
        r->list[r->n]->taken_over = taken_over;
    }
    free(states);
    return r;
}

void readers_start(struct readers *r)
{
    if (r->letters)
        pipeline_start(r->letters);
    for (size_t i = 0; i < r->n; i++)
        pipeline_start(r->list[i]);
}

bool readers_through(struct readers *r, int64_t now)
{
    if (!r->letters || pipeline_done(r->letters))
        return true;
    for (size_t i = 0; i < r->n; i++)
        if (!pipeline_done(r->list[i]))
            return r->list[i]->hang.found; /* then nothing is waited for any more */
    pipeline_quit_letters(r->letters);
    return hang_found(r->letters, now);
}

void readers_end(struct readers *r)
{
    if (r->letters)
        pipeline_end_letters(r->letters);
}

void readers_free(struct readers *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        pipeline_free(r->list[i]);
    if (r->letters)
        pipeline_free(r->letters);
    free(r->list);
    free(r);
}
