/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c - a JSON text that stands in a string.
 *
 * The host reads it, as strictly as it reads records (docs/json.md), and its texts stay as they are.  Its members are
 * taken one by one only where they are set beside others. */
#define WEIR_API 1
#include "parse.h"

#include "../common/jsonscan.h"
#include "text.h"

static bool json_prepare(struct weir_ctx *ctx, const struct parse_conf *conf, struct weir_problems *problems,
                         void **ret_state)
{
    static char apart;
    *ret_state = conf->field && !conf->into ? &apart : NULL;
    if (conf->types || conf->type_of.count)
        weir_problemf(ctx, problems, "types", "JSON has types of its own; the transform cast changes them");
    return !conf->types && !conf->type_of.count;
}

/* The text is JSON: no more needs to be seen of it. */
static int json_seen(void *opaque, struct weir_slice path, const struct weir_span *span)
{
    (void)opaque;
    (void)path;
    (void)span;
    return WEIR_END;
}

static bool json_members(struct weir_slice json, struct members *to)
{
    const char *at = (const char *)json.ptr + 1, *end = (const char *)json.ptr + json.len;
    struct weir_slice key, value;
    while (jsonscan_member(&at, end, &key, &value)) {
        struct weir_slice name = {(const char *)key.ptr + 1, key.len - 2};
        if (memchr(name.ptr, '\\', name.len)) {
            char *room = members_scratch(to, name.len);
            name.len = text_unescape(name, room);
            name.ptr = room;
            key.ptr = NULL;
        }
        if (!members_raw_as(to, name, key, value))
            return false;
    }
    return true;
}

static bool json_parse(void *state, const struct weir_record *rec, struct weir_slice text, struct members *to)
{
    const char *p = text.ptr, *end = p + text.len;
    (void)rec;
    if (to->ctx->host->json_walk(to->ctx, text, json_seen, NULL) == WEIR_REJECT)
        return members_fail(to, "the text is not JSON");
    if (!state) {
        members_whole(to, text);
        return true;
    }
    while (jsonscan_space(*p))
        p++;
    if (*p != '{')
        return members_fail(to, "the text is JSON but no object, so it has no members to set beside others");
    return json_members((struct weir_slice){p, (size_t)(end - p)}, to);
}

const struct parse_format format_json = {.name = "json", .prepare = json_prepare, .parse = json_parse};
