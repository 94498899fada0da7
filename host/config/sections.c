/* SPDX-License-Identifier: BSD-2-Clause */
/* sections.c - titles and keys of one file (sections.h). */
#include "sections.h"

#include "../record/closest.h"
#include "../report/log.h"
#include "ini.h"
#include "option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64

static bool name_valid(const char *name)
{
    size_t n = strlen(name);
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    return n <= NAME_MAX_BYTES && strspn(name, allowed) == n;
}

static void refuse_word(struct sections *sections, int line, const char *word)
{
    char text[256] = "";
    option_append_suggestion(closest_word(word, strlen(word), host_section_words), text, sizeof text);
    if (!text[0])
        snprintf(text, sizeof text,
                 "; there are [pipeline], [source], [transform NAME], [sink], [sink NAME] and [dead-letter]");
    problem_add(sections->problems, line, NULL, "unknown section [%s]%s", word, text);
}

/* Splits "sink   es" into kind and name; false when it is refused. */
static bool take_title(struct sections *sections, int line, const char *title, struct raw_section *ret)
{
    size_t n = strcspn(title, " \t");
    const char *rest = title + n + strspn(title + n, " \t");
    char *word = xstrdup(title);
    bool good = false;
    word[n] = 0;
    for (int i = 0; i < SECTION_KINDS; i++) {
        if (strcmp(word, host_section_words[i]) == 0) {
            ret->kind = (enum section_kind)i;
            good = true;
        }
    }
    bool may = good && (ret->kind == SECTION_TRANSFORM || ret->kind == SECTION_SINK);
    if (!good) {
        refuse_word(sections, line, word);
    } else if (rest[0] && !may) {
        problem_add(sections->problems, line, NULL, "[%s] takes no name", word);
        good = false;
    } else if (!rest[0] && ret->kind == SECTION_TRANSFORM) {
        problem_add(sections->problems, line, NULL, "[transform] needs a name, like [transform clean]");
        good = false;
    } else if (!name_valid(rest)) {
        problem_add(sections->problems, line, NULL,
                    "\"%s\" is no section name; it has 1 to %d letters, digits, - and _", rest,
                    NAME_MAX_BYTES);
        good = false;
    }
    if (good) {
        size_t room = n + strlen(rest) + 2;
        ret->title = xmalloc(room);
        snprintf(ret->title, room, rest[0] ? "%s %s" : "%s%s", word, rest);
        ret->name = rest[0] ? ret->title + n + 1 : NULL;
    }
    free(word);
    return good;
}

static void on_section(void *opaque, int line, const char *title)
{
    struct sections *sections = opaque;
    struct raw_section section = {.line = line};
    sections->skipping = true;
    if (sections->count == SECTIONS_MAX) {
        problem_add(sections->problems, line, NULL, "more than %d sections", SECTIONS_MAX);
        return;
    }
    if (!take_title(sections, line, title, &section))
        return;
    for (size_t i = 0; i < sections->count; i++) {
        if (strcmp(sections->items[i].title, section.title) == 0) {
            problem_add(sections->problems, line, NULL, "[%s] stands twice, first in line %d%s",
                        section.title, sections->items[i].line,
                        section.kind == SECTION_SINK && !section.name
                            ? "; several sinks need names, like [sink es]"
                            : "");
            free(section.title);
            return;
        }
    }
    sections->skipping = false;
    sections->items = xrealloc(sections->items, (sections->count + 1) * sizeof *sections->items);
    sections->items[sections->count++] = section;
}

static void on_key(void *opaque, int line, const char *key, const char *value, size_t len)
{
    struct sections *sections = opaque;
    if (sections->skipping)
        return; /* its header was reported; what its options would mean is anybody's guess */
    struct raw_section *section = &sections->items[sections->count - 1];
    if (sections->n_keys++ == KEYS_MAX)
        problem_add(sections->problems, line, section->title, "more than %d options in one file", KEYS_MAX);
    if (sections->n_keys > KEYS_MAX)
        return;
    char *copy = xmalloc(len + 1);
    memcpy(copy, value, len);
    copy[len] = 0;
    section->keys = xrealloc(section->keys, (section->n_keys + 1) * sizeof *section->keys);
    section->keys[section->n_keys++] =
        (struct raw_key){.key = xstrdup(key), .value = copy, .len = len, .line = line};
}

static void check_counts(const struct sections *sections)
{
    size_t sources = 0, sinks = 0, unnamed = 0;
    int line = 0;
    for (size_t i = 0; i < sections->count; i++) {
        const struct raw_section *section = &sections->items[i];
        sources += section->kind == SECTION_SOURCE;
        sinks += section->kind == SECTION_SINK;
        if (section->kind == SECTION_SINK && !section->name) {
            unnamed++;
            line = section->line;
        }
    }
    if (sources == 0)
        problem_add(sections->problems, 0, NULL, "there is no [source]");
    if (sinks == 0)
        problem_add(sections->problems, 0, NULL, "there is no [sink]");
    if (unnamed == 1 && sinks > 1)
        problem_add(sections->problems, line, "sink", "several sinks need names, like [sink es]");
}

bool sections_read(const char *path, struct sections *ret, struct problems *problems)
{
    struct ini_handler handler = {.section = on_section, .key = on_key, .opaque = ret};
    *ret = (struct sections){.problems = problems, .skipping = true};
    if (!ini_read(path, &handler, problems))
        return false;
    check_counts(ret);
    return true;
}

void sections_free(struct sections *sections)
{
    for (size_t i = 0; i < sections->count; i++) {
        struct raw_section *section = &sections->items[i];
        for (size_t k = 0; k < section->n_keys; k++) {
            explicit_bzero(section->keys[k].value, section->keys[k].len);
            free(section->keys[k].key);
            free(section->keys[k].value);
        }
        free(section->keys);
        free(section->title);
    }
    free(sections->items);
    *sections = (struct sections){0};
}

const struct raw_key *sections_key(const struct raw_section *section, const char *key)
{
    for (size_t i = 0; i < section->n_keys; i++) {
        if (strcmp(section->keys[i].key, key) == 0)
            return &section->keys[i];
    }
    return NULL;
}

int sections_line(const struct raw_section *section, const char *key)
{
    const struct raw_key *found = key ? sections_key(section, key) : NULL;
    return found ? found->line : section->line;
}
