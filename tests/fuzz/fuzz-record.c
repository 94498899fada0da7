/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-record.c - format = record: what is read can be printed, and reads the same again. */
#include "fuzz.h"

#include "record/format.h"

static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && !a.ptr == !b.ptr && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct strbuf line = {0}, again = {0};
    struct weir_record r, s;
    const char *why = NULL;
    char *text = fuzz_rest(data, size);
    if (format_parse(&arena, (struct weir_slice){text, size}, &r, &why) == WEIR_OK) {
        format_print(&r, &line);
        FUZZ_MUST(!memchr(line.data, '\n', line.len));
        FUZZ_MUST(format_parse(&arena, (struct weir_slice){line.data, line.len}, &s, &why) == WEIR_OK);
        FUZZ_MUST(same(r.key, s.key) && same(r.value, s.value) && same(r.topic, s.topic));
        FUZZ_MUST(r.n_headers == s.n_headers && r.time_ms == s.time_ms && r.offset == s.offset);
        for (uint32_t i = 0; i < r.n_headers; i++)
            FUZZ_MUST(same(r.headers[i].name, s.headers[i].name) &&
                      same(r.headers[i].value, s.headers[i].value));
        format_print(&s, &again);
        FUZZ_MUST(line.len == again.len && memcmp(line.data, again.data, line.len) == 0);
    } else {
        FUZZ_MUST(why && why[0]);
    }
    strbuf_free(&line);
    strbuf_free(&again);
    arena_free(&arena);
    free(text);
    return 0;
}
