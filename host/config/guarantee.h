/* SPDX-License-Identifier: BSD-2-Clause */
/* guarantee.h - which delivery guarantee follows from the parts of a pipeline, and why.  Pure. */
#ifndef WEIR_HOST_GUARANTEE_H
#define WEIR_HOST_GUARANTEE_H

#include "../record/strbuf.h"
#include "conf.h"

enum guarantee { AT_MOST_ONCE, AT_LEAST_ONCE, EFFECTIVELY_ONCE, EXACTLY_ONCE };

/* Appends one sentence part that follows "because" to why. */
enum guarantee guarantee_of(const struct pipeline_conf *, struct strbuf *why);
const char *guarantee_name(enum guarantee);
/* Appends `kafka -> filter "clean" -> elasticsearch`, with arrows if utf8. */
void guarantee_chain(const struct pipeline_conf *, bool utf8, struct strbuf *out);

#endif
