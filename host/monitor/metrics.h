/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.h - all that /metrics says, from one table, which is also the reference page docs/metrics.md.
 *
 * Any thread; reads numbers without a lock that the way of a record takes. */
#ifndef WEIR_HOST_METRICS_H
#define WEIR_HOST_METRICS_H

#include "monitor.h"

#define METRICS_SHARDS_MAX 100 /* series of lag a pipeline has; the rest is one series more */

void metrics_print(const struct monitor *, struct strbuf *out);
/* The reference page, in Markdown. */
void metrics_page(struct strbuf *out);

#endif
