/* SPDX-License-Identifier: BSD-2-Clause */
/* child_transform.c - a transform in its own process: it works on an emitter as in weir, and what it did is written down.
 *
 * Edits are printed here: weir gets records as they are.  Main thread. */
#include "child.h"

#include "engine/emitter.h"
#include "instance/call.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

struct deed {
    uint32_t what, input, n; /* WIRE_DID_*; n: of a pass */
    uint32_t output;         /* of an emit */
    struct weir_result why;  /* of a reject; its texts lie in the emitter's batch */
};
static struct deed *deeds;
static size_t n_deeds, room;

static struct deed *note(uint32_t what, uint32_t input)
{
    if (n_deeds == room) {
        room = room ? room * 2 : 256;
        deeds = xrealloc(deeds, room * sizeof *deeds);
    }
    deeds[n_deeds] = (struct deed){.what = what, .input = input};
    return &deeds[n_deeds++];
}

int child_pass(struct weir_emitter *e, uint32_t first, uint32_t n)
{
    int status = emitter_pass(e, first, n);
    if (status == WEIR_OK)
        note(WIRE_DID_PASS, first)->n = n;
    return status;
}

int child_emit_from(struct weir_emitter *e, uint32_t parent, const struct weir_record *record, size_t size,
                    struct weir_buf *buf)
{
    int status = emitter_emit_from(e, parent, record, size, buf);
    if (status == WEIR_OK)
        note(WIRE_DID_EMIT, parent)->output = e->out->count - 1;
    return status;
}

int child_emit_edit(struct weir_emitter *e, uint32_t parent, const struct weir_edit *edits, uint32_t n,
                    uint32_t stride, const char **ret_why)
{
    int status = emitter_emit_edit(e, parent, edits, n, stride, ret_why);
    if (status == WEIR_OK)
        note(WIRE_DID_EMIT, parent)->output = e->out->count - 1;
    return status;
}

static const char *keep(struct weir_emitter *e, const char *text)
{
    return text ? arena_copy(&e->out->arena, text, strlen(text)) : NULL;
}

/* As emitter_reject does, but for the dead letter, which weir makes. */
int child_reject(struct weir_emitter *e, uint32_t parent, const struct weir_result *why)
{
    uint32_t i;
    if (!emitter_input(e, parent, &i))
        return WEIR_FATAL;
    if (e->rejected[i])
        return WEIR_OK;
    e->rejected[i] = 1;
    struct deed *d = note(WIRE_DID_REJECT, parent);
    d->why = *why;
    d->why.type = keep(e, why->type);
    d->why.why = keep(e, why->why);
    return WEIR_OK;
}

static void pack_deeds(const struct weir_emitter *e, struct strbuf *to)
{
    for (size_t k = 0; k < n_deeds; k++) {
        const struct deed *d = &deeds[k];
        pack_number(to, d->what);
        if (d->what == WIRE_DID_EMIT) {
            const struct weir_record *r = &e->out->records[d->output];
            struct weir_slice topic = e->in->records[d->input].topic;
            pack_record(to, r, d->input, r->topic.ptr == topic.ptr && r->topic.len == topic.len);
        } else {
            pack_number(to, d->input);
            if (d->what == WIRE_DID_PASS)
                pack_number(to, d->n);
            else
                pack_result(to, &d->why);
        }
    }
}

int child_process(struct message *m, struct strbuf *did)
{
    struct instance *in = child.instance;
    struct weir_batch *batch = child_batch(m);
    if (!batch)
        die("weir sent what is no batch");
    struct weir_emitter e = {.instance = in,
                             .in = batch,
                             .process = batch,
                             .out = batch_new(&child.budget, batch->count),
                             .outputs = xcalloc(batch->count, sizeof *e.outputs),
                             .rejected = xcalloc(batch->count, 1),
                             .one_to_one = conf_promises(in->section) & WEIR_ONE_TO_ONE};
    batch_descend(e.out, batch);
    n_deeds = 0;
    in->emitter = &e;
    int status = call_process(in, batch, &e);
    in->emitter = NULL;
    if (status == WEIR_OK) {
        batch_print_edits(e.out);
        pack_deeds(&e, did);
    }
    free(e.outputs);
    free(e.rejected);
    batch_unref(e.out);
    batch_unref(batch);
    return status;
}
