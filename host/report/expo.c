/* SPDX-License-Identifier: BSD-2-Clause */
/* expo.c - prints the Prometheus text format (expo.h). */
#include "expo.h"

#include "record/json.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What stands in a label's value or a help text: the format knows three escapes and wants UTF-8. */
static void add_text(struct strbuf *out, const char *p, size_t n, bool quoted)
{
    while (n > 0) {
        size_t good = json_utf8_prefix(p, n);
        for (size_t i = 0; i < good; i++) {
            if (p[i] == '\n')
                strbuf_str(out, "\\n");
            else if (p[i] == '\\')
                strbuf_str(out, "\\\\");
            else if (p[i] == '"' && quoted)
                strbuf_str(out, "\\\"");
            else
                strbuf_char(out, p[i]);
        }
        if (good < n) {
            strbuf_str(out, "\xef\xbf\xbd"); /* U+FFFD */
            good++;
        }
        p += good;
        n -= good;
    }
}

void expo_family(struct strbuf *out, const char *name, const char *type, const char *help)
{
    strbuf_printf(out, "# HELP %s ", name);
    add_text(out, help, strlen(help), false);
    strbuf_printf(out, "\n# TYPE %s %s\n", name, type);
}

void expo_label_bytes(struct strbuf *labels, const char *name, const void *value, size_t len)
{
    size_t shown = len > EXPO_LABEL_MAX ? EXPO_LABEL_MAX : len;
    const char *bytes = value ? value : "";
    while (shown < len && shown > 0 && ((unsigned char)bytes[shown] & 0xc0) == 0x80)
        shown--; /* no character is cut in two */
    strbuf_printf(labels, "%s%s=\"", labels->len ? "," : "", name);
    add_text(labels, bytes, shown, true);
    strbuf_str(labels, shown < len ? "...\"" : "\"");
}

void expo_label(struct strbuf *labels, const char *name, const char *value)
{
    expo_label_bytes(labels, name, value, strlen(value));
}

void expo_sample(struct strbuf *out, const char *name, const struct strbuf *labels, double value)
{
    bool whole = fabs(value) <= 9007199254740992.0 && trunc(value) == value;
    strbuf_str(out, name);
    if (labels && labels->len)
        strbuf_printf(out, "{%s}", labels->data);
    strbuf_printf(out, whole ? " %.0f\n" : " %.6f\n", value);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* Units in which Prometheus counts; another word ("requests") says in the help text what is counted. */
static const char *base_unit(const char *unit, double *scale)
{
    static const struct {
        const char *unit, *base;
        double scale;
    } units[] = {{"bytes", "bytes", 1},    {"seconds", "seconds", 1},          {"s", "seconds", 1},
                 {"ms", "seconds", 0.001}, {"milliseconds", "seconds", 0.001}, {"us", "seconds", 0.000001}};
    for (size_t i = 0; unit && i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i].unit) == 0) {
            *scale = units[i].scale;
            return units[i].base;
        }
    return NULL;
}

void expo_plugin_name(const char *plugin, const char *kind, const struct weir_metric *m, char *out,
                      size_t cap, double *ret_scale)
{
    *ret_scale = 1;
    const char *unit = base_unit(m->unit, ret_scale);
    bool add_unit = unit && !ends_with(m->name, unit);
    snprintf(out, cap, "weir_%s_%s_%s%s%s%s", plugin, kind, m->name, add_unit ? "_" : "",
             add_unit ? unit : "", m->kind == WEIR_COUNTER && !ends_with(m->name, "_total") ? "_total" : "");
    for (char *c = out; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
            *c = '_';
}
