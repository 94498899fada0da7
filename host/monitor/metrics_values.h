/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_values.h - between the table of metrics (metrics.c) and the functions that know a number each. */
#ifndef WEIR_HOST_METRICS_VALUES_H
#define WEIR_HOST_METRICS_VALUES_H

#include "engine/pipeline.h"
#include "report/expo.h"
#include "metrics.h"

struct metric_row {
    const char *name;
    bool counter;
    const char *labels; /* for the page: "pipeline, section" */
    const char *help;
    /* One of these knows the value.  of_outlet: of one outlet; a sink is all its outlets together: their sum, or
     * where `most` is set, the greatest of them. */
    double (*of_process)(void);
    double (*of_pipeline)(const struct pipeline *);
    double (*of_outlet)(const struct outlet *);
    double (*of_instance)(const struct pipeline *, const struct instance *); /* NAN: not of this one */
    void (*print)(const struct metric_row *, const struct monitor *,
                  struct strbuf *out); /* more than one sample each */
    bool most;
};

/* metrics_process.c: the process as the kernel counts it; NAN: it does not tell. */
double process_cpu_seconds(void);
double process_start_seconds(void);
double process_resident_bytes(void);
double process_virtual_bytes(void);
double process_open_fds(void);
double process_max_fds(void);

/* metrics_shards.c */
void metrics_shard_lag(const struct metric_row *, const struct monitor *, struct strbuf *out);
double metrics_lag(const struct pipeline *);
double metrics_shards(const struct pipeline *);

/* metrics_plugin.c: what the plugins in use declared themselves, families and samples. */
void metrics_plugins(const struct monitor *, struct strbuf *out);

/* metrics.c */
void metrics_labels(const struct pipeline *, struct strbuf *labels);
void metrics_instance_labels(const struct pipeline *, const struct instance *, struct strbuf *labels);

#endif
