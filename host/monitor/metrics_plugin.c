/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics_plugin.c - the metrics that plugins declared, one family for each row of a plugin's table.  Any thread. */
#include "metrics_values.h"

/* Its plugin and kind stand in the families already: some instance before it has the same table. */
static bool seen_before(const struct monitor *m, const struct instance *until)
{
    for (int i = 0; i < m->n; i++)
        for (const struct instance *in = m->pipelines[i]->flow.instances; in; in = in->next_in_flow) {
            if (in == until)
                return false;
            if (in->ops == until->ops)
                return true;
        }
    return false;
}

static const char *kind_name(uint32_t kind)
{
    return kind == WEIR_SOURCE ? "source" : kind == WEIR_TRANSFORM ? "transform" : "sink";
}

static void print_row(const struct monitor *m, const struct instance *of, uint32_t k, struct strbuf *out)
{
    const struct weir_metrics *table = of->ops->metrics;
    const struct weir_metric *row = (const void *)((const char *)table->rows + (size_t)k * table->stride);
    char name[EXPO_NAME_MAX];
    double scale;
    expo_plugin_name(of->section->plugin->info.name, kind_name(of->ops->kind), row, name, sizeof name,
                     &scale);
    expo_family(out, name, row->kind == WEIR_COUNTER ? "counter" : "gauge", row->help ? row->help : "");
    for (int i = 0; i < m->n; i++)
        for (const struct instance *in = m->pipelines[i]->flow.instances; in; in = in->next_in_flow) {
            if (in->ops != of->ops)
                continue;
            struct strbuf labels = {0};
            metrics_instance_labels(m->pipelines[i], in, &labels);
            int64_t value = atomic_load_explicit(&in->metrics[k], memory_order_relaxed);
            expo_sample(out, name, &labels, (double)value * scale);
            strbuf_free(&labels);
        }
}

void metrics_plugins(const struct monitor *m, struct strbuf *out)
{
    for (int i = 0; i < m->n; i++)
        for (const struct instance *in = m->pipelines[i]->flow.instances; in; in = in->next_in_flow) {
            if (!in->metrics || seen_before(m, in))
                continue;
            for (uint32_t k = 0; k < in->ops->metrics->count; k++)
                print_row(m, in, k, out);
        }
}
