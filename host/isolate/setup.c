/* SPDX-License-Identifier: BSD-2-Clause */
/* setup.c - the first words to the process of a plugin (setup.h).  Thread: the caller's. */
#include "setup.h"

#include <string.h>

#define TEXTS   5
#define NUMBERS 8

static void texts_of(struct setup *s, const char **ret[TEXTS])
{
    const char **all[TEXTS] = {&s->path, &s->pipeline, &s->who, &s->reader, &s->source};
    memcpy(ret, all, sizeof all);
}

static void numbers_of(struct setup *s, uint64_t *ret[NUMBERS])
{
    uint64_t *all[NUMBERS] = {&s->commit_ms,     &s->worker,      &s->budget,    &s->want,
                              &s->batch_records, &s->batch_bytes, &s->in_flight, &s->log_level};
    memcpy(ret, all, sizeof all);
}

void setup_pack(struct strbuf *to, const struct setup *setup)
{
    struct setup s = *setup;
    const char **texts[TEXTS];
    uint64_t *numbers[NUMBERS];
    texts_of(&s, texts);
    numbers_of(&s, numbers);
    for (int i = 0; i < TEXTS; i++)
        pack_text(to, *texts[i]);
    for (int i = 0; i < NUMBERS; i++)
        pack_number(to, *numbers[i]);
    pack_number(to, s.section.kind);
    pack_number(to, (uint64_t)s.section.line);
    pack_text(to, s.section.title);
    pack_text(to, s.section.name);
    pack_number(to, s.section.n_keys);
    for (size_t i = 0; i < s.section.n_keys; i++) {
        const struct raw_key *k = &s.section.keys[i];
        pack_number(to, (uint64_t)k->line);
        pack_text(to, k->key);
        pack_text(to, k->value);
    }
}

static char *text(struct unpack *from)
{
    return (char *)(uintptr_t)unpack_text(from);
}

bool setup_unpack(struct unpack *from, struct arena *arena, struct setup *ret)
{
    const char **texts[TEXTS];
    uint64_t *numbers[NUMBERS];
    memset(ret, 0, sizeof *ret);
    texts_of(ret, texts);
    numbers_of(ret, numbers);
    for (int i = 0; i < TEXTS; i++)
        *texts[i] = unpack_text(from);
    for (int i = 0; i < NUMBERS; i++)
        *numbers[i] = unpack_number(from);
    struct raw_section *s = &ret->section;
    s->kind = (enum section_kind)unpack_number(from);
    s->line = (int)unpack_number(from);
    s->title = text(from);
    s->name = text(from);
    s->n_keys = unpack_number(from);
    if (from->bad || s->kind >= SECTION_KINDS || s->n_keys > KEYS_MAX)
        return false;
    s->keys = arena_alloc(arena, (s->n_keys + 1) * sizeof *s->keys);
    for (size_t i = 0; i < s->n_keys; i++) {
        struct raw_key *k = &s->keys[i];
        k->line = (int)unpack_number(from);
        k->key = text(from);
        k->value = text(from);
        k->len = k->value ? strlen(k->value) : 0;
    }
    return !from->bad && s->title;
}
