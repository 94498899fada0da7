/* SPDX-License-Identifier: BSD-2-Clause */
/* beside.c - see beside.h.
 *
 * The members that stay are copied as they stand, white space included. */
#define WEIR_API 1
#include "beside.h"

#include "../common/jsonscan.h"
#include "text.h"

void beside_init(struct beside *b, struct weir_ctx *ctx)
{
    *b = (struct beside){.ctx = ctx};
}

void beside_free(struct beside *b)
{
    if (b->text)
        b->ctx->host->mem(b->ctx, b->text, 0);
}

/* Whether the new members have that name; key as it stands in the object, in quotes. */
static bool is_new(struct members *m, struct weir_slice key)
{
    const char *p = key.ptr;
    struct weir_slice name = {p + 1, key.len - 2};
    if (memchr(p, '\\', key.len)) {
        char *room = members_scratch(m, name.len * 7 + 2);
        name.len = text_unescape(name, room);
        name.ptr = room;
        key.ptr = room + name.len;
        key.len = m->ctx->host->json_quote(m->ctx, room + name.len, name);
        if (key.len == SIZE_MAX)
            return false;
    }
    return members_has(m, name, key);
}

static bool lies_in(const char *p, const char *from, const char *end)
{
    return (uintptr_t)p >= (uintptr_t)from && (uintptr_t)p < (uintptr_t)end;
}

/* Whether the field may stand in that member's value.  Behind a transform that edited the value the host gives its
 * text from elsewhere: then any that is equal may be it, and the text rather stays than that a new member goes. */
static bool may_hold(struct weir_slice object, struct weir_slice value, struct weir_slice field)
{
    const char *from = object.ptr, *at = value.ptr;
    if (lies_in(field.ptr, from, from + object.len))
        return lies_in(field.ptr, at, at + value.len);
    return memmem(value.ptr, value.len, field.ptr, field.len) != NULL;
}

struct weir_slice beside_set(struct beside *b, struct weir_slice object, struct members *m,
                             struct weir_slice field, bool drop, bool *ret_gone)
{
    const char *at = (const char *)object.ptr + 1, *end = (const char *)object.ptr + object.len, *from = at;
    const char *tail = at;
    struct weir_slice key, value;
    char *to;
    *ret_gone = false;
    if (b->room < object.len + m->len) {
        b->room = (object.len + m->len) * 3 / 2;
        b->text = b->ctx->host->mem(b->ctx, b->text, b->room);
    }
    to = b->text;
    *to++ = '{';
    for (; jsonscan_member(&at, end, &key, &value); from = at) {
        bool replaced = is_new(m, key);
        if (replaced)
            *ret_gone |= may_hold(object, value, field);
        tail = at;
        while (at < end && jsonscan_space(*at))
            at++;
        at += at < end && *at == ',';
        if (replaced)
            continue;
        if (drop && value.ptr == field.ptr) {
            *ret_gone = true;
            continue;
        }
        if (to > b->text + 1)
            *to++ = ',';
        memcpy(to, from, (size_t)(tail - from));
        to += tail - from;
    }
    if (m->n) {
        if (to > b->text + 1)
            *to++ = ',';
        memcpy(to, m->text + 1, m->len - 2);
        to += m->len - 2;
    }
    memcpy(to, tail, (size_t)(end - tail));
    to += end - tail;
    return (struct weir_slice){b->text, (size_t)(to - b->text)};
}
