/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-hits.c - the answer to a search: all spans lie inside it. */
#include "fuzz.h"

#include "../../plugins/elasticsearch/es.h"

static void inside(struct weir_slice s, const char *text, size_t size)
{
    const char *p = s.ptr;
    FUZZ_MUST(s.len == 0 || (p >= text && s.len <= size && p + s.len <= text + size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct es_page page;
    const char *why = NULL;
    char *text = fuzz_rest(data, size), head[256];
    memset(&page, 0, sizeof page);
    bool good = hits_read(text, size, 10000, &page, &why);
    FUZZ_MUST(good || why);
    for (uint32_t i = 0; good && i < page.count; i++) {
        const struct es_hit *hit = &page.hits[i];
        inside(hit->source, text, size);
        inside(hit->id, text, size);
        inside(hit->index, text, size);
        inside(hit->sort, text, size);
        FUZZ_MUST(hits_sort_head(hit->sort, 2, head, sizeof head) <= sizeof head);
    }
    inside(page.pit_id, text, size);
    inside(page.scroll_id, text, size);
    hits_free(&page);
    free(text);
    return 0;
}
