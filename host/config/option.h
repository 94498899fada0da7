/* SPDX-License-Identifier: BSD-2-Clause */
/* option.h - one row of an option table at a time: text in, checked C value out, stored by offset.
 *
 * The tables of plugins and of the host itself are of the same type (struct weir_options), read by stride.
 * Owns: struct option_store, which keeps what stored values point to.  Thread: the caller's. */
#ifndef WEIR_HOST_OPTION_H
#define WEIR_HOST_OPTION_H

#include "../record/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/plugin.h>

struct option_compiled;

struct option_store { /* a zeroed one is empty */
    struct arena arena;
    struct option_compiled *compiled; /* templates, expressions, paths */
    bool headers;                     /* one of them may look at a record's headers */
};
void option_store_free(struct option_store *);

struct option_input {
    const char *key; /* as written: for a map, with the prefix */
    const char *raw; /* value as written */
    size_t len;
    const char *where; /* "web.ini:12: [sink] password": for secrets; copied */
};

/* Row i of the table, host-sized. */
void option_row(const struct weir_options *, uint32_t i, struct weir_option *ret);
/* The row that takes this key (a map takes every key with its prefix); its number in *ret_index. */
bool option_find(const struct weir_options *, const char *key, struct weir_option *ret, uint32_t *ret_index);
/* Replaces ${...}, parses and checks the text and stores it at conf + offset; a list and a map take further items.
 * False and a sentence in why[cap], which never quotes what ${...} brought in. */
bool option_set(struct option_store *, const struct weir_option *, void *conf, const struct option_input *,
                char *why, size_t cap);
/* Stores the row's default; without one the field keeps what it has. */
bool option_default(struct option_store *, const struct weir_option *, void *conf, char *why, size_t cap);
/* The nearest option name in the tables, or NULL when none is near. */
const char *option_suggest(const char *word, const struct weir_options *const *tables, size_t n_tables);
/* Appends `; did you mean "best"?` to text[cap]; nothing when best is NULL. */
void option_append_suggestion(const char *best, char *text, size_t cap);
/* Is the row fit to be used: name, type, place inside conf_size, range, enum, default?  False and why. */
bool option_row_valid(const struct weir_option *, uint32_t conf_size, char *why, size_t cap);

/* Bytes that level 1 of the contract has of a struct, by its last field then: no plugin has less, however much is
 * appended later. */
#define LEVEL_1(type, last) (offsetof(struct type, last) + sizeof((struct type *)0)->last)

/* A group takes every key with its prefix; a list's key may repeat. */
bool option_is_group(uint32_t type);
bool option_is_list(uint32_t type);
/* What stands behind a group's prefix, for a person: NAME, FIELD; "" for others. */
const char *option_placeholder(uint32_t type);

/* Bytes of the C field, 0 for an unknown type; "duration"; and "1M", "200ms" as an operator writes it. */
size_t option_type_size(uint32_t type);
const char *option_type_name(uint32_t type);
void option_print_size(int64_t bytes, char *out, size_t cap);
void option_print_duration(int64_t ms, char *out, size_t cap);

#endif
