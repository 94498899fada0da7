/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-grok.c - grok's expansion: pattern, NUL, regex of %{OWN}, NUL, regex of %{TWO}.
 *
 * What came of it is not larger than it may be, has no reference left that is not escaped, and names its fields.  PCRE2
 * is not asked: regexes of anybody are its own fuzzer's matter. */
#include "fuzz.h"

#include "../../plugins/parse/grok.h"

static struct fuzz_host host;

/* A %{ that no backslash stands before. */
static bool has_reference(const char *p)
{
    for (; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '%' && p[1] == '{')
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[300] = "", group[40];
    struct grok g;
    if (!host.ctx.host)
        fuzz_host_init(&host);
    char *pattern = fuzz_text(&data, &size), *own = fuzz_text(&data, &size), *two = fuzz_text(&data, &size);
    const struct weir_pair pairs[] = {{"OWN", own}, {"TWO", two}};
    const struct weir_map defined = {pairs, 2};
    if (grok_expand(&g, &host.ctx, pattern, &defined, why, sizeof why)) {
        FUZZ_MUST(g.len <= GROK_TEXT_MAX && strlen(g.regex) == g.len && g.n_fields <= GROK_FIELDS);
        FUZZ_MUST(
            !has_reference(g.regex)); /* nor do a % and a { of two of them meet: a parenthesis is between */
        for (size_t k = 0; k < g.n_fields; k++) {
            (void)snprintf(group, sizeof group, "(?<__%zu>", k);
            FUZZ_MUST(strstr(g.regex, group) && g.fields[k].name.len > 0);
            FUZZ_MUST(grok_field(&g, group + 3) == &g.fields[k]);
        }
        grok_free(&g);
    } else {
        FUZZ_MUST(why[0]);
    }
    free(pattern);
    free(own);
    free(two);
    return 0;
}
