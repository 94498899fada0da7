/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-template.c - a template and the record it is rendered for: one byte of flags, text, NUL, the record. */
#include "fuzz-subject.h"

#include "record/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct strbuf out = {0}, said = {0};
    struct fuzz_subject f;
    char why[512] = "";
    if (size == 0)
        return 0;
    uint32_t flags = *data & (WEIR_F_NAME | WEIR_F_FIELD);
    data++;
    size--;
    char *text = fuzz_text(&data, &size);
    struct weir_template *tpl = template_compile(text, flags, why, sizeof why);
    FUZZ_MUST(tpl || why[0]);
    free(text);
    fuzz_subject_take(&f, data, size);
    if (tpl && template_render(tpl, &f.subject, &out, &said) != WEIR_OK)
        FUZZ_MUST(out.len == 0 && said.len > 0);
    strbuf_free(&out);
    strbuf_free(&said);
    fuzz_subject_end(&f);
    template_free(tpl);
    return 0;
}
