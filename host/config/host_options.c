/* SPDX-License-Identifier: BSD-2-Clause */
/* host_options.c - tables of the host's options (host_options.h). */
#include "host_options.h"

#include "errors.h"
#include "option.h"

#include <string.h>

#include <weir/helpers.h>

const char *const host_section_words[SECTION_KINDS + 1] = {"pipeline", "source",      "transform",
                                                           "sink",     "dead-letter", NULL};

static const char *const orders[] = {"shard", "none", NULL};
static const char *const parts[] = {"value", "key", NULL};
static const char *const isolates[] = {"none", "process", NULL};
static const char *const fan_outs[] = {"together", "independent", NULL};

static const struct weir_option pipeline_rows[] = {
    WEIR_OPT_STRING(struct host_pipeline, name, "name", 0, NULL,
                    "Name in logs, metrics and of the state file",
                    "The default is the file's name without .ini."),
    WEIR_OPT_ENUM(struct host_pipeline, order, "order", 0, "shard", orders,
                  "shard: a partition or file keeps its order; none: it need not", NULL),
    WEIR_OPT_SIZE(
        struct host_pipeline, memory, "memory", 0, "64M", 16 << 20, (int64_t)1 << 40,
        "Budget for all records on their way",
        "Every queue, prefetch and in-flight size follows from it. When it is used up the source stops "
        "reading until sinks have taken something."),
    WEIR_OPT_INT(struct host_pipeline, workers, "workers", 0, "1", 1, 64,
                 "Parallel lanes of transforms and sinks; a shard stays in one lane", NULL),
    WEIR_OPT_ENUM(
        struct host_pipeline, fan_out, "fan-out", 0, "together", fan_outs, "How several sinks read",
        "together: they share one reader and one position, so a sink that is down holds up all once "
        "memory is used up. independent: each has a reader and a position of its own and its share of "
        "memory, so none holds up another; the source is read once for each."),
    WEIR_OPT_DURATION(struct host_pipeline, commit_ms, "commit", 0, "1s", 1, 3600000,
                      "How often positions are stored", NULL),
    WEIR_OPT_DURATION(struct host_pipeline, drain_ms, "drain", 0, "30s", 0, 86400000,
                      "How long a stop waits for what was read to be delivered", NULL),
    WEIR_OPT_DURATION(
        struct host_pipeline, stuck_after_ms, "stuck.after", 0, "5m", 1000, 86400000,
        "A shard that has records waiting and no acknowledgement for so long is stuck",
        "That is logged once with its most likely cause, shown in metrics, and makes "
        "/health/ready fail. Nothing is given up: it goes on by itself when the cause is gone."),
};

#define ROW_PLUGIN                                                                                           \
    WEIR_OPT_STRING(struct host_section, plugin, "plugin", WEIR_F_REQUIRED, NULL, "Name of the plugin",      \
                    "`weir plugins` lists them.")
#define ROWS_ISOLATE                                                                                         \
    WEIR_OPT_ENUM(struct host_section, isolate, "isolate", 0, "none", isolates,                              \
                  "process: the plugin runs in a process of its own",                                        \
                  "When it crashes, hangs or takes too much memory, it is started again; nothing is lost, "  \
                  "and the rest of weir does not notice."),                                                  \
        WEIR_OPT_SIZE(struct host_section, isolate_memory, "isolate.memory", WEIR_F_ADVANCED, NULL,          \
                      16 << 20, (int64_t)1 << 40,                                                            \
                      "Most memory that the process of the plugin may have, before it is started again",     \
                      "Not set, it is 256M and the memory of the pipeline.")
#define ROW_WHEN                                                                                             \
    WEIR_OPT_EXPR(                                                                                           \
        struct host_section, when, "when", 0, NULL, "Expression that selects the records this part gets",    \
        "A record for which it is false passes a transform untouched and is not written to a sink.")
#define ROW_PART                                                                                             \
    WEIR_OPT_ENUM(struct host_section, part, "part", 0, "value", parts,                                      \
                  "What of a record the transform works on",                                                 \
                  "key: it works on the key as it would on the value; what it calls the key is the value "   \
                  "then. when looks at the record as it is.")
#define ROWS_SINK                                                                                            \
    WEIR_OPT_INT(struct host_section, batch_records, "batch.records", 0, "5000", 1, 1000000,                 \
                 "Most records of one batch", NULL),                                                         \
        WEIR_OPT_SIZE(struct host_section, batch_bytes, "batch.bytes", 0, "1M", 1024, (int64_t)1 << 30,      \
                      "Most bytes of one batch, unless one record alone is larger",                          \
                      "Not set, it is at most a 48th of memory where the sink gains from fuller batches."),  \
        WEIR_OPT_DURATION(struct host_section, linger_ms, "batch.linger", 0, "200ms", 0, 3600000,            \
                          "Longest time a record waits for its batch to fill",                               \
                          "0 is the default where the sink gains nothing from fuller batches."),             \
        WEIR_OPT_INT(struct host_section, in_flight, "in-flight", 0, "2", 1, IN_FLIGHT_MAX,                  \
                     "Most batches sent and not answered",                                                   \
                     "4 is the default where batches are small, as they are sent as they come."),            \
        WEIR_OPT_DURATION(struct host_section, retry_initial_ms, "retry.initial", WEIR_F_ADVANCED, "100ms",  \
                          1, 3600000, "Wait before the first retry; doubled each time", NULL),               \
        WEIR_OPT_DURATION(                                                                                   \
            struct host_section, retry_max_ms, "retry.max", WEIR_F_ADVANCED, "30s", 1, 3600000,              \
            "Longest wait between retries",                                                                  \
            "At most 4s while the other end does not answer at all: a try costs little then."),              \
        WEIR_OPT_DURATION(struct host_section, retry_for_ms, "retry.for", WEIR_F_ADVANCED, NULL, 0,          \
                          INT64_MAX,                                                                         \
                          "How long a batch is tried before it is given up; without it: for ever", NULL),    \
        WEIR_ROW_(struct host_section, errors, struct weir_map, WEIR_T_MAP, WEIR_F_ADVANCED, "error.", NULL, \
                  0, 0, errors_words, "What an error of the destination means, by its name or code",         \
                  "Goes before the plugin's own table of errors, by name before by code. retry: again, as "  \
                  "often as it takes; reject: a dead letter; fatal: the pipeline stops; split: again in "    \
                  "halves, a record alone is rejected; duplicate: it counts as delivered.")

static const struct weir_option source_rows[] = {ROW_PLUGIN, ROWS_ISOLATE};
static const struct weir_option transform_rows[] = {ROW_PLUGIN, ROW_WHEN, ROW_PART, ROWS_ISOLATE};
static const struct weir_option chooser_rows[] = {ROW_PLUGIN, ROWS_ISOLATE}; /* it has a `when` of its own */
static const struct weir_option holder_rows[] = {
    ROW_PLUGIN,
    ROW_WHEN,
    ROWS_ISOLATE,
    WEIR_OPT_INT(struct host_section, hold_records, "hold.records", WEIR_F_ADVANCED, "10000", 1, 100000000,
                 "Most records it may hold; beyond it the oldest go on as they are grouped by then", NULL),
    WEIR_OPT_SIZE(
        struct host_section, hold_bytes, "hold.bytes", WEIR_F_ADVANCED, NULL, 1 << 20, (int64_t)1 << 40,
        "Most bytes it may hold",
        "Not set, it is an eighth of memory, shared by all transforms that hold and by the workers; "
        "more than that is not given."),
    WEIR_OPT_DURATION(struct host_section, hold_ms, "hold.time", WEIR_F_ADVANCED, "30s", 10, 86400000,
                      "Longest time it may hold a group, whatever its own options say", NULL),
};
static const struct weir_option sink_rows[] = {ROW_PLUGIN, ROW_WHEN, ROWS_SINK, ROWS_ISOLATE};
static const struct weir_option dead_rows[] = {
    ROW_PLUGIN, ROWS_SINK, ROWS_ISOLATE,
    WEIR_OPT_INT(struct host_section, stop_after, "stop-after", 0, "1000", 0, 1000000000,
                 "So many rejects in a row stop the pipeline; 0: never",
                 "A wrong mapping must not drain a topic into the dead letters.")};

const struct weir_options host_options[SECTION_KINDS] = {
    WEIR_OPTIONS(struct host_pipeline, pipeline_rows), WEIR_OPTIONS(struct host_section, source_rows),
    WEIR_OPTIONS(struct host_section, transform_rows), WEIR_OPTIONS(struct host_section, sink_rows),
    WEIR_OPTIONS(struct host_section, dead_rows)};

static const struct weir_options chooser_options = WEIR_OPTIONS(struct host_section, chooser_rows);
static const struct weir_options holder_options = WEIR_OPTIONS(struct host_section, holder_rows);

static bool chooses(const struct weir_ops *ops)
{
    struct weir_option row;
    uint32_t index;
    return ops->options && option_find(ops->options, "when", &row, &index);
}

const struct weir_options *host_options_of(enum section_kind kind, const struct weir_ops *ops)
{
    if (kind != SECTION_TRANSFORM || !ops)
        return &host_options[kind];
    return ops->promises & WEIR_HOLDS ? &holder_options
           : chooses(ops)             ? &chooser_options
                                      : &host_options[kind];
}

const char *host_options_lack(enum section_kind kind, const struct weir_ops *ops, const char *option)
{
    if (kind != SECTION_TRANSFORM || !ops || strcmp(option, "part") != 0)
        return NULL;
    if (ops->promises & WEIR_HOLDS)
        return "part does not go with a transform that holds records: what it makes of several has one key";
    return chooses(ops) ? "part says nothing here: when looks at the whole record, at its key by $key" : NULL;
}

bool host_answers_later(const struct weir_ops *ops)
{
    return (ops->promises & (WEIR_STREAM | WEIR_BLOCKS)) == WEIR_STREAM;
}
