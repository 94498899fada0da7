/* SPDX-License-Identifier: BSD-2-Clause */
/* expo.h - lines of the Prometheus text format (version 0.0.4): families, samples, labels and their escaping.
 *
 * Source: the format's own description, prometheus.io/docs/instrumenting/exposition_formats.  Pure. */
#ifndef WEIR_HOST_EXPO_H
#define WEIR_HOST_EXPO_H

#include "record/strbuf.h"

#define EXPO_TYPE      "text/plain; version=0.0.4; charset=utf-8"
#define EXPO_NAME_MAX  128 /* bytes of a metric's name with its NUL; longer ones are cut */
#define EXPO_LABEL_MAX 256 /* bytes of a label's value, the rest is left out and shown as ... */

/* The lines # HELP and # TYPE; type is "counter" or "gauge". */
void expo_family(struct strbuf *out, const char *name, const char *type, const char *help);
/* Appends name="value" with a comma before it when labels is not empty. */
void expo_label(struct strbuf *labels, const char *name, const char *value);
void expo_label_bytes(struct strbuf *labels, const char *name, const void *value, size_t len);
/* One line; labels may be empty.  Whole numbers are printed whole up to 2^53. */
void expo_sample(struct strbuf *out, const char *name, const struct strbuf *labels, double value);

/* The name of a metric that a plugin declared: weir_kafka_source_rebalances_total.  Counters end in _total, units
 * are base units: one that does not stand in the name is put behind it.  ret_scale: what values are multiplied by. */
struct weir_metric;
void expo_plugin_name(const char *plugin, const char *kind, const struct weir_metric *, char *out, size_t cap,
                      double *ret_scale);

#endif
