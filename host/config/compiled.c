/* SPDX-License-Identifier: BSD-2-Clause */
/* compiled.c - compiled option values (compiled.h). */
#include "compiled.h"

#include "../record/expr.h"
#include "../record/path.h"
#include "../record/strbuf.h"
#include "../record/template.h"
#include "../report/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct option_compiled {
    struct option_compiled *next;
    uint32_t type;
    void *object;
};

void compiled_free(struct option_store *store)
{
    while (store->compiled) {
        struct option_compiled *item = store->compiled;
        store->compiled = item->next;
        if (item->type == WEIR_T_TEMPLATE)
            template_free(item->object);
        else if (item->type == WEIR_T_EXPR)
            expr_free(item->object);
        else
            path_free(((struct weir_path *)item->object)->path);
        free(item);
    }
}

static void *keep(struct option_store *store, uint32_t type, void *object)
{
    struct option_compiled *item = xmalloc(sizeof *item);
    *item = (struct option_compiled){.next = store->compiled, .type = type, .object = object};
    store->compiled = item;
    return object;
}

/* The path at the start of text; *ret_used bytes belong to it. */
static struct weir_path *path_at(struct option_store *store, const char *text, size_t len, size_t *ret_used,
                                 char *why, size_t cap)
{
    const char *reason = NULL;
    struct json_path *path = path_compile(text, len, ret_used, &reason);
    if (!path) {
        snprintf(why, cap, "%s", reason);
        return NULL;
    }
    struct weir_path *wrapped = arena_alloc(&store->arena, sizeof *wrapped);
    wrapped->path = path;
    return keep(store, WEIR_T_PATH, wrapped);
}

static struct weir_path *path_whole(struct option_store *store, const char *text, size_t len, char *why,
                                    size_t cap)
{
    size_t used = 0;
    struct weir_path *path = path_at(store, text, len, &used, why, cap);
    if (!path || used == len)
        return path;
    snprintf(why, cap, "something follows the path; it reads like .user.id, .tags[0] or .\"odd-name\"");
    return NULL;
}

void *compiled_new(struct option_store *store, uint32_t type, uint32_t flags, const char *text, size_t len,
                   char *why, size_t cap)
{
    void *object;
    /* {header:NAME}, $headers: the word has to stand there; a text that only mentions it costs nothing but time */
    store->headers |= strstr(text, "header") != NULL;
    if (type == WEIR_T_PATH)
        return path_whole(store, text, len, why, cap);
    object = type == WEIR_T_TEMPLATE ? (void *)template_compile(text, flags, why, cap)
                                     : (void *)expr_compile(text, why, cap);
    return object ? keep(store, type, object) : NULL;
}

bool compiled_paths(struct option_store *store, struct weir_paths *list, const char *text, size_t len,
                    char *why, size_t cap)
{
    const char *end = text + len;
    for (;;) {
        size_t used = 0;
        while (text < end && (*text == ' ' || *text == '\t'))
            text++;
        struct weir_path *path = path_at(store, text, (size_t)(end - text), &used, why, cap);
        if (!path)
            return false;
        const struct weir_path **items = arena_alloc(&store->arena, (list->count + 1) * sizeof *items);
        if (list->count)
            memcpy(items, list->items, list->count * sizeof *items);
        items[list->count++] = path;
        list->items = items;
        for (text += used; text < end && (*text == ' ' || *text == '\t');)
            text++;
        if (text == end)
            return true;
        if (*text++ != ',') {
            snprintf(why, cap, "something follows the path; paths are separated by commas");
            return false;
        }
    }
}

bool compiled_field(struct option_store *store, const struct weir_option *row, struct weir_fields *group,
                    const char *name, const char *text, size_t len, char *why, size_t cap)
{
    struct weir_field field = {.name = name, .text = text};
    struct strbuf path = {0};
    struct json_path *from;
    strbuf_printf(&path, ".%s", name);
    field.path = path_whole(store, path.data, path.len, why, cap);
    strbuf_free(&path);
    if (!field.path)
        return false;
    if (!row->values && !(row->flags & WEIR_F_TEXT)) {
        field.value = compiled_new(store, WEIR_T_TEMPLATE, row->flags, text, len, why, cap);
        if (!field.value)
            return false;
        from = template_path(field.value);
        if (from) {
            struct weir_path *wrapped = arena_alloc(&store->arena, sizeof *wrapped);
            wrapped->path = from; /* the template's */
            field.from = wrapped;
        }
    }
    struct weir_field *items = arena_alloc(&store->arena, (group->count + 1) * sizeof *items);
    if (group->count)
        memcpy(items, group->items, group->count * sizeof *items);
    items[group->count++] = field;
    group->items = items;
    return true;
}
