/* SPDX-License-Identifier: BSD-2-Clause */
/* template.h - {field} templates: one implementation for every plugin (docs/templates.md).
 *
 * Immutable after compiling; any thread may render. */
#ifndef WEIR_HOST_TEMPLATE_H
#define WEIR_HOST_TEMPLATE_H

#include "strbuf.h"
#include "subject.h"

#include <stdbool.h>

/* flags: WEIR_F_NAME, WEIR_F_FIELD.  On failure NULL and a sentence in why[cap].  Freed with template_free. */
struct weir_template *template_compile(const char *text, uint32_t flags, char *why, size_t cap);
void template_free(struct weir_template *);
/* True and *ret, borrowed from the template, when it holds no field. */
bool template_constant(const struct weir_template *, struct weir_slice *ret);
/* Borrowed from the template: its path, when it is one {.path} without default and nothing else; else NULL. */
struct json_path *template_path(const struct weir_template *);
/* Appends to out.  WEIR_OK, or WEIR_REJECT with a sentence appended to why (out is then as before). */
int template_render(const struct weir_template *, const struct subject *, struct strbuf *out,
                    struct strbuf *why);

#endif
