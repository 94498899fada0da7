/* SPDX-License-Identifier: BSD-2-Clause */
/* marks.c - the sort values of records that are on their way, by which a pass can be resumed after any of them.
 *
 * One mark per page; a mark goes when a position beyond it was asked for, so there are never more than the records
 * in flight.  Thread: the home thread of the instance. */
#include "es.h"

void marks_begin(struct es_source *src, uint64_t first_next)
{
    struct es_mark *mark = src->ctx->host->mem(src->ctx, NULL, sizeof *mark);
    memset(mark, 0, sizeof *mark);
    mark->first_next = first_next;
    mark->older = src->marks;
    src->marks = mark;
}

bool marks_add(struct es_source *src, struct weir_slice sort)
{
    struct es_mark *mark = src->marks;
    char head[ES_POSITION_MAX];
    size_t len = hits_sort_head(sort, (uint32_t)src->conf->sort.count, head, sizeof head);
    if (len == 0)
        return false;
    if (mark->count == mark->cap) {
        mark->cap = mark->cap ? 2 * mark->cap : 256;
        mark->ends = src->ctx->host->mem(src->ctx, mark->ends, mark->cap * sizeof *mark->ends);
    }
    bytes_add(src->ctx, &mark->text, head, len);
    mark->ends[mark->count++] = (uint32_t)mark->text.len;
    return true;
}

static void free_from(struct es_source *src, struct es_mark *mark)
{
    while (mark) {
        struct es_mark *older = mark->older;
        bytes_free(src->ctx, &mark->text);
        if (mark->ends)
            src->ctx->host->mem(src->ctx, mark->ends, 0);
        src->ctx->host->mem(src->ctx, mark, 0);
        mark = older;
    }
}

bool marks_find(struct es_source *src, uint64_t next, struct weir_slice *ret)
{
    for (struct es_mark *mark = src->marks; mark; mark = mark->older) {
        uint64_t i = next - mark->first_next;
        uint32_t start;
        if (next < mark->first_next || i >= mark->count)
            continue;
        start = i > 0 ? mark->ends[i - 1] : 0;
        *ret = (struct weir_slice){mark->text.p + start, mark->ends[i] - start};
        free_from(src, mark->older);
        mark->older = NULL;
        return true;
    }
    return false;
}

void marks_free(struct es_source *src)
{
    free_from(src, src->marks);
    src->marks = NULL;
}
