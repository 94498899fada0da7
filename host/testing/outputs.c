/* SPDX-License-Identifier: BSD-2-Clause */
/* outputs.c - the difference between two lists of records, for a person (outputs.h).
 *
 * What both have in common is found first (longest common subsequence); what is left between is paired in order, so
 * that a record that differs in one field is told as such, and not as one missing and one too many. */
#include "outputs.h"

#include "compare.h"
#include "dlq/text.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 1000              /* bytes of a record */
#define TABLE_MAX ((size_t)1 << 20) /* pairs of records that are compared with each other */
#define TOLD_MAX  10                /* records that differ, of one place */

struct output *outputs_add(struct outputs *o, struct weir_slice body, struct weir_slice beside)
{
    if ((o->n & (o->n - 1)) == 0)
        o->items = xrealloc(o->items, (o->n ? 2 * o->n : 1) * sizeof *o->items);
    struct output *out = &o->items[o->n++];
    *out = (struct output){.body = body, .beside = beside};
    if (body.ptr)
        out->body.ptr = arena_copy(&o->arena, body.ptr, body.len);
    out->beside.ptr = arena_copy(&o->arena, beside.ptr, beside.len);
    return out;
}

void outputs_free(struct outputs *o)
{
    free(o->items);
    arena_free(&o->arena);
    *o = (struct outputs){0};
}

static bool fits(const struct wanted *w, const struct output *o, struct strbuf *why)
{
    bool same = w->has_value || compare_body(w->body, o->body, why);
    same &= !w->with.ptr || compare_named(w->with, o->beside, why);
    if (w->because && (!o->reason || !strstr(o->reason, w->because))) {
        if (why)
            strbuf_printf(why, "  the reason does not hold \"%s\": %s\n", w->because,
                          o->reason ? o->reason : "there is none");
        same = false;
    }
    return same;
}

/* A run of both lists that is still to be compared. */
struct difference {
    const struct wanted *const *wanted;
    const struct output *got;
    size_t n_wanted, n_got;
    const char *place;
    struct strbuf *out;
    size_t differ;
};

static void show(struct strbuf *out, char sign, struct weir_slice body)
{
    strbuf_printf(out, "  %c ", sign);
    if (!text_shown(out, body, SHOWN_MAX))
        strbuf_str(out, "...");
    strbuf_char(out, '\n');
}

static struct weir_slice wanted_text(const struct wanted *w)
{
    return w->has_value ? w->with : w->body;
}

/* Record w is wanted, g came; SIZE_MAX: none did. */
static void tell(struct difference *d, size_t w, size_t g)
{
    struct strbuf *out = d->out;
    if (d->differ++ >= TOLD_MAX)
        return;
    if (g == SIZE_MAX) {
        strbuf_printf(out, "%s: record %zu is missing (line %d)\n", d->place, w + 1, d->wanted[w]->line);
        show(out, '-', wanted_text(d->wanted[w]));
    } else if (w == SIZE_MAX) {
        strbuf_printf(out, "%s: record %zu is not expected\n", d->place, g + 1);
        show(out, '+', d->got[g].body);
        if (d->got[g].reason)
            strbuf_printf(out, "  %s\n", d->got[g].reason);
    } else {
        strbuf_printf(out, "%s: record %zu is not as expected (line %d)\n", d->place, g + 1,
                      d->wanted[w]->line);
        (void)fits(d->wanted[w], &d->got[g], out);
        show(out, '-', wanted_text(d->wanted[w]));
        show(out, '+', d->got[g].body);
    }
}

/* Wanted [w, w_end) and got [g, g_end) have nothing in common. */
static void tell_gap(struct difference *d, size_t w, size_t w_end, size_t g, size_t g_end)
{
    while (w < w_end || g < g_end) {
        tell(d, w < w_end ? w : SIZE_MAX, g < g_end ? g : SIZE_MAX);
        w += w < w_end;
        g += g < g_end;
    }
}

/* The middle, by a table of the lengths of common rests; too large a one is compared place by place. */
static void middle(struct difference *d, size_t w, size_t w_end, size_t g, size_t g_end)
{
    size_t rows = w_end - w + 1, columns = g_end - g + 1;
    if (rows > TABLE_MAX / columns) {
        for (; w < w_end && g < g_end; w++, g++)
            if (!fits(d->wanted[w], &d->got[g], NULL))
                tell(d, w, g);
        tell_gap(d, w, w_end, g, g_end);
        return;
    }
    uint32_t *common = xcalloc(rows * columns, sizeof *common);
    uint8_t *same = xcalloc(rows * columns, 1);
    for (size_t i = rows - 1; i-- > 0;)
        for (size_t k = columns - 1; k-- > 0;) {
            size_t at = i * columns + k;
            same[at] = fits(d->wanted[w + i], &d->got[g + k], NULL);
            uint32_t down = common[at + columns], right = common[at + 1];
            common[at] = same[at] ? common[at + columns + 1] + 1 : down > right ? down : right;
        }
    size_t i = 0, k = 0, i_from = 0, k_from = 0;
    while (i < rows - 1 && k < columns - 1) {
        size_t at = i * columns + k;
        if (same[at]) {
            tell_gap(d, w + i_from, w + i, g + k_from, g + k);
            i_from = ++i;
            k_from = ++k;
        } else if (common[at + columns] >= common[at + 1]) {
            i++;
        } else {
            k++;
        }
    }
    tell_gap(d, w + i_from, w_end, g + k_from, g_end);
    free(common);
    free(same);
}

static void in_order(struct difference *d)
{
    size_t w_end = d->n_wanted, g_end = d->n_got, at = 0;
    while (at < w_end && at < g_end && fits(d->wanted[at], &d->got[at], NULL))
        at++;
    while (w_end > at && g_end > at && fits(d->wanted[w_end - 1], &d->got[g_end - 1], NULL)) {
        w_end--;
        g_end--;
    }
    middle(d, at, w_end, at, g_end);
}

/* Each wanted record takes the first that fits it; what is left on both sides is told in order. */
static void in_any_order(struct difference *d)
{
    uint8_t *taken = xcalloc(d->n_got + 1, 1), *found = xcalloc(d->n_wanted + 1, 1);
    for (size_t w = 0; w < d->n_wanted; w++)
        for (size_t g = 0; g < d->n_got && !found[w]; g++)
            if (!taken[g] && fits(d->wanted[w], &d->got[g], NULL))
                taken[g] = found[w] = 1;
    for (size_t w = 0, g = 0; w < d->n_wanted || g < d->n_got;) {
        if (w < d->n_wanted && found[w]) {
            w++;
        } else if (g < d->n_got && taken[g]) {
            g++;
        } else {
            tell(d, w < d->n_wanted ? w : SIZE_MAX, g < d->n_got ? g : SIZE_MAX);
            w += w < d->n_wanted;
            g += g < d->n_got;
        }
    }
    free(taken);
    free(found);
}

bool outputs_compare(const struct outputs *o, const struct wanted *const *wanted, size_t n, bool ordered,
                     const char *place, struct strbuf *out)
{
    struct difference d = {
        .wanted = wanted, .got = o->items, .n_wanted = n, .n_got = o->n, .place = place, .out = out};
    if (ordered)
        in_order(&d);
    else
        in_any_order(&d);
    if (d.differ > TOLD_MAX)
        strbuf_printf(out, "%s: %zu records more differ\n", place, d.differ - TOLD_MAX);
    return d.differ == 0;
}
