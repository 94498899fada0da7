/* SPDX-License-Identifier: BSD-2-Clause */
/* option.c - rows of option tables: lookup, parsing, storing, checking (option.h). */
#include "option.h"

#include "../record/closest.h"
#include "../record/strbuf.h"
#include "../report/log.h"
#include "../report/redact.h"
#include "compiled.h"
#include "number.h"
#include "subst.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parse { /* one value on its way */
    struct option_store *store;
    const struct weir_option *row;
    const struct option_input *input;
    const char *text; /* ${...} replaced; in the store */
    size_t len;
    bool secret; /* something of it came from ${...} */
    char *why;
    size_t cap;
};

static const struct {
    const char *name;
    size_t size;
} types[] = {
    {NULL, 0},
    {"string", sizeof(const char *)},
    {"integer", sizeof(int64_t)},
    {"yes or no", sizeof(int64_t)},
    {"number", sizeof(double)},
    {"size", sizeof(int64_t)},
    {"duration", sizeof(int64_t)},
    {"choice", sizeof(int64_t)},
    {"list", sizeof(struct weir_list)},
    {"group", sizeof(struct weir_map)},
    {"secret", sizeof(const struct weir_secret *)},
    {"template", sizeof(const struct weir_template *)},
    {"expression", sizeof(const struct weir_expr *)},
    {"path", sizeof(const struct weir_path *)},
    {"paths", sizeof(struct weir_paths)},
    {"fields", sizeof(struct weir_fields)},
};

size_t option_type_size(uint32_t type)
{
    return type < sizeof types / sizeof types[0] ? types[type].size : 0;
}

const char *option_type_name(uint32_t type)
{
    return option_type_size(type) ? types[type].name : "unknown";
}

bool option_is_group(uint32_t type)
{
    return type == WEIR_T_MAP || type == WEIR_T_FIELDS;
}

bool option_is_list(uint32_t type)
{
    return type == WEIR_T_LIST || type == WEIR_T_PATHS;
}

const char *option_placeholder(uint32_t type)
{
    return type == WEIR_T_MAP ? "NAME" : type == WEIR_T_FIELDS ? "FIELD" : "";
}

void option_store_free(struct option_store *store)
{
    compiled_free(store);
    arena_free(&store->arena);
}

void option_row(const struct weir_options *table, uint32_t i, struct weir_option *ret)
{
    size_t n = table->stride < sizeof *ret ? table->stride : sizeof *ret;
    memset(ret, 0, sizeof *ret);
    memcpy(ret, (const char *)table->rows + (size_t)i * table->stride, n);
}

bool option_find(const struct weir_options *table, const char *key, struct weir_option *ret,
                 uint32_t *ret_index)
{
    for (uint32_t i = 0; table && i < table->count; i++) {
        option_row(table, i, ret);
        size_t n = strlen(ret->name);
        if (option_is_group(ret->type) ? strncmp(key, ret->name, n) == 0 : strcmp(key, ret->name) == 0) {
            *ret_index = i;
            return true;
        }
    }
    return false;
}

/* What a message may quote of the value: as written, so that a reference is named and what it holds is not. */
static bool refuse(struct parse *parse, const char *reason)
{
    const char *raw = parse->input->raw;
    size_t n = parse->input->len;
    if (parse->row->type == WEIR_T_SECRET)
        snprintf(parse->why, parse->cap, "%s: %s", parse->input->key, reason);
    else if (n > 60)
        snprintf(parse->why, parse->cap, "%s = %.60s...: %s", parse->input->key, raw, reason);
    else
        snprintf(parse->why, parse->cap, "%s = %.*s: %s", parse->input->key, (int)n, raw, reason);
    return false;
}

static void print_bound(const struct weir_option *row, int64_t value, char *out, size_t cap)
{
    if (row->type == WEIR_T_SIZE)
        option_print_size(value, out, cap);
    else if (row->type == WEIR_T_DURATION)
        option_print_duration(value, out, cap);
    else
        snprintf(out, cap, "%lld", (long long)value);
}

static bool check_range(struct parse *parse, bool below, bool above)
{
    const struct weir_option *row = parse->row;
    char low[32], high[32], reason[128];
    if ((row->min == 0 && row->max == 0) || (!below && !above))
        return true;
    print_bound(row, row->min, low, sizeof low);
    print_bound(row, row->max, high, sizeof high);
    if (row->max == INT64_MAX)
        snprintf(reason, sizeof reason, "out of range; at least %s", low);
    else
        snprintf(reason, sizeof reason, "out of range; %s to %s", low, high);
    return refuse(parse, reason);
}

static bool set_number(struct parse *parse, void *field)
{
    const struct weir_option *row = parse->row;
    const char *reason = NULL;
    int64_t value = 0;
    if (row->type == WEIR_T_INT)
        reason = number_integer(parse->text, &value);
    else if (row->type == WEIR_T_SIZE)
        reason = number_size(parse->text, &value);
    else if (row->type == WEIR_T_DURATION)
        reason = number_duration(parse->text, &value);
    else
        reason = number_bool(parse->text, &value);
    if (reason)
        return refuse(parse, reason);
    if (row->type != WEIR_T_BOOL && !check_range(parse, value<row->min, value> row->max))
        return false;
    memcpy(field, &value, sizeof value);
    return true;
}

static bool set_double(struct parse *parse, void *field)
{
    double value;
    const char *reason = number_double(parse->text, &value);
    if (reason)
        return refuse(parse, reason);
    if (!check_range(parse, value<(double)parse->row->min, value>(double) parse->row->max))
        return false;
    memcpy(field, &value, sizeof value);
    return true;
}

/* The text's place among the row's values; false: it is none of them, which was said. */
static bool find_value(struct parse *parse, int64_t *ret)
{
    char reason[512] = "must be ";
    for (int64_t i = 0; parse->row->values[i]; i++) {
        if (strcmp(parse->row->values[i], parse->text) == 0) {
            *ret = i;
            return true;
        }
        size_t used = strlen(reason);
        snprintf(reason + used, sizeof reason - used, "%s%s",
                 i == 0                      ? ""
                 : parse->row->values[i + 1] ? ", "
                                             : " or ",
                 parse->row->values[i]);
    }
    if (!parse->secret) /* a near miss would give most of the value away */
        option_append_suggestion(closest_word(parse->text, parse->len, parse->row->values), reason,
                                 sizeof reason);
    return refuse(parse, reason);
}

static bool set_enum(struct parse *parse, void *field)
{
    int64_t value;
    if (!find_value(parse, &value))
        return false;
    memcpy(field, &value, sizeof value);
    return true;
}

static bool set_list(struct parse *parse, void *field)
{
    struct weir_list list;
    memcpy(&list, field, sizeof list);
    size_t room = list.count + 1;
    for (size_t i = 0; i < parse->len; i++)
        room += parse->text[i] == ',';
    const char **items = arena_alloc(&parse->store->arena, room * sizeof *items);
    if (list.count > 0)
        memcpy(items, list.items, list.count * sizeof *items);
    const char *at = parse->text, *end = parse->text + parse->len;
    for (;;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        while (at < stop && (*at == ' ' || *at == '\t'))
            at++;
        while (stop > at && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        if (at == stop)
            return refuse(parse, "an item of the list is empty");
        items[list.count++] = arena_copy(&parse->store->arena, at, (size_t)(stop - at));
        if (parse->secret)
            redact_add(at, (size_t)(stop - at)); /* items are logged one by one: brokers, URLs */
        if (!comma)
            break;
        at = comma + 1;
    }
    list.items = items;
    memcpy(field, &list, sizeof list);
    return true;
}

static bool set_map(struct parse *parse, void *field)
{
    struct weir_map map;
    const char *name = parse->input->key + strlen(parse->row->name);
    int64_t value;
    memcpy(&map, field, sizeof map);
    if (!name[0])
        return refuse(parse, "a name must follow the dot");
    if (parse->row->values && !find_value(parse, &value))
        return false;
    struct weir_pair *items = arena_alloc(&parse->store->arena, (map.count + 1) * sizeof *items);
    if (map.count > 0)
        memcpy(items, map.items, map.count * sizeof *items);
    items[map.count].name = arena_copy(&parse->store->arena, name, strlen(name));
    items[map.count].value = parse->text;
    map.items = items;
    map.count++;
    memcpy(field, &map, sizeof map);
    return true;
}

static void set_secret(struct parse *parse, void *field)
{
    struct arena *arena = &parse->store->arena;
    struct weir_secret *secret = arena_alloc(arena, sizeof *secret);
    const char *where = parse->input->where ? parse->input->where : parse->row->name;
    secret->recipe = arena_copy(arena, parse->input->raw, parse->input->len);
    secret->len = parse->input->len;
    secret->where = arena_copy(arena, where, strlen(where));
    redact_add(parse->text, parse->len);
    memcpy(field, &secret, sizeof secret);
}

/* The compilers quote pieces of the text. */
static bool refuse_compiled(struct parse *parse, const char *reason)
{
    return refuse(parse, parse->secret ? "what ${...} brought in does not compile" : reason);
}

static bool set_compiled(struct parse *parse, void *field)
{
    char reason[512] = "";
    void *object = compiled_new(parse->store, parse->row->type, parse->row->flags, parse->text, parse->len,
                                reason, sizeof reason);
    if (!object)
        return refuse_compiled(parse, reason);
    memcpy(field, &object, sizeof object);
    return true;
}

static bool set_paths(struct parse *parse, void *field)
{
    char reason[512] = "";
    struct weir_paths list;
    memcpy(&list, field, sizeof list);
    if (!compiled_paths(parse->store, &list, parse->text, parse->len, reason, sizeof reason))
        return refuse_compiled(parse, reason);
    memcpy(field, &list, sizeof list);
    return true;
}

static bool set_fields(struct parse *parse, void *field)
{
    char reason[512] = "";
    struct weir_fields group;
    const char *name = parse->input->key + strlen(parse->row->name);
    int64_t value;
    if (!name[0])
        return refuse(parse, "a field must follow the dot");
    if (parse->row->values && !find_value(parse, &value))
        return false;
    memcpy(&group, field, sizeof group);
    name = arena_copy(&parse->store->arena, name, strlen(name));
    if (!compiled_field(parse->store, parse->row, &group, name, parse->text, parse->len, reason,
                        sizeof reason))
        return refuse_compiled(parse, reason);
    memcpy(field, &group, sizeof group);
    return true;
}

static bool store_value(struct parse *parse, void *field)
{
    switch (parse->row->type) {
    case WEIR_T_STRING:
        memcpy(field, &parse->text, sizeof parse->text);
        return true;
    case WEIR_T_INT:
    case WEIR_T_BOOL:
    case WEIR_T_SIZE:
    case WEIR_T_DURATION:
        return set_number(parse, field);
    case WEIR_T_DOUBLE:
        return set_double(parse, field);
    case WEIR_T_ENUM:
        return set_enum(parse, field);
    case WEIR_T_LIST:
        return set_list(parse, field);
    case WEIR_T_MAP:
        return set_map(parse, field);
    case WEIR_T_SECRET:
        set_secret(parse, field);
        return true;
    case WEIR_T_PATHS:
        return set_paths(parse, field);
    case WEIR_T_FIELDS:
        return set_fields(parse, field);
    default:
        return set_compiled(parse, field);
    }
}

bool option_set(struct option_store *store, const struct weir_option *row, void *conf,
                const struct option_input *input, char *why, size_t cap)
{
    struct parse parse = {.store = store, .row = row, .input = input, .why = why, .cap = cap};
    struct strbuf text = {0};
    char reason[NUMBER_WHY];
    if (!subst_expand(input->raw, input->len, &text, &parse.secret, reason, sizeof reason)) {
        strbuf_free(&text);
        snprintf(why, cap, "%s: %s", input->key, reason);
        return false;
    }
    if (parse.secret)
        redact_add(text.data, text.len);
    parse.len = text.len;
    parse.text = arena_copy(&store->arena, text.len ? text.data : "", text.len);
    if (text.data)
        explicit_bzero(text.data, text.room);
    strbuf_free(&text);
    if (parse.len == 0 && (row->flags & WEIR_F_REQUIRED))
        return refuse(&parse, "is empty, and the option is required");
    return store_value(&parse, (char *)conf + row->offset);
}

bool option_default(struct option_store *store, const struct weir_option *row, void *conf, char *why,
                    size_t cap)
{
    if (!row->def)
        return true;
    struct option_input input = {.key = row->name, .raw = row->def, .len = strlen(row->def)};
    return option_set(store, row, conf, &input, why, cap);
}

const char *option_suggest(const char *word, const struct weir_options *const *tables, size_t n_tables)
{
    struct weir_option row;
    const char **names;
    size_t count = 0;
    for (size_t t = 0; t < n_tables; t++)
        count += tables[t] ? tables[t]->count : 0;
    names = xcalloc(count + 1, sizeof *names);
    count = 0;
    for (size_t t = 0; t < n_tables; t++) {
        for (uint32_t i = 0; tables[t] && i < tables[t]->count; i++) {
            option_row(tables[t], i, &row);
            if (!option_is_group(row.type))
                names[count++] = row.name;
        }
    }
    const char *best = closest_word(word, strlen(word), names);
    free(names);
    return best;
}

void option_append_suggestion(const char *best, char *text, size_t cap)
{
    size_t used = strlen(text);
    if (best && used < cap)
        snprintf(text + used, cap - used, "; did you mean \"%s\"?", best);
}

static bool name_valid(const struct weir_option *row)
{
    size_t n = row->name ? strlen(row->name) : 0;
    if (n == 0 || n > 64 || row->name[0] < 'a' || row->name[0] > 'z')
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = row->name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'))
            return false;
    }
    return option_is_group(row->type) == (row->name[n - 1] == '.');
}

/* How the C type of its field is aligned; where pointers are short that is not the same for all. */
static size_t type_align(uint32_t type)
{
    switch (type) {
    case WEIR_T_INT:
    case WEIR_T_BOOL:
    case WEIR_T_SIZE:
    case WEIR_T_DURATION:
    case WEIR_T_ENUM:
        return _Alignof(int64_t);
    case WEIR_T_DOUBLE:
        return _Alignof(double);
    default:
        return _Alignof(void *);
    }
}

bool option_row_valid(const struct weir_option *row, uint32_t conf_size, char *why, size_t cap)
{
    size_t size = option_type_size(row->type), place = row->offset;
    const char *name = row->name ? row->name : "(no name)";
    const char *reason = NULL;
    if (!name_valid(row))
        reason = "its name is not made of a-z, 0-9, . and - (a group's ends in a dot, no other does)";
    else if (size == 0)
        reason = "its type is unknown to this host";
    else if (place > conf_size || size > conf_size - place)
        reason = "its field lies outside the plugin's configuration struct";
    else if (place % type_align(row->type) != 0)
        reason = "its field is not aligned";
    else if (row->type == WEIR_T_ENUM && (!row->values || !row->values[0]))
        reason = "it is a choice without values";
    else if (row->min > row->max)
        reason = "its least value is above its greatest";
    else if (row->def && (row->flags & WEIR_F_REQUIRED))
        reason = "it is required and has a default";
    else if (row->def && (row->type == WEIR_T_SECRET || option_is_group(row->type)))
        reason = "a secret or a group can have no default";
    else if (!row->help || !row->help[0])
        reason = "it has no help";
    if (reason)
        snprintf(why, cap, "option \"%.64s\": %s", name, reason);
    return reason == NULL;
}
