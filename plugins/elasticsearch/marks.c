/* SPDX-License-Identifier: BSD-2-Clause */
/* marks.c - the sort values of records that are on their way, by which a pass can be resumed after any of them.
 *
 * One mark per page; a mark goes when a position beyond it was asked for, so there are never more than the records
 * in flight.  Thread: the home thread of the instance. */
#include "es.h"

void marks_begin(struct es_slice *s, uint64_t first_next)
{
    struct es_mark *mark = s->pass->ctx->host->mem(s->pass->ctx, NULL, sizeof *mark);
    memset(mark, 0, sizeof *mark);
    mark->first_next = first_next;
    mark->older = s->marks;
    s->marks = mark;
}

bool marks_add(struct es_slice *s, struct weir_slice sort)
{
    struct es_mark *mark = s->marks;
    char head[ES_POSITION_MAX];
    size_t len = hits_sort_head(sort, (uint32_t)s->pass->conf->sort.count, head, sizeof head);
    if (len == 0)
        return false;
    if (mark->count == mark->cap) {
        mark->cap = mark->cap ? 2 * mark->cap : 256;
        mark->ends = s->pass->ctx->host->mem(s->pass->ctx, mark->ends, mark->cap * sizeof *mark->ends);
    }
    bytes_add(s->pass->ctx, &mark->text, head, len);
    mark->ends[mark->count++] = (uint32_t)mark->text.len;
    return true;
}

static void free_from(struct es_slice *s, struct es_mark *mark)
{
    while (mark) {
        struct es_mark *older = mark->older;
        bytes_free(s->pass->ctx, &mark->text);
        if (mark->ends)
            s->pass->ctx->host->mem(s->pass->ctx, mark->ends, 0);
        s->pass->ctx->host->mem(s->pass->ctx, mark, 0);
        mark = older;
    }
}

bool marks_find(struct es_slice *s, uint64_t next, struct weir_slice *ret)
{
    for (struct es_mark *mark = s->marks; mark; mark = mark->older) {
        uint64_t i = next - mark->first_next;
        uint32_t start;
        if (next < mark->first_next || i >= mark->count)
            continue;
        start = i > 0 ? mark->ends[i - 1] : 0;
        *ret = (struct weir_slice){mark->text.p + start, mark->ends[i] - start};
        free_from(s, mark->older);
        mark->older = NULL;
        return true;
    }
    return false;
}

void marks_free(struct es_slice *s)
{
    free_from(s, s->marks);
    s->marks = NULL;
}
