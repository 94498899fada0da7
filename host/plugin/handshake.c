/* SPDX-License-Identifier: BSD-2-Clause */
/* handshake.c - levels, sizes, operations and tables of a plugin (handshake.h). */
#include "handshake.h"

#include "../config/errors.h"
#include "../config/option.h"
#include "../report/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STRUCT_SIZE_MAX 4096u /* beyond it a size is garbage */
#define ROWS_MAX        512u
#define CONF_SIZE_MAX   65536u

struct operation {
    const char *name;
    size_t offset;
    unsigned needed, allowed; /* bits 1 << kind */
};

#define S (1u << WEIR_SOURCE)
#define T (1u << WEIR_TRANSFORM)
#define K (1u << WEIR_SINK)
#define OP(f, needs, allowed)                                                                                \
    {                                                                                                        \
#f, offsetof(struct weir_ops, f), needs, allowed                                                     \
    }
static const struct operation operations[] = {
    OP(promise, 0, S | T | K),
    OP(check, 0, S | T | K),
    OP(probe, 0, S | T | K),
    OP(create, S | T | K, S | T | K),
    OP(open, S | K, S | T | K),
    OP(poll, S, S),
    OP(position, 0, S),
    OP(committed, 0, S),
    OP(revoked, 0, S),
    OP(process, T, T),
    OP(write, K, K),
    OP(service, 0, T | K),
    OP(flush, 0, K),
    OP(commit, 0, K),
    OP(interrupt, 0, S | T | K),
    OP(close, S | K, S | T | K),
    OP(destroy, S | T | K, S | T | K),
    OP(pair, 0, K),
    OP(token, 0, S),
    OP(rewind, 0, S),
    OP(abort, 0, K),
    OP(release, 0, T),
    OP(serve, 0, T),
};
#undef S
#undef T
#undef K
#undef OP

static const char *const kinds[] = {"", "source", "transform", "sink"};

/* Which part of the contract is looked at, for the message of a refusal. */
static const char *rule = "load";

const char *handshake_rule(void)
{
    return rule;
}

__attribute__((format(printf, 3, 4))) static bool no(char *why, size_t cap, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(why, cap, format, ap);
    va_end(ap);
    return false;
}

bool handshake_levels(const void *given, char *why, size_t cap)
{
    uint32_t head[4];
    rule = "level";
    memcpy(head, given, sizeof head);
    if (head[1] != WEIR_MAGIC)
        return no(why, cap, "not a weir plugin: its magic is 0x%08x, not 0x%08x", head[1], WEIR_MAGIC);
    if (head[2] != WEIR_ABI_MAJOR)
        return no(why, cap,
                  "it is built for ABI %u and this weir has ABI %u; rebuild it with this weir's plugin.h",
                  head[2], WEIR_ABI_MAJOR);
    if (head[3] > WEIR_API_LATEST || head[3] < 1)
        return no(
            why, cap,
            "it needs API level %u and this weir has level %u; use a newer weir, or build the plugin with "
            "WEIR_API_MIN %u",
            head[3], WEIR_API_LATEST, WEIR_API_LATEST);
    if (head[0] < LEVEL_1(weir_plugin, ops) || head[0] > STRUCT_SIZE_MAX)
        return no(why, cap,
                  "its description has %u bytes where level 1 has %zu; rebuild it with this weir's plugin.h",
                  head[0], LEVEL_1(weir_plugin, ops));
    rule = "load"; /* it may have been the look at a file */
    return true;
}

static bool name_fits(const char *given, const char *name, char *why, size_t cap)
{
    size_t n = given ? strnlen(given, 33) : 0;
    bool good = n >= 1 && n <= 32 && given[0] >= 'a' && given[0] <= 'z';
    rule = "name";
    for (size_t i = 0; good && i < n; i++)
        good =
            (given[i] >= 'a' && given[i] <= 'z') || (given[i] >= '0' && given[i] <= '9') || given[i] == '-';
    if (!good)
        return no(why, cap, "its name \"%.40s\" is not 1 to 32 of a-z, 0-9 and -, a letter first",
                  given ? given : "");
    if (strcmp(given, name) != 0)
        return no(why, cap, "it calls itself \"%s\"; rename the file to %s.so", given, given);
    return true;
}

static bool operations_fit(const struct weir_ops *ops, char *why, size_t cap)
{
    unsigned bit = 1u << ops->kind;
    rule = "operations";
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        const struct operation *op = &operations[i];
        void (*f)(void);
        memcpy(&f, (const char *)ops + op->offset, sizeof f);
        if (!f && (op->needed & bit))
            return no(why, cap, "its %s lacks the operation \"%s\"", kinds[ops->kind], op->name);
        if (f && !(op->allowed & bit))
            return no(why, cap, "its %s has the operation \"%s\", which a %s can not have", kinds[ops->kind],
                      op->name, kinds[ops->kind]);
    }
    if ((ops->promises & WEIR_HOLDS) && (!ops->release || (ops->promises & WEIR_ONE_TO_ONE)))
        return no(why, cap, "its transform promises to hold records, but %s",
                  ops->release ? "also one output at most for each input"
                               : "lacks the operation \"release\"");
    if (ops->demands != 0)
        return no(why, cap, "its %s demands abilities (0x%x) that this weir does not know; use a newer weir",
                  kinds[ops->kind], ops->demands);
    return true;
}

static bool default_fits(const struct weir_option *row, uint32_t conf_size, char *why, size_t cap)
{
    struct option_store store = {0};
    char reason[400];
    void *conf = xcalloc(1, conf_size);
    bool good = option_default(&store, row, conf, reason, sizeof reason);
    if (!good)
        no(why, cap, "option \"%s\": its default does not pass: %s", row->name, reason);
    option_store_free(&store);
    free(conf);
    return good;
}

static bool name_repeats(const struct weir_options *table, uint32_t i)
{
    struct weir_option row, other;
    option_row(table, i, &row);
    for (uint32_t k = 0; k < i; k++) {
        option_row(table, k, &other);
        if (strcmp(row.name, other.name) == 0)
            return true;
    }
    return false;
}

static bool options_fit(const struct weir_options *table, const char *kind, char *why, size_t cap)
{
    char reason[512];
    rule = "options";
    if (!table)
        return true;
    if (table->struct_size < LEVEL_1(weir_options, rows) || table->struct_size > STRUCT_SIZE_MAX ||
        table->stride < LEVEL_1(weir_option, since) || table->stride > STRUCT_SIZE_MAX ||
        table->stride % sizeof(void *) != 0 || table->count > ROWS_MAX || table->conf_size == 0 ||
        table->conf_size > CONF_SIZE_MAX || (table->count > 0 && !table->rows))
        return no(why, cap, "the option table of its %s is damaged (size %u, stride %u, rows %u, struct %u)",
                  kind, table->struct_size, table->stride, table->count, table->conf_size);
    for (uint32_t i = 0; i < table->count; i++) {
        struct weir_option row;
        option_row(table, i, &row);
        if (!option_row_valid(&row, table->conf_size, reason, sizeof reason) ||
            !default_fits(&row, table->conf_size, reason, sizeof reason))
            return no(why, cap, "its %s: %s", kind, reason);
        if (name_repeats(table, i))
            return no(why, cap, "its %s: option \"%s\" is declared twice", kind, row.name);
        if (strcmp(row.name, "plugin") == 0)
            return no(why, cap, "its %s: the option name \"plugin\" belongs to the host", kind);
    }
    return true;
}

static bool metrics_fit(const struct weir_metrics *table, const char *kind, char *why, size_t cap)
{
    rule = "metrics";
    if (!table)
        return true;
    if (table->struct_size < LEVEL_1(weir_metrics, rows) || table->stride < LEVEL_1(weir_metric, help) ||
        table->stride > STRUCT_SIZE_MAX || table->stride % sizeof(void *) != 0 || table->count > ROWS_MAX ||
        (table->count > 0 && !table->rows))
        return no(why, cap, "the metric table of its %s is damaged (stride %u, rows %u)", kind, table->stride,
                  table->count);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct weir_metric *metric =
            (const void *)((const char *)table->rows + (size_t)i * table->stride);
        if (!metric->name || !metric->name[0] || (metric->kind != WEIR_COUNTER && metric->kind != WEIR_GAUGE))
            return no(why, cap, "its %s: metric %u has no name or an unknown kind", kind, i);
        for (uint32_t k = 0; k < i; k++) {
            const struct weir_metric *other =
                (const void *)((const char *)table->rows + (size_t)k * table->stride);
            if (strcmp(other->name, metric->name) == 0)
                return no(why, cap, "its %s: metric \"%s\" is declared twice", kind, metric->name);
        }
    }
    return true;
}

static bool errors_fit(const struct weir_ops *ops, char *why, size_t cap)
{
    char reason[256];
    rule = "errors";
    if (ops->errors && ops->kind != WEIR_SINK)
        return no(why, cap, "its %s has a table of errors; only a sink has one", kinds[ops->kind]);
    return errors_valid(ops->errors, reason, sizeof reason) ||
           no(why, cap, "its %s: table of errors: %s", kinds[ops->kind], reason);
}

static bool take_ops(const struct weir_ops *given, struct plugin *ret, char *why, size_t cap)
{
    uint32_t size;
    struct weir_ops ops = {0};
    rule = "operations";
    memcpy(&size, given, sizeof size);
    if (size < 4 * sizeof(uint32_t) || size > STRUCT_SIZE_MAX)
        return no(why, cap, "one of its tables of operations claims to have %u bytes", size);
    memcpy(&ops, given, size < sizeof ops ? size : sizeof ops);
    if (ops.kind < WEIR_SOURCE || ops.kind > WEIR_SINK)
        return no(why, cap, "one of its tables is of kind %u, which this weir does not know", ops.kind);
    struct weir_ops *slot = ops.kind == WEIR_SOURCE ? &ret->source
                            : ops.kind == WEIR_SINK ? &ret->sink
                                                    : &ret->transform;
    if (slot->kind != 0)
        return no(why, cap, "it has two tables for one kind, %s", kinds[ops.kind]);
    if (!operations_fit(&ops, why, cap) || !options_fit(ops.options, kinds[ops.kind], why, cap) ||
        !metrics_fit(ops.metrics, kinds[ops.kind], why, cap) || !errors_fit(&ops, why, cap))
        return false;
    *slot = ops;
    return true;
}

bool handshake(const struct weir_plugin *given, const char *name, struct plugin *ret, char *why, size_t cap)
{
    rule = "description";
    if (!given)
        return no(why, cap, "plugin declined to load");
    if (!handshake_levels(given, why, cap))
        return false;
    memset(ret, 0, sizeof *ret);
    memcpy(&ret->info, given, given->struct_size < sizeof ret->info ? given->struct_size : sizeof ret->info);
    if (!name_fits(ret->info.name, name, why, cap))
        return false;
    rule = "description";
    if (!ret->info.version || !ret->info.summary || !ret->info.license)
        return no(why, cap, "it does not state its version, summary and license");
    if (!ret->info.ops || !ret->info.ops[0])
        return no(why, cap, "it is neither a source nor a transform nor a sink");
    for (size_t i = 0; ret->info.ops[i]; i++) {
        rule = "operations";
        if (i == 3)
            return no(why, cap, "it has more than three tables of operations");
        if (!take_ops(ret->info.ops[i], ret, why, cap))
            return false;
    }
    rule = "start";
    int status = ret->info.global_init ? ret->info.global_init() : 0;
    if (status != 0)
        return no(why, cap, "plugin declined to load: its global_init gave %d", status);
    return true;
}
