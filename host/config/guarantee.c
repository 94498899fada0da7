/* SPDX-License-Identifier: BSD-2-Clause */
/* guarantee.c - promises of the parts added up (guarantee.h). */
#include "guarantee.h"

#include <string.h>

const char *guarantee_name(enum guarantee guarantee)
{
    static const char *const names[] = {"at most once", "at least once", "effectively once", "exactly once"};
    return names[guarantee];
}

static enum guarantee of_sink(const struct section_conf *sink, bool alone)
{
    uint32_t promises = conf_promises(sink);
    if (alone && (promises & WEIR_EXACT))
        return EXACTLY_ONCE;
    return promises & WEIR_IDEMPOTENT ? EFFECTIVELY_ONCE : AT_LEAST_ONCE;
}

static void add_part(const struct section_conf *part, struct strbuf *out)
{
    const char *plugin = part->plugin->info.name;
    strbuf_str(out, plugin);
    if (strcmp(part->name, plugin) != 0 && !part->dead_letter && part->kind != WEIR_SOURCE)
        strbuf_printf(out, " \"%s\"", part->name);
}

static void explain_sink(const struct section_conf *sink, enum guarantee guarantee, struct strbuf *why)
{
    add_part(sink, why);
    if (guarantee == EXACTLY_ONCE)
        strbuf_str(why, " stores records and the position they lead to in one transaction");
    else if (guarantee == EFFECTIVELY_ONCE)
        strbuf_str(why, " knows each record by its identity, so that a repeat changes nothing");
    else if (conf_promises(sink) & WEIR_EXACT)
        strbuf_str(why, " is exactly once only as the one sink of a pipeline");
    else
        strbuf_str(why, " can not tell a repeat after a crash from a new record");
}

static void explain_sinks(const struct pipeline_conf *conf, bool alone, struct strbuf *why)
{
    for (size_t i = 0; i < conf->n_sinks; i++) {
        enum guarantee guarantee = of_sink(&conf->sinks[i], alone);
        strbuf_str(why, i == 0 ? "" : i + 1 == conf->n_sinks ? " and " : ", ");
        explain_sink(&conf->sinks[i], guarantee, why);
        if (conf->n_sinks > 1)
            strbuf_printf(why, " (%s)", guarantee_name(guarantee));
    }
}

enum guarantee guarantee_of(const struct pipeline_conf *conf, struct strbuf *why)
{
    const char *source = conf->source.plugin->info.name;
    bool alone = conf->n_sinks == 1 || conf->fan_out == FANOUT_INDEPENDENT; /* the one sink of its reader */
    enum guarantee weakest = EXACTLY_ONCE;
    if (!(conf_promises(&conf->source) & WEIR_REPLAYABLE)) {
        strbuf_printf(why, "%s can not be read again: what was read but not delivered when weir ends is lost",
                      source);
        return AT_MOST_ONCE;
    }
    for (size_t i = 0; i < conf->n_sinks; i++) {
        enum guarantee guarantee = of_sink(&conf->sinks[i], alone);
        weakest = guarantee < weakest ? guarantee : weakest;
    }
    strbuf_printf(why, "%s is read again from the last commit after a crash, and ", source);
    explain_sinks(conf, alone, why);
    if (conf->dead_letter && weakest > AT_LEAST_ONCE && of_sink(conf->dead_letter, false) < weakest)
        strbuf_printf(why, "; dead letters arrive %s", guarantee_name(of_sink(conf->dead_letter, false)));
    return weakest;
}

void guarantee_chain(const struct pipeline_conf *conf, bool utf8, struct strbuf *out)
{
    const char *arrow = utf8 ? " \xe2\x86\x92 " : " -> ";
    add_part(&conf->source, out);
    for (size_t i = 0; i < conf->n_transforms; i++) {
        strbuf_str(out, arrow);
        add_part(&conf->transforms[i], out);
    }
    for (size_t i = 0; i < conf->n_sinks; i++) {
        strbuf_str(out, i == 0 ? arrow : " + ");
        add_part(&conf->sinks[i], out);
    }
    if (conf->fan_out == FANOUT_INDEPENDENT && conf->n_sinks > 1)
        strbuf_str(out, ", each with a reader of its own");
    if (conf->dead_letter) {
        strbuf_printf(out, " (dead letters%s", arrow);
        add_part(conf->dead_letter, out);
        strbuf_char(out, ')');
    }
}
