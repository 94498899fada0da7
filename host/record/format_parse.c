/* SPDX-License-Identifier: BSD-2-Clause */
/* format_parse.c - reads back what format.c prints: keys in any order, nothing unknown, nothing twice.
 *
 * Thread: pure functions over one caller's arena. */
#include "format.h"

#include "base64.h"
#include "closest.h"
#include "json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct reader {
    struct arena *arena;
    struct weir_record *record;
    const char *why;
    int next; /* key that comes next in our order */
};

static const char *const keys[] = {"topic", "partition", "offset",  "timestamp",
                                   "key",   "value",     "headers", NULL};
enum { TOPIC, PARTITION, OFFSET, TIMESTAMP, KEY, VALUE, HEADERS, KEYS };

__attribute__((format(printf, 2, 3))) static bool refuse(struct reader *r, const char *format, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    r->why = arena_copy(r->arena, text, strlen(text));
    return false;
}

static bool read_string(struct reader *r, const char *what, struct weir_slice text, struct weir_slice *ret)
{
    if (!json_string_whole(r->arena, text, ret))
        return refuse(r,
                      "\"%s\" holds half a surrogate pair (\\ud800 to \\udfff alone), which is no character; "
                      "bytes that are not UTF-8 are written as {\"base64\":\"...\"}",
                      what);
    return true;
}

static bool read_base64(struct reader *r, const char *what, const struct json_node *node,
                        struct weir_slice *ret)
{
    const struct json_node *only = node->child;
    struct weir_slice text, name = {"", 0};
    if (only && !only->next)
        name = json_string(r->arena, only->key);
    if (name.len != 6 || memcmp(name.ptr, "base64", 6) != 0 || only->type != WEIR_JSON_STRING)
        return refuse(
            r,
            "\"%s\" is an object other than {\"base64\":\"...\"}; a value that is JSON is written as a "
            "string that holds its text",
            what);
    text = json_string(r->arena, only->text);
    char *bytes = arena_alloc(r->arena, text.len / 4 * 3 + 1);
    if (!base64_decode(bytes, &ret->len, text.ptr, text.len))
        return refuse(r, "\"%s\" is not base64 with padding (RFC 4648 section 4)", what);
    ret->ptr = bytes;
    return true;
}

static bool read_bytes(struct reader *r, const char *what, const struct json_node *node,
                       struct weir_slice *ret)
{
    switch (node->type) {
    case WEIR_JSON_NULL:
        *ret = (struct weir_slice){NULL, 0};
        return true;
    case WEIR_JSON_STRING:
        return read_string(r, what, node->text, ret);
    case WEIR_JSON_OBJECT:
        return read_base64(r, what, node, ret);
    default:
        return refuse(r, "\"%s\" must be a string, {\"base64\":\"...\"} or null", what);
    }
}

/* An integer from min to max, or null, which leaves *ret as it is. */
static bool read_number(struct reader *r, const char *what, const struct json_node *node, int64_t min,
                        int64_t max, int64_t *ret)
{
    const char *p = node->text.ptr, *end = p + node->text.len;
    bool negative = node->type == WEIR_JSON_NUMBER && *p == '-', fits = true;
    uint64_t limit = negative ? 0 - (uint64_t)min : (uint64_t)max, n = 0;
    if (node->type == WEIR_JSON_NULL)
        return true;
    if (node->type != WEIR_JSON_NUMBER)
        return refuse(r, "\"%s\" must be a number or null", what);
    if (negative && min >= 0)
        return refuse(r, "\"%s\" must not be negative; write null when there is none", what);
    for (p += negative; p < end && fits; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (*p < '0' || *p > '9')
            return refuse(r, "\"%s\" must be a whole number without fraction or exponent", what);
        fits = n <= (limit - digit) / 10 && digit <= limit;
        n = n * 10 + digit;
    }
    if (!fits || n > limit)
        return refuse(r, "\"%s\" is out of range", what);
    *ret = negative ? (int64_t)(0 - n) : (int64_t)n;
    return true;
}

static bool read_header(struct reader *r, const struct json_node *pair, struct weir_header *ret)
{
    const struct json_node *name = pair->type == WEIR_JSON_ARRAY ? pair->child : NULL;
    if (!name || !name->next || name->next->next)
        return refuse(r, "\"headers\" must hold [name, value] pairs");
    if (name->type == WEIR_JSON_NULL)
        return refuse(r, "the name of a header must be a string or {\"base64\":\"...\"}");
    return read_bytes(r, "headers", name, &ret->name) && read_bytes(r, "headers", name->next, &ret->value);
}

static bool read_headers(struct reader *r, const struct json_node *node)
{
    uint32_t n = 0;
    if (node->type == WEIR_JSON_NULL)
        return true;
    if (node->type != WEIR_JSON_ARRAY)
        return refuse(r, "\"headers\" must be an array of [name, value] pairs");
    for (const struct json_node *pair = node->child; pair; pair = pair->next)
        n++;
    struct weir_header *headers = arena_alloc(r->arena, n * sizeof *headers);
    n = 0;
    for (const struct json_node *pair = node->child; pair; pair = pair->next)
        if (!read_header(r, pair, &headers[n++]))
            return false;
    r->record->headers = n ? headers : NULL;
    r->record->n_headers = n;
    return true;
}

static bool read_member(struct reader *r, int key, const struct json_node *node)
{
    struct weir_record *record = r->record;
    int64_t partition = record->partition;
    switch (key) {
    case TOPIC:
        return read_bytes(r, keys[key], node, &record->topic);
    case PARTITION:
        if (!read_number(r, keys[key], node, 0, INT32_MAX, &partition))
            return false;
        record->partition = (int32_t)partition;
        return true;
    case OFFSET:
        return read_number(r, keys[key], node, 0, INT64_MAX, &record->offset);
    case TIMESTAMP: /* INT64_MIN is WEIR_NO_TIME, which null says */
        return read_number(r, keys[key], node, -INT64_MAX, INT64_MAX, &record->time_ms);
    case KEY:
        return read_bytes(r, keys[key], node, &record->key);
    case VALUE:
        return read_bytes(r, keys[key], node, &record->value);
    default:
        return read_headers(r, node);
    }
}

/* KEYS and a sentence when there is no such key. */
static int find_key(struct reader *r, struct weir_slice name)
{
    int cut = name.len > 60 ? 60 : (int)name.len;
    for (int i = 0; i < KEYS; i++) { /* they commonly come in our order */
        int k = (r->next + i) % KEYS;
        if (name.len == strlen(keys[k]) && memcmp(name.ptr, keys[k], name.len) == 0) {
            r->next = k + 1;
            return k;
        }
    }
    const char *meant = closest_word(name.ptr, name.len, keys);
    if (meant)
        refuse(r, "unknown key \"%.*s\" in a record object; did you mean \"%s\"?", cut,
               (const char *)name.ptr, meant);
    else
        refuse(r,
               "unknown key \"%.*s\" in a record object, which has topic, partition, offset, timestamp, key, "
               "value "
               "and headers",
               cut, (const char *)name.ptr);
    return KEYS;
}

static bool read_object(struct reader *r, const struct json_node *root)
{
    unsigned seen = 0;
    for (const struct json_node *node = root->child; node; node = node->next) {
        int key = find_key(r, json_string(r->arena, node->key));
        if (key == KEYS)
            return false;
        if (seen & 1u << key)
            return refuse(r, "\"%s\" stands twice in the record object", keys[key]);
        seen |= 1u << key;
        if (!read_member(r, key, node))
            return false;
    }
    return true;
}

int format_parse(struct arena *arena, struct weir_slice line, struct weir_record *ret, const char **ret_why)
{
    struct weir_record record = {.partition = -1, .offset = -1, .time_ms = WEIR_NO_TIME};
    struct reader r = {arena, &record, "", 0};
    struct json_error error;
    struct json_doc *doc = json_parse(arena, line.ptr, line.len, &error);
    bool good;
    if (!doc)
        good = refuse(&r, "the line is not JSON: %s at byte %zu", error.why, error.offset);
    else if (doc->root->type != WEIR_JSON_OBJECT)
        good = refuse(
            &r, "a record is a JSON object {\"topic\":...,\"key\":...,\"value\":...}; this is no object");
    else
        good = read_object(&r, doc->root);
    if (!good) {
        *ret_why = r.why;
        return WEIR_REJECT;
    }
    *ret = record;
    return WEIR_OK;
}
