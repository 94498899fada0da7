/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-expr.c - an expression of `when` and the record it is asked of: text, NUL, the record. */
#include "fuzz-subject.h"

#include "record/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf said = {0};
    struct fuzz_subject f;
    char why[512] = "";
    char *text = fuzz_text(&data, &size);
    struct weir_expr *expr = expr_compile(text, why, sizeof why);
    FUZZ_MUST(expr || why[0]);
    free(text);
    fuzz_subject_take(&f, data, size);
    if (expr && expr_match(expr, &f.subject, &said) == EXPR_ERROR)
        FUZZ_MUST(said.len > 0);
    strbuf_free(&said);
    fuzz_subject_end(&f);
    expr_free(expr);
    return 0;
}
