/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - the table of all metrics, and its two printers: samples, and the reference page.  Any thread. */
#include "metrics.h"

#include "health.h"
#include "metrics_values.h"

#include <math.h>
#include <string.h>

void metrics_labels(const struct pipeline *p, struct strbuf *labels)
{
    expo_label(labels, "pipeline", p->flow.conf->label);
}

void metrics_instance_labels(const struct pipeline *p, const struct instance *i, struct strbuf *labels)
{
    char worker[16];
    snprintf(worker, sizeof worker, "%u", (unsigned)i->info.worker);
    metrics_labels(p, labels);
    expo_label(labels, "section", i->section->title);
    expo_label(labels, "worker", worker);
}

/* --- values of a pipeline ---------------------------------------------------------------------------------------- */

#define BOOK(field)                                                                                          \
    static double book_##field(const struct pipeline *p)                                                     \
    {                                                                                                        \
        return (double)ledger_glance(&p->flow.ledger).field;                                                 \
    }
BOOK(read)
BOOK(delivered)
BOOK(dead)
BOOK(dropped)
BOOK(returned)
BOOK(open)
#undef BOOK

static double seconds(const _Atomic int64_t *ms)
{
    return (double)atomic_load_explicit(ms, memory_order_relaxed) / 1000;
}

static double pipeline_stuck(const struct pipeline *p)
{
    return atomic_load(&p->stuck.on);
}

static double pipeline_stuck_shards(const struct pipeline *p)
{
    return atomic_load(&p->stuck.shards);
}

static double pipeline_ack_age(const struct pipeline *p)
{
    return seconds(&p->stuck.ack_age_ms);
}

static double pipeline_commit_age(const struct pipeline *p)
{
    return seconds(&p->stuck.commit_age_ms);
}

static double pipeline_commits(const struct pipeline *p)
{
    return (double)atomic_load(&p->flow.counts.commits);
}

static double pipeline_commit_failures(const struct pipeline *p)
{
    return (double)atomic_load(&p->flow.counts.commit_failures);
}

static double pipeline_state_failures(const struct pipeline *p)
{
    return (double)atomic_load(&p->flow.counts.state_failures);
}

static double memory_used(const struct pipeline *p)
{
    return (double)atomic_load(&p->flow.budget.used);
}

static double memory_peak(const struct pipeline *p)
{
    return (double)atomic_load(&p->flow.budget.peak);
}

static double memory_limit(const struct pipeline *p)
{
    return (double)p->flow.budget.limit;
}

/* --- of a sink --------------------------------------------------------------------------------------------------- */

#define OUTLET_BOOK(field)                                                                                   \
    static double outlet_##field(const struct outlet *o)                                                     \
    {                                                                                                        \
        return (double)atomic_load_explicit(&o->books.field, memory_order_relaxed);                          \
    }
OUTLET_BOOK(in)
OUTLET_BOOK(delivered)
OUTLET_BOOK(duplicate)
OUTLET_BOOK(dead)
OUTLET_BOOK(retried)
#undef OUTLET_BOOK

/* What ended is read first: the sum of parts is never greater than the whole. */
static double outlet_open(const struct outlet *o)
{
    double ended = outlet_delivered(o) + outlet_duplicate(o) + outlet_dead(o);
    return outlet_in(o) - ended;
}

static double outlet_batches(const struct outlet *o)
{
    return (double)atomic_load(&o->glance.batches);
}

static double outlet_in_flight(const struct outlet *o)
{
    return atomic_load(&o->glance.in_flight);
}

static double outlet_retrying(const struct outlet *o)
{
    return atomic_load(&o->glance.retrying);
}

static double outlet_ack_age(const struct outlet *o)
{
    return seconds(&o->watch.ack_age_ms);
}

static double outlet_answer_age(const struct outlet *o)
{
    return seconds(&o->watch.answer_age_ms);
}

static double outlet_retry_age(const struct outlet *o)
{
    return seconds(&o->watch.retry_age_ms);
}

/* --- of an instance ---------------------------------------------------------------------------------------------- */

static double callback_seconds(const struct pipeline *p, const struct instance *i)
{
    (void)p;
    return seconds(&i->watch.inside_ms);
}

static double instance_hung(const struct pipeline *p, const struct instance *i)
{
    int64_t ms;
    return stuck_hung(p, i, &ms) != NULL;
}

static double instance_restarts(const struct pipeline *p, const struct instance *i)
{
    (void)p;
    return i->section->isolate ? (double)atomic_load(&i->restarts) : NAN;
}

/* --- more than one sample ---------------------------------------------------------------------------------------- */

static void print_build(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    struct strbuf labels = {0};
    (void)m;
    expo_label(&labels, "version", WEIR_VERSION);
    expo_sample(out, row->name, &labels, 1);
    strbuf_free(&labels);
}

static void print_live(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    expo_sample(out, row->name, NULL, health_live(m, NULL) == HEALTH_GOOD);
}

static void print_ready(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    expo_sample(out, row->name, NULL, health_ready(m, NULL) == HEALTH_GOOD);
}

/* One sample for each state there is: 1 where it is the one, as Prometheus shows enumerations. */
static void print_states(const struct metric_row *row, const char *const *names, const char *is,
                         const struct strbuf *labels, struct strbuf *out)
{
    for (; *names; names++) {
        struct strbuf one = {0};
        strbuf_add(&one, labels->data, labels->len);
        expo_label(&one, "state", *names);
        expo_sample(out, row->name, &one, strcmp(*names, is) == 0);
        strbuf_free(&one);
    }
}

static void print_pipeline_states(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    static const char *const names[] = {"starting", "running", "draining", "ended", "failed", NULL};
    for (int i = 0; i < m->n + m->n_unstarted; i++) {
        struct strbuf labels = {0};
        if (i < m->n && m->pipelines[i]->only_letters)
            continue;
        if (i < m->n)
            metrics_labels(m->pipelines[i], &labels);
        else
            expo_label(&labels, "pipeline", m->unstarted[i - m->n].pipeline);
        print_states(row, names, i < m->n ? health_pipeline_state(m->pipelines[i]) : "failed", &labels, out);
        strbuf_free(&labels);
    }
}

static void print_instance_states(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    static const char *const names[] = {"starting", "up",        "connecting", "degraded",
                                        "denied",   "untrusted", NULL};
    for (int i = 0; i < m->n; i++)
        for (const struct instance *in = m->pipelines[i]->flow.instances; in; in = in->next_in_flow) {
            struct strbuf labels = {0};
            struct told t;
            instance_told(in, &t);
            metrics_instance_labels(m->pipelines[i], in, &labels);
            print_states(row, names, instance_state_name(in, t.state), &labels, out);
            strbuf_free(&labels);
        }
}

/* --- the table --------------------------------------------------------------------------------------------------- */

#define PROCESS(row_name, is_counter, fn, text)                                                              \
    {                                                                                                        \
        .name = row_name, .counter = is_counter, .labels = "", .help = text, .of_process = fn                \
    }
#define PIPELINE(row_name, is_counter, fn, text)                                                             \
    {                                                                                                        \
        .name = row_name, .counter = is_counter, .labels = "pipeline", .help = text, .of_pipeline = fn       \
    }
#define SINK(row_name, is_counter, fn, text)                                                                 \
    {                                                                                                        \
        .name = row_name, .counter = is_counter, .labels = "pipeline, section", .help = text,                \
        .of_outlet = fn                                                                                      \
    }
#define SINK_MOST(row_name, fn, text)                                                                        \
    {                                                                                                        \
        .name = row_name, .labels = "pipeline, section", .help = text, .of_outlet = fn, .most = true         \
    }
#define INSTANCE(row_name, is_counter, fn, text)                                                             \
    {                                                                                                        \
        .name = row_name, .counter = is_counter, .labels = "pipeline, section, worker", .help = text,        \
        .of_instance = fn                                                                                    \
    }
#define PRINTED(row_name, row_labels, fn, text)                                                              \
    {                                                                                                        \
        .name = row_name, .labels = row_labels, .help = text, .print = fn                                    \
    }

static const struct metric_row rows[] = {
    PRINTED("weir_build_info", "version", print_build, "Always 1; the version of weir is its label"),
    PRINTED("weir_live", "", print_live, "1 while /health/live answers 200"),
    PRINTED("weir_ready", "", print_ready, "1 while /health/ready answers 200"),
    PRINTED("weir_pipeline_state", "pipeline, state", print_pipeline_states,
            "1 for the state the pipeline is in: starting, running, draining, ended or failed"),
    PIPELINE("weir_pipeline_stuck", false, pipeline_stuck,
             "1 while some shard with records waiting had no acknowledgement for stuck.after"),
    PIPELINE("weir_stuck_shards", false, pipeline_stuck_shards, "Shards that are stuck so"),
    PIPELINE("weir_shards", false, metrics_shards, "Shards (partitions, files) that are read now"),
    PIPELINE("weir_records_read_total", true, book_read,
             "Records read from the source, those given back at a rebalance included"),
    PIPELINE("weir_records_delivered_total", true, book_delivered,
             "Source records that every sink that wants them has"),
    PIPELINE("weir_records_dead_lettered_total", true, book_dead,
             "Source records of which a copy ended as a dead letter"),
    PIPELINE("weir_records_dropped_total", true, book_dropped, "Source records that no sink wanted"),
    PIPELINE("weir_records_returned_total", true, book_returned,
             "Source records given back at a rebalance before they were through; their new owner reads them"),
    PIPELINE("weir_records_open", false, book_open,
             "Source records on their way: read, and not through; undelivered if weir ended now"),
    PIPELINE("weir_ack_age_seconds", false, pipeline_ack_age,
             "Time since a source record was last through (since the start, when none was)"),
    PIPELINE(
        "weir_source_lag", false, metrics_lag,
        "Positions between what is acknowledged and the end of the source: records in Kafka, bytes in files"),
    PRINTED(
        "weir_shard_lag", "pipeline, topic, partition", metrics_shard_lag,
        "The same for each shard; beyond a hundred of a pipeline the rest is summed as partition \"others\""),
    PIPELINE("weir_memory_used_bytes", false, memory_used, "Records on their way, with what belongs to them"),
    PIPELINE("weir_memory_peak_bytes", false, memory_peak, "The most it ever was"),
    PIPELINE("weir_memory_limit_bytes", false, memory_limit,
             "Where reading stops: half of memory, or less where that keeps the sinks busy"),
    PIPELINE("weir_commits_total", true, pipeline_commits, "Times positions were stored"),
    PIPELINE("weir_commit_failures_total", true, pipeline_commit_failures,
             "Times a sink could not commit, or the source could not tell its position; tried again"),
    PIPELINE("weir_state_failures_total", true, pipeline_state_failures,
             "Times the state file could not be written; tried again"),
    PIPELINE(
        "weir_commit_age_seconds", false, pipeline_commit_age,
        "Time since positions were last stored (since the start, when none were); without records none are"),
    SINK("weir_sink_records_in_total", true, outlet_in, "Records that came to the sink"),
    SINK("weir_sink_records_delivered_total", true, outlet_delivered, "Records the sink has"),
    SINK("weir_sink_records_duplicate_total", true, outlet_duplicate,
         "Records that were there already: a repeat that did no harm"),
    SINK("weir_sink_records_dead_lettered_total", true, outlet_dead,
         "Records the sink refused for good, handed to the dead letters"),
    SINK("weir_sink_records_retried_total", true, outlet_retried,
         "Times a record was refused for now and is sent again"),
    SINK("weir_sink_records_open", false, outlet_open, "Records that came and did not end yet"),
    SINK("weir_sink_records_retrying", false, outlet_retrying,
         "Records that were refused for now, and wait or are on their way again"),
    SINK("weir_sink_batches_total", true, outlet_batches, "Batches lent to the sink, repeats included"),
    SINK("weir_sink_batches_in_flight", false, outlet_in_flight, "Batches the sink has not answered yet"),
    SINK_MOST("weir_sink_ack_age_seconds", outlet_ack_age,
              "Time since a record last ended at the sink (since the start, when none did)"),
    SINK_MOST("weir_sink_answer_age_seconds", outlet_answer_age,
              "How long the oldest batch in flight waits for its answer; 0: none is in flight"),
    SINK_MOST("weir_sink_retry_age_seconds", outlet_retry_age,
              "How long the oldest record that is refused again and again has been so; 0: there is none"),
    PRINTED("weir_instance_state", "pipeline, section, worker, state", print_instance_states,
            "1 for the state of a part: starting, up, connecting, degraded, denied or untrusted"),
    INSTANCE(
        "weir_instance_callback_seconds", false, callback_seconds,
        "How long the plugin has been inside the callback that runs now; 0: less than a second, or none"),
    INSTANCE("weir_instance_hung", false, instance_hung,
             "1 while a callback has not returned for a minute, or for stuck.after when that is shorter"),
    INSTANCE("weir_instance_restarts_total", true, instance_restarts,
             "Times its process ended and was started again; only of those with isolate = process"),
    PROCESS("process_cpu_seconds_total", true, process_cpu_seconds, "Processor time, user and system"),
    PROCESS("process_resident_memory_bytes", false, process_resident_bytes, "Memory in use"),
    PROCESS("process_virtual_memory_bytes", false, process_virtual_bytes, "Address space in use"),
    PROCESS("process_open_fds", false, process_open_fds, "Open file descriptors"),
    PROCESS("process_max_fds", false, process_max_fds, "Most descriptors it may open"),
    PROCESS("process_start_time_seconds", false, process_start_seconds, "When it started, since 1970, UTC"),
};
#define N_ROWS (sizeof rows / sizeof rows[0])

/* --- printing ---------------------------------------------------------------------------------------------------- */

static void print_pipelines(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    for (int i = 0; i < m->n; i++) {
        struct strbuf labels = {0};
        if (m->pipelines[i]->only_letters)
            continue;
        metrics_labels(m->pipelines[i], &labels);
        expo_sample(out, row->name, &labels, row->of_pipeline(m->pipelines[i]));
        strbuf_free(&labels);
    }
}

/* A sink has an outlet for each worker; one that is shared with another pipeline is shown by its owner. */
static bool first_of_sink(const struct pipeline *p, uint32_t k)
{
    if (p->outlets[k]->flow != &p->flow)
        return false;
    for (uint32_t i = 0; i < k; i++)
        if (p->outlets[i]->conf == p->outlets[k]->conf)
            return false;
    return true;
}

static double sink_value(const struct metric_row *row, const struct pipeline *p, uint32_t k)
{
    double value = 0;
    for (uint32_t i = k; i < p->n_outlets; i++) {
        if (p->outlets[i]->conf != p->outlets[k]->conf)
            continue;
        double one = row->of_outlet(p->outlets[i]);
        value = !row->most ? value + one : one > value ? one : value;
    }
    return value;
}

static void print_sinks(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    for (int i = 0; i < m->n; i++)
        for (uint32_t k = 0; k < m->pipelines[i]->n_outlets; k++) {
            const struct pipeline *p = m->pipelines[i];
            struct strbuf labels = {0};
            if (!first_of_sink(p, k))
                continue;
            metrics_labels(p, &labels);
            expo_label(&labels, "section", p->outlets[k]->conf->title);
            expo_sample(out, row->name, &labels, sink_value(row, p, k));
            strbuf_free(&labels);
        }
}

static void print_instances(const struct metric_row *row, const struct monitor *m, struct strbuf *out)
{
    for (int i = 0; i < m->n; i++)
        for (const struct instance *in = m->pipelines[i]->flow.instances; in; in = in->next_in_flow) {
            struct strbuf labels = {0};
            double value = row->of_instance(m->pipelines[i], in);
            if (isnan(value))
                continue;
            metrics_instance_labels(m->pipelines[i], in, &labels);
            expo_sample(out, row->name, &labels, value);
            strbuf_free(&labels);
        }
}

void metrics_print(const struct monitor *m, struct strbuf *out)
{
    for (size_t r = 0; r < N_ROWS; r++) {
        const struct metric_row *row = &rows[r];
        double value = row->of_process ? row->of_process() : 0;
        if (isnan(value))
            continue;
        expo_family(out, row->name, row->counter ? "counter" : "gauge", row->help);
        if (row->of_process)
            expo_sample(out, row->name, NULL, value);
        else if (row->of_pipeline)
            print_pipelines(row, m, out);
        else if (row->of_outlet)
            print_sinks(row, m, out);
        else if (row->of_instance)
            print_instances(row, m, out);
        else
            row->print(row, m, out);
    }
    metrics_plugins(m, out);
}

void metrics_page(struct strbuf *out)
{
    strbuf_str(
        out, "# Every metric of weir\n\n"
             "What `/metrics` of `weir run --metrics` serves; [monitoring.md](monitoring.md) says what to do "
             "with it. This page is printed from the table in `host/monitor/metrics.c` "
             "(`make update-golden`).\n\n"
             "| name | type | labels | meaning |\n| --- | --- | --- | --- |\n");
    for (size_t r = 0; r < N_ROWS; r++)
        strbuf_printf(out, "| `%s` | %s | %s | %s |\n", rows[r].name, rows[r].counter ? "counter" : "gauge",
                      rows[r].labels, rows[r].help);
    strbuf_str(out,
               "\nBehind these come the metrics that the plugins in use declare themselves: "
               "`weir_PLUGIN_KIND_NAME`, with the labels pipeline, section and worker. `weir plugins NAME` "
               "lists them.\n");
}
