/* SPDX-License-Identifier: BSD-2-Clause */
/* reader.c - turns a [dead-letter] section into a source (reader.h).
 *
 * The source's options are the sink's of the same name and type: brokers, rdkafka.*, and whatever else both ends of a
 * plugin share.  What differs is in one table. */
#include "reader.h"

#include "record/template.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixed {
    const char *option, *value; /* of the source; value NULL: a name of its own */
};

static const struct way { /* from a sink's conf to a source's */
    const char *plugin, *to, *from;
    struct fixed fixed[6];
} ways[] = {
    {"kafka",
     "topic",
     "topics",
     {{"start", "earliest"}, {"on-gap", "earliest"}, {"instance", ""}, {"group", NULL}}},
    {"file",
     "path",
     "path",
     {{"start", "beginning"}, {"follow", "no"}, {"format", "record"}, {"max-line", "1G"}}},
};

const void *section_option(const struct section_conf *s, const char *name, uint32_t type)
{
    struct weir_option row;
    uint32_t index;
    if (!s->ops->options || !option_find(s->ops->options, name, &row, &index) || row.type != type ||
        strcmp(row.name, name) != 0)
        return NULL;
    return (const char *)s->conf + row.offset;
}

static const struct way *way_of(const char *plugin)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(ways[i].plugin, plugin) == 0)
            return &ways[i];
    return NULL;
}

static bool refuse(const struct reader *r, struct strbuf *why, const char *text)
{
    strbuf_printf(why, "%s:%d: [dead-letter] %s", r->of->file, r->of->dead_letter->line, text);
    return false;
}

/* The name of an enum option's value; NULL: no such option. */
static const char *choice(const struct section_conf *s, const char *name)
{
    struct weir_option row;
    uint32_t index;
    if (!s->ops->options || !option_find(s->ops->options, name, &row, &index) || row.type != WEIR_T_ENUM)
        return NULL;
    int64_t value;
    memcpy(&value, (const char *)s->conf + row.offset, sizeof value);
    return row.values[value];
}

static bool readable(const struct reader *r, const struct way *way, struct strbuf *why)
{
    const struct section_conf *dead = r->of->dead_letter;
    const char *format = choice(dead, "format"), *compress = choice(dead, "compress");
    const char *headers = choice(dead, "headers");
    if (!way) {
        strbuf_printf(
            why, "%s:%d: [dead-letter] what %s was given can not be read back; that goes for kafka and file",
            r->of->file, dead->line, dead->plugin->info.name);
        return false;
    }
    if (format && strcmp(format, "record") != 0)
        return refuse(
            r, why,
            "the file has the bare values only: keys, headers and reasons are not in it; format = record "
            "keeps them");
    if (compress && strcmp(compress, "none") != 0)
        return refuse(r, why, "a compressed file can not be read back; use compress = none");
    if (headers && strcmp(headers, "keep") != 0)
        return refuse(r, why, "without headers no reason is in the topic; use headers = keep");
    return true;
}

/* What stands in a pattern for the path itself. */
static char *pattern_of(struct reader *r, struct weir_slice path)
{
    const void *rotate = section_option(r->of->dead_letter, "rotate", WEIR_T_SIZE);
    char *out = arena_alloc(&r->store.arena, path.len * 3 + 2), *p = out;
    int64_t size = 0;
    for (size_t i = 0; i < path.len; i++) {
        char c = ((const char *)path.ptr)[i];
        bool special = strchr("*?[", c) != NULL;
        if (special)
            *p++ = '[';
        *p++ = c;
        if (special)
            *p++ = ']';
    }
    if (rotate)
        memcpy(&size, rotate, sizeof size);
    if (size)
        *p++ = '*'; /* finished files are NAME.TIME */
    *p = 0;
    return out;
}

static bool set_place(struct reader *r, const struct way *way, struct strbuf *why)
{
    struct section_conf *source = &r->conf.source;
    const struct weir_template *template = NULL;
    const void *at = section_option(r->of->dead_letter, way->to, WEIR_T_TEMPLATE);
    struct weir_option row;
    struct weir_slice place;
    uint32_t index;
    if (at)
        memcpy(&template, at, sizeof template);
    if (!template || !template_constant(template, &place)) {
        strbuf_printf(
            why,
            "%s:%d: [dead-letter] %s holds {fields}, so where the dead letters are is not known before; give "
            "them one %s",
            r->of->file, r->of->dead_letter->line, way->to, way->to);
        return false;
    }
    if (!option_find(source->ops->options, way->from, &row, &index))
        return refuse(r, why, "the plugin's source has no option for the place");
    if (row.type == WEIR_T_LIST) {
        const char **items = arena_alloc(&r->store.arena, sizeof *items);
        items[0] = arena_copy(&r->store.arena, place.ptr, place.len);
        struct weir_list list = {items, 1};
        memcpy((char *)source->conf + row.offset, &list, sizeof list);
    } else {
        char *pattern = pattern_of(r, place);
        memcpy((char *)source->conf + row.offset, &pattern, sizeof pattern);
    }
    return true;
}

/* Defaults, then what the sink has too. */
static bool set_shared(struct reader *r, struct strbuf *why)
{
    struct section_conf *source = &r->conf.source;
    const struct section_conf *dead = r->of->dead_letter;
    const struct weir_options *rows = source->ops->options;
    char text[1024];
    for (uint32_t i = 0; i < rows->count; i++) {
        struct weir_option row;
        option_row(rows, i, &row);
        char *to = (char *)source->conf + row.offset;
        const void *from = section_option(dead, row.name, row.type);
        if (from && row.type != WEIR_T_TEMPLATE)
            memcpy(to, from, option_type_size(row.type));
        else if (!option_default(&r->store, &row, source->conf, text, sizeof text))
            return refuse(r, why, text);
    }
    return true;
}

static bool set_fixed(struct reader *r, const struct way *way, struct strbuf *why)
{
    struct section_conf *source = &r->conf.source;
    char text[1024];
    for (const struct fixed *f = way->fixed; f->option; f++) {
        const char *value = f->value ? f->value : r->group.data;
        struct option_input input = {.key = f->option, .raw = value, .len = strlen(value)};
        struct weir_option row;
        uint32_t index;
        if (!option_find(source->ops->options, f->option, &row, &index) ||
            !option_set(&r->store, &row, source->conf, &input, text, sizeof text))
            return refuse(r, why, "the plugin's source lacks an option that reading dead letters needs");
    }
    return true;
}

static void name_it(struct reader *r)
{
    const struct pipeline_conf *of = r->of;
    char host[128] = "host";
    (void)gethostname(host, sizeof host - 1);
    for (size_t i = 0; i < of->n_sinks; i++)
        r->exclusive |= (conf_promises(&of->sinks[i]) & WEIR_COMMITS) != 0;
    r->exclusive |= (conf_promises(of->dead_letter) & WEIR_COMMITS) != 0;
    strbuf_printf(&r->name, "%s.redrive", of->name);
    strbuf_str(&r->state_name, r->exclusive ? of->name : r->name.data);
    strbuf_printf(&r->group, "weir-%s.dlq-%s-%ld", of->name, host, (long)getpid());
}

bool reader_make(struct reader *r, const struct pipeline_conf *of, struct strbuf *why)
{
    *r = (struct reader){.of = of, .conf = *of};
    if (!of->dead_letter) {
        strbuf_printf(why, "%s: there is no [dead-letter] section, so there are no dead letters", of->file);
        return false;
    }
    const struct way *way = way_of(of->dead_letter->plugin->info.name);
    if (!readable(r, way, why))
        return false;
    struct section_conf *source = &r->conf.source;
    *source = (struct section_conf){.kind = WEIR_SOURCE,
                                    .line = of->dead_letter->line,
                                    .title = "dead letters",
                                    .name = of->dead_letter->plugin->info.name,
                                    .plugin = of->dead_letter->plugin,
                                    .ops = loader_ops(of->dead_letter->plugin, WEIR_SOURCE)};
    if (!source->ops || !source->ops->options)
        return refuse(r, why, "the plugin has no source");
    name_it(r);
    source->conf = arena_alloc(&r->store.arena, source->ops->options->conf_size);
    memset(source->conf, 0, source->ops->options->conf_size);
    r->conf.n_transforms = r->conf.n_sinks = 0;
    r->conf.no_headers = false; /* the reasons are there */
    r->conf.dead_letter = NULL;
    r->conf.fan_out = FANOUT_TOGETHER;
    r->conf.name = r->conf.label = r->name.data;
    r->conf.state_name = r->state_name.data;
    r->conf.connector = of->name;
    return set_shared(r, why) && set_fixed(r, way, why) && set_place(r, way, why);
}

void reader_free(struct reader *r)
{
    option_store_free(&r->store);
    strbuf_free(&r->name);
    strbuf_free(&r->state_name);
    strbuf_free(&r->group);
}
