/* SPDX-License-Identifier: BSD-2-Clause */
/* guarantee.c - promises of the parts added up (guarantee.h). */
#include "guarantee.h"

#include <string.h>

const char *guarantee_name(enum guarantee guarantee)
{
    static const char *const names[] = {"at most once", "at least once", "effectively once", "exactly once"};
    return names[guarantee];
}

/* The sink whose transaction takes the positions with it; NULL: none.  Readers that are independent have each their
 * own. */
static const struct section_conf *keeper_of(const struct pipeline_conf *conf, const struct section_conf *of)
{
    if (conf->fan_out == FANOUT_INDEPENDENT)
        return conf_promises(of) & WEIR_KEEPS_POSITION ? of : NULL;
    for (size_t i = 0; i < conf->n_sinks; i++)
        if (conf_promises(&conf->sinks[i]) & WEIR_KEEPS_POSITION)
            return &conf->sinks[i];
    return NULL;
}

/* What sinks put into the state is of one moment with the positions there; beside a keeper those are only a copy. */
static enum guarantee of_sink(const struct pipeline_conf *conf, const struct section_conf *sink)
{
    uint32_t promises = conf_promises(sink);
    const struct section_conf *keeper = keeper_of(conf, sink);
    bool shared = sink->dead_letter && conf->fan_out == FANOUT_INDEPENDENT;
    if (keeper == sink || (!keeper && !shared && (promises & WEIR_EXACT)))
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

static void explain_sink(const struct pipeline_conf *conf, const struct section_conf *sink,
                         struct strbuf *why)
{
    enum guarantee guarantee = of_sink(conf, sink);
    const struct section_conf *keeper = keeper_of(conf, sink);
    add_part(sink, why);
    if (keeper == sink) {
        strbuf_str(why,
                   " makes records and the offsets of their source final in one transaction, for readers of "
                   "what is committed");
    } else if (guarantee == EXACTLY_ONCE) {
        strbuf_str(why, " stores records and the position they lead to in one transaction");
    } else if (guarantee == EFFECTIVELY_ONCE) {
        strbuf_str(why, " knows each record by its identity, so that a repeat changes nothing");
    } else if (keeper && conf_promises(sink) & WEIR_EXACT) {
        strbuf_str(why, " commits before ");
        add_part(keeper, why);
        strbuf_str(why, ", so that a crash in between repeats records");
    } else {
        strbuf_str(why, " can not tell a repeat after a crash from a new record");
    }
}

static void explain_sinks(const struct pipeline_conf *conf, struct strbuf *why)
{
    for (size_t i = 0; i < conf->n_sinks; i++) {
        strbuf_str(why, i == 0 ? "" : i + 1 == conf->n_sinks ? " and " : ", ");
        explain_sink(conf, &conf->sinks[i], why);
        if (conf->n_sinks > 1)
            strbuf_printf(why, " (%s)", guarantee_name(of_sink(conf, &conf->sinks[i])));
    }
}

enum guarantee guarantee_of(const struct pipeline_conf *conf, struct strbuf *why)
{
    const char *source = conf->source.plugin->info.name;
    enum guarantee weakest = EXACTLY_ONCE;
    if (!(conf_promises(&conf->source) & WEIR_REPLAYABLE)) {
        strbuf_printf(why, "%s can not be read again: what was read but not delivered when weir ends is lost",
                      source);
        return AT_MOST_ONCE;
    }
    for (size_t i = 0; i < conf->n_sinks; i++) {
        enum guarantee guarantee = of_sink(conf, &conf->sinks[i]);
        weakest = guarantee < weakest ? guarantee : weakest;
    }
    strbuf_printf(why, "%s is read again from the last commit after a crash%s, and ", source,
                  conf->fan_out == FANOUT_INDEPENDENT && conf->n_sinks > 1 ? ", for each sink by itself"
                                                                           : "");
    explain_sinks(conf, why);
    if (conf->dead_letter && of_sink(conf, conf->dead_letter) < weakest)
        strbuf_printf(why, "; dead letters arrive %s", guarantee_name(of_sink(conf, conf->dead_letter)));
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
