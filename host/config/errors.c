/* SPDX-License-Identifier: BSD-2-Clause */
/* errors.c - classes of errors, looked up and printed (errors.h). */
#include "errors.h"

#include "../record/closest.h"
#include "../report/log.h"
#include "option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ROWS_MAX   512u
#define STRIDE_MAX 4096u

const char *const errors_words[] = {"retry", "reject", "fatal", "split", "duplicate", NULL};
static const uint32_t word_means[] = {WEIR_CLASS_RETRY, WEIR_CLASS_REJECT, WEIR_CLASS_FATAL, WEIR_CLASS_SPLIT,
                                      WEIR_CLASS_DUPLICATE};

static const struct weir_error *row_at(const struct weir_errors *table, uint32_t i)
{
    return (const void *)((const char *)table->rows + (size_t)i * table->stride);
}

void errors_row(const struct weir_errors *table, uint32_t i, struct weir_error *ret)
{
    memset(ret, 0, sizeof *ret);
    memcpy(ret, row_at(table, i), table->stride < sizeof *ret ? table->stride : sizeof *ret);
}

/* ---- the operator's rows -------------------------------------------------------------------------------------- */
static bool is_number(const char *name, uint32_t *ret)
{
    char *end;
    unsigned long n = strtoul(name, &end, 10);
    *ret = (uint32_t)n;
    return name[0] >= '0' && name[0] <= '9' && *end == '\0' && n <= UINT32_MAX;
}

/* NULL: it is one; else the nearest name of the table, or "". */
static const char *not_known(const struct weir_errors *table, const char *name)
{
    const char **names = xcalloc(table->count + 1, sizeof *names), *best;
    bool known = table->known && table->known(name);
    size_t n = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct weir_error *row = row_at(table, i);
        if (row->type && row->type[0])
            names[n++] = row->type;
        known = known || (!table->known && row->type && strcmp(row->type, name) == 0);
    }
    best = closest_word(name, strlen(name), names);
    free(names);
    return known ? NULL : best ? best : "";
}

static bool means_allowed(const struct weir_errors *table, uint32_t means)
{
    return table->classes == 0 || (table->classes & 1u << means);
}

static void refuse_class(const struct weir_errors *table, char *text, size_t cap)
{
    size_t used = (size_t)snprintf(text, cap, "this destination knows only");
    for (size_t i = 0; errors_words[i] && used < cap; i++)
        if (means_allowed(table, word_means[i]))
            used += (size_t)snprintf(text + used, cap - used, " %s", errors_words[i]);
}

struct errors_set errors_set_make(struct arena *arena, const struct weir_errors *table,
                                  const struct weir_map *map,
                                  void (*problem)(void *opaque, const char *name, const char *text),
                                  void *opaque)
{
    struct weir_error *rows = map->count ? arena_alloc(arena, map->count * sizeof *rows) : NULL;
    struct errors_set set = {rows, 0};
    for (size_t i = 0; i < map->count; i++) {
        const char *name = map->items[i].name, *meant = table ? not_known(table, name) : "";
        char text[256] = "the destination has no error of that name or code";
        size_t word = 0;
        uint32_t code = 0;
        while (errors_words[word] && strcmp(errors_words[word], map->items[i].value) != 0)
            word++;
        if (meant) {
            option_append_suggestion(*meant ? meant : NULL, text, sizeof text);
            problem(opaque, name, text);
            continue;
        }
        if (!means_allowed(table, word_means[word])) {
            refuse_class(table, text, sizeof text);
            problem(opaque, name, text);
            continue;
        }
        bool coded = is_number(name, &code);
        rows[set.count++] = (struct weir_error){.type = coded ? NULL : name,
                                                .low = code,
                                                .high = coded ? code : UINT32_MAX,
                                                .means = word_means[word],
                                                .health = word == 0 ? WEIR_DEGRADED : 0,
                                                .flags = WEIR_ERR_SET,
                                                .help = "as the configuration says"};
    }
    return set;
}

/* ---- lookup ---------------------------------------------------------------------------------------------------- */
static bool type_is(const char *type, struct weir_slice given)
{
    size_t n = strlen(type);
    return n == given.len && (n == 0 || memcmp(type, given.ptr, n) == 0);
}

static bool fits(const struct weir_error *row, const struct weir_fault *f)
{
    size_t n = row->reason ? strlen(row->reason) : 0;
    if (f->code < row->low || f->code > row->high || (row->where && !(row->where & f->where)))
        return false;
    if (row->type && !type_is(row->type, f->type))
        return false;
    return f->reason.len >= n && (n == 0 || strncasecmp(f->reason.ptr, row->reason, n) == 0);
}

const struct weir_error *errors_classify(const struct weir_errors *table, const struct errors_set *set,
                                         const struct weir_fault *f)
{
    static const struct weir_error other = {
        .high = UINT32_MAX, .means = WEIR_CLASS_RETRY, .health = WEIR_DEGRADED, .help = "an unknown error"};
    const struct weir_error *by_code = NULL;
    for (size_t i = 0; i < set->count; i++) {
        const struct weir_error *row = &set->rows[i];
        if (row->type && f->type.len > 0 && type_is(row->type, f->type))
            return row;
        if (!row->type && row->low == f->code)
            by_code = row;
    }
    for (uint32_t i = 0; !by_code && table && i < table->count; i++)
        if (fits(row_at(table, i), f))
            return row_at(table, i);
    return by_code ? by_code : &other;
}

/* ---- checking and printing -------------------------------------------------------------------------------------- */
bool errors_valid(const struct weir_errors *table, char *why, size_t cap)
{
    uint32_t bits = 0;
    if (!table)
        return true;
    if (table->struct_size < LEVEL_1(weir_errors, known) || table->struct_size > STRIDE_MAX ||
        table->stride < LEVEL_1(weir_error, help) || table->stride > STRIDE_MAX ||
        table->stride % sizeof(void *) != 0 || table->count > ROWS_MAX ||
        (table->count > 0 && !table->rows)) {
        snprintf(why, cap, "the table is damaged (size %u, stride %u, rows %u)", table->struct_size,
                 table->stride, table->count);
        return false;
    }
    for (size_t i = 0; table->where && table->where[i] && i < 32; i++)
        bits |= 1u << i;
    for (uint32_t i = 0; i < table->count; i++) {
        struct weir_error row;
        const char *fault = NULL;
        errors_row(table, i, &row);
        if (row.low > row.high)
            fault = "its least code is above its greatest";
        else if (row.means < WEIR_CLASS_OK || row.means > WEIR_CLASS_SPLIT)
            fault = "its class is unknown to this host";
        else if (row.where & ~bits)
            fault = "it is for a place without a name";
        else if (row.health > WEIR_UNTRUSTED)
            fault = "its health is unknown to this host";
        else if ((row.tries || row.pause_ms) && row.means != WEIR_CLASS_RETRY)
            fault = "only what is tried again has tries and a pause";
        else if (!row.help || !row.help[0])
            fault = "it has no help";
        if (fault) {
            snprintf(why, cap, "row %u (%.64s): %s", i, row.type ? row.type : "any", fault);
            return false;
        }
    }
    return true;
}

void errors_print_class(const struct weir_error *row, struct strbuf *out)
{
    static const char *const names[] = {
        [WEIR_CLASS_OK] = "no error",   [WEIR_CLASS_DUPLICATE] = "duplicate", [WEIR_CLASS_RETRY] = "retry",
        [WEIR_CLASS_REJECT] = "reject", [WEIR_CLASS_FATAL] = "fatal",         [WEIR_CLASS_SPLIT] = "split"};
    char pause[32];
    strbuf_str(out, names[row->means]);
    if (row->tries)
        strbuf_printf(out, "; after %u tries reject", row->tries);
    if (row->pause_ms) {
        option_print_duration(row->pause_ms, pause, sizeof pause);
        strbuf_printf(out, ", at most every %s", pause);
    }
    if (row->health == WEIR_DENIED)
        strbuf_str(out, "; denied");
}

void errors_print_code(const struct weir_error *row, struct strbuf *out)
{
    if (row->low == 0 && row->high == 0)
        strbuf_str(out, "none");
    else if (row->low == row->high)
        strbuf_printf(out, "%u", row->low);
    else if (row->low != 0 || row->high != UINT32_MAX)
        strbuf_printf(out, "%u to %u", row->low, row->high);
}

void errors_print_where(const struct weir_errors *table, const struct weir_error *row, struct strbuf *out)
{
    bool any = false;
    for (size_t i = 0; row->where && table->where && table->where[i]; i++) {
        if (!(row->where & 1u << i))
            continue;
        strbuf_printf(out, "%s%s", any ? ", " : "", table->where[i]);
        any = true;
    }
}
