/* SPDX-License-Identifier: BSD-2-Clause */
/* child_sink.c - a sink in its own process: batches that came are written, results go back.
 *
 * Main thread, but for child_complete (any). */
#include "child.h"

#include "instance/call.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

static void done_with(struct task *t)
{
    struct child_lent *l = (struct child_lent *)t; /* task is its first member */
    batch_unref(l->batch);
    free(l);
}

/* The batch as it was lent, which it is no longer now; NULL: it was not. */
static struct child_lent *take_back(const struct weir_batch *batch)
{
    pthread_mutex_lock(&child.lock);
    struct child_lent **at = &child.lent, *l;
    while (*at && (*at)->batch != batch)
        at = &(*at)->next;
    l = *at;
    if (l)
        *at = l->next;
    pthread_mutex_unlock(&child.lock);
    return l;
}

bool child_holds(void)
{
    pthread_mutex_lock(&child.lock);
    bool some = child.lent != NULL;
    pthread_mutex_unlock(&child.lock);
    return some;
}

static void fault(const char *text)
{
    struct strbuf body = {0};
    pack_text(&body, text);
    child_send(WIRE_FAULT, 0, 0, 0, 0, &body);
    strbuf_free(&body);
}

/* Freed by the home thread: the plugin may still be in write with it. */
static void answer(struct child_lent *l, const struct weir_result *results, uint32_t n, uint32_t stride)
{
    struct strbuf body = {0};
    for (uint32_t i = 0; i < n; i++) {
        struct weir_result r = {0};
        memcpy(&r, (const char *)results + (size_t)i * stride, stride < sizeof r ? stride : sizeof r);
        pack_result(&body, &r);
    }
    child_send(WIRE_COMPLETE, l->id, 0, n, 0, &body);
    strbuf_free(&body);
    l->task.run = done_with;
    loop_post(&child.loop, &l->task);
}

int child_complete(struct weir_ctx *ctx, struct weir_batch *batch, const struct weir_result *results,
                   uint32_t n, uint32_t stride)
{
    static const struct weir_result nonsense = {
        .index = WEIR_ALL,
        .status = WEIR_FATAL,
        .why = "the plugin gave more results than its batch has records: a fault of the plugin"};
    struct child_lent *l = take_back(batch);
    (void)ctx;
    if (!l) {
        fault("the plugin completed a batch that it does not hold: a fault of the plugin");
        return WEIR_FATAL;
    }
    if (n > batch->count || (n && stride < offsetof(struct weir_result, retry_after_ms)))
        answer(l, &nonsense, 1, sizeof nonsense);
    else
        answer(l, results, n, stride);
    return WEIR_OK;
}

static void offer_last(struct child_lent *l)
{
    l->next = NULL;
    *child.offered_tail = l;
    child.offered_tail = &l->next;
}

/* False: the plugin can take nothing more just now. */
static bool lend(struct child_lent *l)
{
    struct instance *in = child.instance;
    struct weir_batch *batch = l->batch;
    pthread_mutex_lock(&child.lock);
    l->next = child.lent;
    child.lent = l;
    pthread_mutex_unlock(&child.lock);
    instance_clear_failure(in);
    int status = call_write(in, batch);
    if (status == WEIR_OK)
        return true;
    l = take_back(batch);
    if (!l) {
        fault("write gave an answer for a batch that was completed: a fault of the plugin");
        return true;
    }
    if (status == WEIR_AGAIN) {
        l->next = child.offered;
        child.offered = l;
        if (!l->next)
            child.offered_tail = &l->next;
        return false;
    }
    const struct weir_result all = {.index = WEIR_ALL,
                                    .status = status,
                                    .code = in->failure.code,
                                    .retry_after_ms = in->failure.retry_after_ms,
                                    .type = in->failure.type.len ? in->failure.type.data : NULL,
                                    .why = instance_why(in)};
    answer(l, &all, 1, sizeof all);
    return true;
}

void child_offer(void)
{
    struct child_lent *l;
    while ((l = child.offered) != NULL) {
        child.offered = l->next;
        if (!child.offered)
            child.offered_tail = &child.offered;
        if (!lend(l))
            return;
    }
}

void child_write(struct message *m)
{
    struct child_lent *l = xcalloc(1, sizeof *l);
    uint32_t attempt = (uint32_t)m->frame.a;
    l->id = m->frame.id;
    l->batch = child_batch(m);
    if (!l->batch)
        die("weir sent what is no batch");
    l->batch->attempt = attempt;
    offer_last(l);
    child_offer();
}

int child_commit(struct unpack *from)
{
    struct instance *in = child.instance;
    struct weir_commit c = {.struct_size = sizeof c, .stride = sizeof(struct weir_position)};
    c.source = unpack_text(from);
    uint64_t n = unpack_number(from);
    if (from->bad || n > (size_t)(from->end - from->at))
        die("weir sent what is no commit");
    struct weir_position *positions = xcalloc((size_t)n, sizeof *positions);
    for (uint64_t i = 0; i < n; i++) {
        struct weir_shard s;
        uint64_t number;
        positions[i].struct_size = sizeof *positions;
        positions[i].flags = (uint32_t)unpack_number(from);
        positions[i].next = unpack_number(from);
        positions[i].data = unpack_slice(from);
        if (unpack_shard(from, &s, &number))
            positions[i].shard = child_shard(&s, number);
    }
    c.count = (uint32_t)n;
    c.positions = positions;
    int status = from->bad ? WEIR_FATAL : call_commit(in, &c);
    free(positions);
    return status;
}
