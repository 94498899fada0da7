/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy_transform.c - a transform in another process: records there, and what it did with them back.
 *
 * What it did counts once its whole answer is here, so a process that ends in the middle leaves nothing behind: the
 * same records go to the next one.  When it is at fault itself, they go in halves, until it is one record alone that
 * ends it; after three times that is rejected.  Home thread. */
#include "proxy.h"

#include "record/batch.h"
#include "report/log.h"

#include <stdlib.h>

#define TRIES 3 /* ends of the process by one record alone */

struct output { /* what records that came back lie in */
    char *body;
    struct arena headers;
};

static void output_free(void *opaque)
{
    struct output *o = opaque;
    arena_free(&o->headers);
    free(o->body);
    free(o);
}

struct answer {
    struct proxy *proxy;
    struct weir_emitter *emitter;
    const struct weir_batch *batch;
    uint32_t first, n; /* of the batch: what was sent */
    struct unpack from;
    struct output *output;
    struct weir_buf *buf;
};

static bool input(const struct answer *a, uint64_t parent, uint32_t *ret)
{
    *ret = a->first + (uint32_t)parent;
    return parent < a->n;
}

static int did_pass(struct answer *a)
{
    uint64_t first = unpack_number(&a->from), n = unpack_number(&a->from);
    if (a->from.bad || first > a->n || n > a->n - first)
        return WEIR_FATAL;
    return a->proxy->host->pass(a->emitter, a->first + (uint32_t)first, (uint32_t)n);
}

static int did_emit(struct answer *a)
{
    struct weir_record r;
    uint64_t parent;
    uint32_t i;
    bool same_topic;
    if (!unpack_record(&a->from, &a->output->headers, &r, &parent, &same_topic) || !input(a, parent, &i))
        return WEIR_FATAL;
    if (same_topic)
        r.topic = a->batch->records[i].topic;
    r.flags &= ~WEIR_REC_SHARES_PARENT;
    int status = a->proxy->host->emit_from(a->emitter, i, &r, sizeof r, a->buf);
    return status == WEIR_REJECT ? WEIR_OK : status; /* its plugin was told so */
}

static int did_reject(struct answer *a)
{
    struct weir_result r;
    uint64_t parent = unpack_number(&a->from);
    uint32_t i;
    if (!unpack_result(&a->from, &r) || !input(a, parent, &i))
        return WEIR_FATAL;
    return a->proxy->host->reject(a->emitter, i, &r);
}

/* Does with the host's emitter what the plugin did with the one over there. */
static int apply(struct answer *a)
{
    int status = WEIR_OK;
    while (status == WEIR_OK && a->from.at < a->from.end) {
        uint64_t did = unpack_number(&a->from);
        status = did == WIRE_DID_PASS     ? did_pass(a)
                 : did == WIRE_DID_EMIT   ? did_emit(a)
                 : did == WIRE_DID_REJECT ? did_reject(a)
                                          : WEIR_FATAL;
    }
    return status;
}

/* Takes the message. */
static int take_answer(struct answer *a, struct message *m)
{
    struct proxy *p = a->proxy;
    a->output = xcalloc(1, sizeof *a->output);
    a->output->body = m->body;
    m->body = NULL;
    a->buf = p->host->buf_wrap(p->ctx, (size_t)m->frame.len, output_free, a->output);
    int status = apply(a);
    p->host->buf_unref(a->buf);
    message_free(m);
    if (status != WEIR_OK) {
        p->why.len = 0;
        strbuf_str(&p->why, "its process did with records what can not be: a fault of the plugin");
        (void)proxy_fail(p, WEIR_FATAL);
    }
    return status;
}

static int reject_some(struct answer *a, const struct weir_result *why)
{
    int status = WEIR_OK;
    for (uint32_t i = 0; i < a->n && status == WEIR_OK; i++)
        status = a->proxy->host->reject(a->emitter, a->first + i, why);
    return status;
}

/* The process ended over these records.  True: they are dealt with. */
static bool ended(struct answer *a, bool guilty)
{
    struct proxy *p = a->proxy;
    if (!guilty)
        return false;
    if (a->n > 1 || ++p->tries < TRIES) {
        p->slice = a->n > 1 ? a->n / 2 : 1;
        return false;
    }
    p->tries = 0;
    const struct weir_result r = {.status = WEIR_REJECT, .type = "plugin_crash", .why = p->why.data};
    (void)reject_some(a, &r);
    return true;
}

/* What the plugin returned, when it was not OK. */
static int refused(struct answer *a, struct message *m)
{
    struct weir_result r = {.status = m->frame.status};
    int status = m->frame.status;
    (void)unpack_result(&(struct unpack){m->body, m->body + m->frame.len, false}, &r);
    if (status == WEIR_REJECT && a->n < a->batch->count)
        status = reject_some(a, &r); /* others of the batch went well */
    message_free(m);
    return status;
}

int proxy_process(void *self, const struct weir_batch *batch, struct weir_emitter *emitter)
{
    struct proxy *p = self;
    struct weir_view view = {.struct_size = sizeof view, .want = WEIR_WANT_VALUE};
    (void)p->host->view(p->ctx, batch, &view);
    struct answer a = {.proxy = p, .emitter = emitter, .batch = batch};
    while (a.first < batch->count) {
        if (p->broken)
            return proxy_fail(p, WEIR_FATAL);
        int status = p->state == PROXY_OPEN ? WEIR_OK : proxy_open(p);
        if (status != WEIR_OK)
            return status;
        uint32_t left = batch->count - a.first, guilty = p->guilty;
        a.n = p->slice && p->slice < left ? p->slice : left;
        p->body.len = 0;
        pack_records(&p->body, batch->records + a.first, a.n, NULL);
        struct message *m = proxy_call(p, WIRE_PROCESS, 0, &p->body, &a.from);
        if (m) {
            status = m->frame.status == WEIR_OK ? take_answer(&a, m) : refused(&a, m);
            if (status != WEIR_OK)
                return status;
            p->restarts.tries = 0;
            p->tries = 0;
            p->slice = p->slice < UINT32_MAX / 2 ? p->slice * 2 : 0;
        } else if (!ended(&a, p->guilty != guilty)) {
            continue;
        }
        a.first += a.n;
    }
    return WEIR_OK;
}
