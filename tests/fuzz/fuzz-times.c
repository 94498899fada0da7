/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-times.c - a byte 'z' and a file of a time zone; or a format, NUL, and a text that is to be a time. */
#include "fuzz.h"

#include "../../plugins/common/times.h"

static void zone_of(const uint8_t *data, size_t size)
{
    char why[300] = "";
    const char *name;
    char *file = fuzz_rest(data, size);
    struct zone *z = zone_read(file, size, why, sizeof why);
    FUZZ_MUST(z || why[0]);
    for (int64_t sec = -70000000000; z && sec < 300000000000; sec += 9999999999) {
        int32_t offset = zone_at(z, sec, &name);
        FUZZ_MUST(offset > -93600 && offset < 93600 && strlen(name) < 16);
        (void)zone_of_local(z, sec);
    }
    zone_free(z);
    free(file);
}

/* What was read prints, and reads the same again by a format that loses nothing. */
static void again(struct times_point t, const char *by)
{
    char out[TIMES_TEXT_MAX], why[300];
    struct times_format f;
    struct times_point back;
    FUZZ_MUST(t.ns >= 0 && t.ns < 1000000000 && times_format(&f, by, why, sizeof why));
    size_t n = times_print(&f, NULL, t, out);
    FUZZ_MUST(n > 0 && !times_read(&f, NULL, 0, (struct weir_slice){out, n}, &back));
    FUZZ_MUST(back.sec == t.sec && back.ns == t.ns);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[300] = "", out[TIMES_TEXT_MAX];
    struct times_format f;
    struct times_point t;
    if (size && *data == 'z') {
        zone_of(data + 1, size - 1);
        return 0;
    }
    char *format = fuzz_text(&data, &size), *text = fuzz_rest(data, size);
    bool is = times_format(&f, format, why, sizeof why), readable = is && times_readable(&f, why, sizeof why);
    FUZZ_MUST(readable || why[0]);
    if (readable && !times_read(&f, NULL, 1769853600, (struct weir_slice){text, size}, &t)) {
        FUZZ_MUST(times_print(&f, NULL, t, out) > 0);
        again(t, "rfc3339");
        again(t, "unix-ns");
        again(t, "%a %d %b %Y %I:%M:%S.%N %p");
    }
    free(format);
    free(text);
    return 0;
}
