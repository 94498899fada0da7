/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.c - from sections to a checked pipeline (conf.h).
 *
 * Every mistake is collected; a section goes on being read after one, as far as what follows still has a meaning. */
#include "conf.h"

#include "../plugin/checkhost.h"
#include "../report/log.h"
#include "host_options.h"
#include "option.h"
#include "sections.h"

#include <stdlib.h>
#include <string.h>

#define PIPELINE_NAME_MAX 64
#define ISOLATE_MEMORY    (256 << 20) /* beside that of the pipeline: the program, and libraries */
#define ISOLATE_HUNG_MS   60000       /* as long as for a callback in weir itself (engine/stuck.h) */
#define READER_MEMORY_MIN (8 << 20)   /* a reader of its own must be able to hold some fetches and bodies */

struct conf_store {
    struct option_store options;
};

struct target { /* a table and the struct it fills */
    const struct weir_options *rows;
    void *conf;
    bool *seen; /* per row */
};

struct build {
    const char *path;
    struct pipeline_conf *conf;
    struct problems problems;
    const struct raw_section *section; /* in work */
    const struct weir_ops *ops;        /* of its plugin; NULL: it has none, or is not known */
    struct target targets[2];          /* the plugin's first: its row of a name wins over the host's */
    size_t n_targets;
    bool any_option; /* the plugin is not known, so neither are its options */
};

static void *store_alloc(struct build *build, size_t n)
{
    void *p = arena_alloc(&build->conf->store->options.arena, n);
    memset(p, 0, n);
    return p;
}

static const char *store_text(struct build *build, const char *text)
{
    return arena_copy(&build->conf->store->options.arena, text, strlen(text));
}

static void refuse_unknown(struct build *build, const struct raw_key *key)
{
    const struct weir_options *tables[2] = {0};
    const char *lack = host_options_lack(build->section->kind, build->ops, key->key);
    char text[200] = "";
    if (lack) {
        problem_add(&build->problems, key->line, build->section->title, "%s", lack);
        return;
    }
    for (size_t t = 0; t < build->n_targets; t++)
        tables[t] = build->targets[t].rows;
    option_append_suggestion(option_suggest(key->key, tables, build->n_targets), text, sizeof text);
    problem_add(&build->problems, key->line, build->section->title, "unknown option \"%s\"%s", key->key,
                text);
}

/* The earlier key of the same name, NULL: none. */
static const struct raw_key *earlier(const struct raw_section *section, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (strcmp(section->keys[i].key, section->keys[at].key) == 0)
            return &section->keys[i];
    }
    return NULL;
}

static void take_key(struct build *build, size_t at)
{
    const struct raw_section *section = build->section;
    const struct raw_key *key = &section->keys[at];
    const struct raw_key *first = earlier(section, at);
    struct weir_option row;
    uint32_t index = 0;
    size_t t = 0;
    while (t < build->n_targets && !option_find(build->targets[t].rows, key->key, &row, &index))
        t++;
    if (t == build->n_targets) {
        if (!build->any_option)
            refuse_unknown(build, key);
        return;
    }
    if (first && !option_is_list(row.type)) {
        problem_add(&build->problems, key->line, section->title,
                    "option \"%s\" is given twice, first in line %d", key->key, first->line);
        return;
    }
    char why[1024], where[512];
    snprintf(where, sizeof where, "%s:%d: [%s] %s", build->path, key->line, section->title, key->key);
    struct option_input input = {.key = key->key, .raw = key->value, .len = key->len, .where = where};
    struct target *target = &build->targets[t];
    target->seen[index] = true;
    if (!option_set(&build->conf->store->options, &row, target->conf, &input, why, sizeof why))
        problem_add(&build->problems, key->line, section->title, "%s", why);
    else if (row.flags & WEIR_F_DEPRECATED)
        log_line(WEIR_LOG_WARNING, NULL, "%s: this option will go away; see its help", where);
}

/* Keys, then required ones that are missing, then defaults. */
static void fill(struct build *build)
{
    const struct raw_section *section = build->section;
    char why[1024];
    for (size_t t = 0; t < build->n_targets; t++)
        build->targets[t].seen = xcalloc(build->targets[t].rows->count, sizeof(bool));
    for (size_t i = 0; i < section->n_keys; i++)
        take_key(build, i);
    for (size_t t = 0; t < build->n_targets; t++) {
        struct target *target = &build->targets[t];
        for (uint32_t i = 0; i < target->rows->count; i++) {
            struct weir_option row;
            option_row(target->rows, i, &row);
            if (target->seen[i])
                continue;
            if (row.flags & WEIR_F_REQUIRED)
                problem_add(&build->problems, section->line, section->title, "option \"%s\" is required: %s",
                            row.name, row.help);
            else if (!option_default(&build->conf->store->options, &row, target->conf, why, sizeof why))
                problem_add(&build->problems, section->line, section->title, "%s", why);
        }
        free(target->seen);
        target->seen = NULL;
    }
}

static bool pipeline_name_valid(const char *name)
{
    size_t n = strlen(name);
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    return n >= 1 && n <= PIPELINE_NAME_MAX && name[0] != '.' && name[0] != '-' && strspn(name, allowed) == n;
}

static void name_pipeline(struct build *build, const char *given)
{
    const char *base = strrchr(build->path, '/') ? strrchr(build->path, '/') + 1 : build->path;
    size_t n = strlen(base);
    char *name = xstrdup(given ? given : base);
    if (!given && n > 4 && strcmp(base + n - 4, ".ini") == 0)
        name[n - 4] = 0;
    if (!pipeline_name_valid(name))
        problem_add(&build->problems, given ? sections_line(build->section, "name") : 0,
                    given ? "pipeline" : NULL,
                    "\"%s\" is no pipeline name; it has 1 to 64 letters, digits, . - and _, and begins with "
                    "a letter or "
                    "digit%s",
                    name, given ? "" : "; give one with name = in [pipeline]");
    build->conf->name = build->conf->label = store_text(build, name);
    build->conf->reader = "";
    free(name);
}

static void build_pipeline(struct build *build, const struct raw_section *section)
{
    static const struct raw_section none = {.kind = SECTION_PIPELINE,
                                            .title = (char *)(uintptr_t) "pipeline"};
    struct pipeline_conf *conf = build->conf;
    struct host_pipeline *host = store_alloc(build, sizeof *host);
    build->section = section ? section : &none;
    build->targets[0] = (struct target){.rows = &host_options[SECTION_PIPELINE], .conf = host};
    build->n_targets = 1;
    build->any_option = false;
    fill(build);
    name_pipeline(build, host->name);
    conf->order = (enum conf_order)host->order;
    conf->fan_out = (enum conf_fanout)host->fan_out;
    conf->memory = host->memory;
    conf->workers = host->workers;
    conf->commit_ms = host->commit_ms;
    conf->drain_ms = host->drain_ms;
    conf->stuck_after_ms = host->stuck_after_ms;
}

/* The value of `plugin`, references replaced, or NULL after a report. */
static const char *plugin_name(struct build *build)
{
    const struct raw_key *key = sections_key(build->section, "plugin");
    struct option_input input;
    struct weir_option row;
    struct host_section host = {0};
    uint32_t index;
    char why[1024];
    if (!key || !option_find(&host_options[SECTION_SOURCE], "plugin", &row, &index))
        return NULL; /* fill() says that it is required */
    input = (struct option_input){.key = key->key, .raw = key->value, .len = key->len};
    if (!option_set(&build->conf->store->options, &row, &host, &input, why, sizeof why))
        return NULL; /* as fill() will say */
    return host.plugin;
}

static const char *article(uint32_t kind)
{
    return kind == WEIR_SOURCE ? "source" : kind == WEIR_TRANSFORM ? "transform" : "sink";
}

static void find_plugin(struct build *build, struct section_conf *to)
{
    const struct raw_key *key = sections_key(build->section, "plugin");
    const char *name = plugin_name(build);
    char why[1500], has[64] = "";
    if (!name)
        return;
    to->plugin = loader_get(name, why, sizeof why);
    if (!to->plugin) {
        problem_add(&build->problems, key->line, to->title, "plugin = %s: %s", key->value, why);
        return;
    }
    to->ops = loader_ops(to->plugin, to->kind);
    if (!to->ops) {
        for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
            size_t used = strlen(has);
            if (loader_ops(to->plugin, kind))
                snprintf(has + used, sizeof has - used, "%s%s", used ? ", " : "", article(kind));
        }
        problem_add(&build->problems, key->line, to->title, "plugin \"%s\" is no %s; it has: %s", key->value,
                    article(to->kind), has);
    }
}

static int line_of(const void *opaque, const char *option)
{
    return sections_line(opaque, option);
}

static void refuse_error(void *opaque, const char *name, const char *text)
{
    struct build *build = opaque;
    char key[128];
    snprintf(key, sizeof key, "error.%s", name);
    problem_add(&build->problems, sections_line(build->section, key), build->section->title, "%s: %s", key,
                text);
}

static void take_host_options(struct build *build, struct section_conf *to, const struct host_section *host)
{
    const struct raw_section *section = build->section;
    to->when = host->when;
    to->part_key = host->part == PART_KEY;
    to->batch_records = host->batch_records;
    to->batch_bytes = host->batch_bytes;
    to->linger_ms = host->linger_ms;
    to->in_flight = host->in_flight;
    to->retry_initial_ms = host->retry_initial_ms;
    to->retry_max_ms = host->retry_max_ms;
    to->retry_for_ms = host->retry_for_ms;
    to->stop_after = host->stop_after;
    to->hold_records = host->hold_records;
    to->hold_bytes = host->hold_bytes;
    to->hold_ms = host->hold_ms;
    if (to->kind != WEIR_SINK)
        return;
    if (to->ops)
        to->errors = errors_set_make(&build->conf->store->options.arena, to->ops->errors, &host->errors,
                                     refuse_error, build);
    /* 0: it did not parse, which was said already */
    if (to->retry_max_ms > 0 && to->retry_initial_ms > to->retry_max_ms)
        problem_add(&build->problems, sections_line(section, "retry.initial"), to->title,
                    "retry.initial is longer than retry.max");
    if (build->conf->memory > 0 && to->batch_bytes > build->conf->memory)
        problem_add(
            &build->problems, sections_line(section, "batch.bytes"), to->title,
            "batch.bytes is more than the whole pipeline's memory; lower it or raise memory in [pipeline]");
}

/* Defaults of batches that follow from the sink and from memory: with 1M each, those in flight and the bodies made of
 * them would be most of a small one. */
static void fit_batches(const struct pipeline_conf *conf, const struct raw_section *section,
                        struct section_conf *to)
{
    bool streams = conf_promises(to) & WEIR_STREAM;
    if (streams && !sections_key(section, "batch.linger"))
        to->linger_ms = 0;
    to->in_flight_said = sections_key(section, "in-flight");
    if (to->ops && host_answers_later(to->ops) && !to->in_flight_said)
        to->in_flight = IN_FLIGHT_LATER;
    if (!streams && !sections_key(section, "batch.bytes") && to->batch_bytes > conf->memory / 48)
        to->batch_bytes = conf->memory / 48;
}

/* A copy of the section as the file has it: the process of its plugin reads it once more, secrets and all. */
static const struct raw_section *keep_raw(struct build *build, const struct raw_section *section)
{
    struct raw_section *kept = store_alloc(build, sizeof *kept);
    struct arena *arena = &build->conf->store->options.arena;
    *kept = *section;
    kept->title = arena_copy(arena, section->title, strlen(section->title));
    kept->name = section->name ? store_text(build, section->name) : NULL;
    kept->keys = store_alloc(build, (section->n_keys + 1) * sizeof *kept->keys);
    for (size_t i = 0; i < section->n_keys; i++) {
        const struct raw_key *key = &section->keys[i];
        kept->keys[i] = *key;
        kept->keys[i].key = arena_copy(arena, key->key, strlen(key->key));
        kept->keys[i].value = arena_copy(arena, key->value, key->len);
    }
    return kept;
}

/* What can not be right in a process of its own. */
static void isolate(struct build *build, const struct raw_section *section, struct section_conf *to,
                    const struct host_section *host)
{
    const struct pipeline_conf *conf = build->conf;
    int line = sections_line(section, "isolate");
    if (host->isolate != ISOLATE_PROCESS) {
        if (sections_key(section, "isolate.memory"))
            problem_add(&build->problems, sections_line(section, "isolate.memory"), to->title,
                        "isolate.memory says nothing without isolate = process");
        return;
    }
    if (to->kind == WEIR_SOURCE && !(conf_promises(to) & WEIR_REPLAYABLE))
        problem_add(
            &build->problems, line, to->title,
            "isolate = process does not go with a source that can not be read again: what its process "
            "had read and not handed over would be lost with it");
    else if (conf_promises(to) & WEIR_HOLDS || to->ops->release || to->ops->serve)
        problem_add(&build->problems, line, to->title,
                    "isolate = process does not go with a transform that holds records: what it holds would "
                    "end with its process");
    else if (conf_promises(to) & WEIR_KEEPS_POSITION)
        problem_add(&build->problems, line, to->title,
                    "isolate = process does not go with a sink that is exactly once by a transaction: it "
                    "commits in the name of the source, whose plugin is in another process then");
    struct isolate_conf *isolated = store_alloc(build, sizeof *isolated);
    *isolated = (struct isolate_conf){
        .path = conf->file,
        .raw = keep_raw(build, section),
        .memory = host->isolate_memory ? host->isolate_memory : conf->memory + ISOLATE_MEMORY,
        .hung_ms = conf->stuck_after_ms < ISOLATE_HUNG_MS ? conf->stuck_after_ms : ISOLATE_HUNG_MS};
    to->isolate = isolated;
}

static void build_section(struct build *build, const struct raw_section *section, struct section_conf *to)
{
    struct host_section *host = store_alloc(build, sizeof *host);
    size_t problems = build->problems.count;
    host->retry_for_ms = -1;
    build->section = section;
    to->kind = section->kind == SECTION_SOURCE      ? WEIR_SOURCE
               : section->kind == SECTION_TRANSFORM ? WEIR_TRANSFORM
                                                    : WEIR_SINK;
    to->dead_letter = section->kind == SECTION_DEAD_LETTER;
    to->line = section->line;
    to->title = store_text(build, section->title);
    find_plugin(build, to);
    build->ops = to->ops;
    build->any_option = to->ops == NULL;
    build->n_targets = 0;
    if (to->ops && to->ops->options) {
        to->conf = store_alloc(build, to->ops->options->conf_size);
        build->targets[build->n_targets++] = (struct target){.rows = to->ops->options, .conf = to->conf};
    }
    build->targets[build->n_targets++] =
        (struct target){.rows = host_options_of(section->kind, to->ops), .conf = host};
    fill(build);
    take_host_options(build, to, host);
    to->name = section->name ? store_text(build, section->name)
               : to->plugin  ? to->plugin->info.name
                             : to->title;
    if (build->problems.count > problems)
        return; /* rules between options need good options */
    struct checkhost check = {.problems = &build->problems, .line_of = line_of, .opaque = section};
    if (!checkhost_check(&check, build->conf, to))
        return;
    if (to->kind == WEIR_SINK)
        fit_batches(build->conf, section, to);
    isolate(build, section, to, host);
}

/* A reader for each sink: the same source and transforms, its share of memory, dead letters in common. */
static void build_readers(struct build *build)
{
    struct pipeline_conf *conf = build->conf;
    conf->readers = conf;
    conf->n_readers = 1;
    if (conf->fan_out != FANOUT_INDEPENDENT || build->problems.count)
        return;
    conf->n_readers = conf->n_sinks;
    struct pipeline_conf *readers = store_alloc(build, conf->n_sinks * sizeof *readers);
    for (size_t i = 0; i < conf->n_sinks; i++) {
        char label[2 * PIPELINE_NAME_MAX + 2];
        snprintf(label, sizeof label, "%s.%s", conf->name, conf->sinks[i].name);
        readers[i] = *conf;
        readers[i].reader = conf->sinks[i].name;
        readers[i].label = store_text(build, label);
        readers[i].memory = conf->memory / (int64_t)conf->n_sinks;
        readers[i].sinks = &conf->sinks[i];
        readers[i].n_sinks = 1;
        readers[i].n_readers = 0;
        readers[i].readers = NULL;
    }
    conf->readers = readers;
}

/* Rules for fan-out = independent, when every section is good. */
static void check_readers(struct build *build, const struct raw_section *pipeline)
{
    const struct pipeline_conf *conf = build->conf;
    if (conf->fan_out != FANOUT_INDEPENDENT || build->problems.count)
        return;
    if (!(conf_promises(&conf->source) & WEIR_REPLAYABLE))
        problem_add(
            &build->problems, sections_line(pipeline, "fan-out"), "pipeline",
            "fan-out = independent reads the source once for each sink, but what %s gives can be read "
            "only once; use together",
            conf->source.plugin->info.name);
    if (conf->memory / (int64_t)conf->n_sinks < READER_MEMORY_MIN)
        problem_add(&build->problems, sections_line(pipeline, "fan-out"), "pipeline",
                    "fan-out = independent divides memory among the readers of %zu sinks, each needs 8M; set "
                    "memory to %zuM or more",
                    conf->n_sinks, conf->n_sinks * 8);
}

/* Who keeps the positions can be one alone, and not the dead letters; what it needs of the source it says itself. */
static void check_keepers(struct build *build)
{
    struct pipeline_conf *conf = build->conf;
    const struct section_conf *keeper = NULL;
    struct checkhost check = {.problems = &build->problems};
    if (conf->dead_letter && conf_promises(conf->dead_letter) & WEIR_KEEPS_POSITION)
        problem_add(&build->problems, conf->dead_letter->line, conf->dead_letter->title,
                    "dead letters can not be exactly once: the positions belong to the sink they come from");
    for (size_t i = 0; i < conf->n_sinks; i++) {
        const struct section_conf *sink = &conf->sinks[i];
        (void)checkhost_pair(&check, conf, sink);
        if (!(conf_promises(sink) & WEIR_KEEPS_POSITION))
            continue;
        if (conf->source.isolate)
            problem_add(
                &build->problems, conf->source.line, conf->source.title,
                "isolate = process does not go with [%s]: its transaction takes the source's positions "
                "with it, whose plugin is in another process then",
                sink->title);
        if (keeper && conf->fan_out == FANOUT_TOGETHER)
            problem_add(
                &build->problems, sink->line, sink->title,
                "one sink of a pipeline can be exactly once by a transaction, and [%s] is it; give this one "
                "a file of its own",
                keeper->title);
        keeper = sink;
    }
}

/* A dead letter has all headers of its record. */
static bool nobody_wants_headers(const struct pipeline_conf *conf)
{
    bool nobody = !conf->dead_letter && !conf->store->options.headers;
    for (size_t i = 0; i < conf->n_transforms; i++)
        nobody = nobody && conf_promises(&conf->transforms[i]) & WEIR_NO_HEADERS;
    for (size_t i = 0; i < conf->n_sinks; i++)
        nobody = nobody && conf_promises(&conf->sinks[i]) & WEIR_NO_HEADERS;
    return nobody;
}

static void build_all(struct build *build, const struct sections *sections)
{
    struct pipeline_conf *conf = build->conf;
    const struct raw_section *pipeline = NULL;
    for (size_t i = 0; i < sections->count; i++) {
        if (sections->items[i].kind == SECTION_PIPELINE)
            pipeline = &sections->items[i];
    }
    build_pipeline(build, pipeline);
    conf->transforms = store_alloc(build, (sections->count + 1) * sizeof *conf->transforms);
    conf->sinks = store_alloc(build, (sections->count + 1) * sizeof *conf->sinks);
    for (size_t i = 0; i < sections->count; i++) {
        const struct raw_section *section = &sections->items[i];
        if (section->kind == SECTION_SOURCE) {
            build_section(build, section, &conf->source);
        } else if (section->kind == SECTION_TRANSFORM) {
            build_section(build, section, &conf->transforms[conf->n_transforms++]);
        } else if (section->kind == SECTION_SINK) {
            build_section(build, section, &conf->sinks[conf->n_sinks++]);
        } else if (section->kind == SECTION_DEAD_LETTER) {
            conf->dead_letter = store_alloc(build, sizeof *conf->dead_letter);
            build_section(build, section, conf->dead_letter);
        }
    }
    if (build->problems.count == 0) { /* rules between sections need good sections */
        check_keepers(build);
        conf->no_headers = nobody_wants_headers(conf);
    }
    check_readers(build, pipeline);
    build_readers(build);
}

/* What was made of it, or NULL when there were mistakes, which are printed. */
static struct pipeline_conf *built(struct build *build, FILE *err)
{
    struct pipeline_conf *conf = build->conf;
    if (build->problems.count > 0) {
        problem_print(&build->problems, err);
        conf_free(conf);
        conf = NULL;
    }
    problem_free(&build->problems);
    return conf;
}

struct pipeline_conf *conf_load_changed(const char *path, void (*change)(void *opaque, struct sections *),
                                        void *opaque, FILE *err)
{
    struct build build = {.path = path, .problems = {.file = path}};
    struct sections sections;
    build.conf = xcalloc(1, sizeof *build.conf);
    build.conf->store = xcalloc(1, sizeof *build.conf->store);
    build.conf->file = store_text(&build, path);
    if (sections_read(path, &sections, &build.problems)) {
        if (change)
            change(opaque, &sections);
        build_all(&build, &sections);
    }
    sections_free(&sections);
    return built(&build, err);
}

struct pipeline_conf *conf_load_section(const struct raw_section *section, const char *path, const char *name,
                                        FILE *err)
{
    struct build build = {.path = path, .problems = {.file = path}};
    build.conf = xcalloc(1, sizeof *build.conf);
    build.conf->store = xcalloc(1, sizeof *build.conf->store);
    build.conf->file = store_text(&build, path);
    build.conf->name = build.conf->label = store_text(&build, name);
    build.conf->reader = "";
    build_section(&build, section, &build.conf->source);
    return built(&build, err);
}

struct pipeline_conf *conf_load(const char *path, FILE *err)
{
    return conf_load_changed(path, NULL, NULL, err);
}

void conf_free(struct pipeline_conf *conf)
{
    if (!conf)
        return;
    option_store_free(&conf->store->options);
    free(conf->store);
    free(conf);
}

uint32_t conf_promises(const struct section_conf *section)
{
    return section->ops->promise ? section->ops->promise(section->conf) : section->ops->promises;
}
