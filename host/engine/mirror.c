/* SPDX-License-Identifier: BSD-2-Clause */
/* mirror.c - keys and values change places, and back (mirror.h).
 *
 * Home thread of the worker.  A chunk's documents are those of its values.  So the mirror has documents of its own, of
 * keys, which never come near a chunk that stands the right way round. */
#include "mirror.h"

static void swap(struct weir_record *r)
{
    struct weir_slice key = r->key;
    r->key = r->value;
    r->value = key;
}

struct weir_batch *mirror_new(struct weir_batch *in)
{
    batch_print_edits(in);
    batch_seal(in);
    struct weir_batch *b = batch_new(in->budget, in->count);
    batch_descend(b, in);
    for (uint32_t i = 0; i < in->count; i++) {
        b->records[i] = in->records[i];
        swap(&b->records[i]);
        b->origins[i] = in->origins[i];
        if (in->originals)
            batch_note_original(b, i, batch_original(in, i));
    }
    b->count = in->count;
    b->bytes = in->bytes;
    b->several = in->several;
    batch_seal(b);
    return b;
}

static bool same_origin(struct origin a, struct origin b)
{
    return a.books == b.books && a.index == b.index;
}

/* What stood parsed of a value that the transform left alone need not be parsed again.  Outputs mostly stand in the
 * order of their inputs; where they do not, their documents are left behind.  An input's goes to one output only:
 * a later stage changes it in place. */
static void pass_documents(struct weir_batch *out, const struct weir_batch *in)
{
    for (uint32_t i = 0, k = 0; i < in->count && k < out->count; k++) {
        while (i < in->count && !same_origin(in->origins[i], out->origins[k]))
            i++;
        if (i < in->count && slice_same(in->records[i].value, out->records[k].value))
            batch_json_pass(out, k, in, i++);
    }
}

void mirror_turn(struct weir_batch *out, const struct weir_batch *in)
{
    batch_print_edits(out);
    batch_forget_docs(out);
    for (uint32_t k = 0; k < out->count; k++)
        swap(&out->records[k]);
    pass_documents(out, in);
    batch_seal(out);
}
