/* SPDX-License-Identifier: BSD-2-Clause */
/* members.c - see members.h. */
#define WEIR_API 1
#include "members.h"

#define ROOM_FIRST 1024u
#define SMALL      4096u /* a string up to here gets the room it could need, of a longer one it is counted */

void members_init(struct members *m, struct weir_ctx *ctx, const struct types *types)
{
    memset(m, 0, sizeof *m);
    m->ctx = ctx;
    m->types = types;
}

void members_free(struct members *m)
{
    if (m->text)
        m->ctx->host->mem(m->ctx, m->text, 0);
    if (m->scratch)
        m->ctx->host->mem(m->ctx, m->scratch, 0);
}

static void reserve(struct members *m, size_t n)
{
    if (m->room - m->len >= n)
        return;
    m->room = m->len + n + m->room / 2 + ROOM_FIRST;
    m->text = m->ctx->host->mem(m->ctx, m->text, m->room);
}

char *members_scratch(struct members *m, size_t n)
{
    if (m->scratch_room < n) {
        m->scratch_room = n + n / 2 + ROOM_FIRST;
        m->scratch = m->ctx->host->mem(m->ctx, m->scratch, m->scratch_room);
    }
    return m->scratch;
}

bool members_fail(struct members *m, const char *why, ...)
{
    va_list ap;
    va_start(ap, why);
    (void)vsnprintf(m->why, sizeof m->why, why, ap);
    va_end(ap);
    return false;
}

const char *members_shown(struct weir_slice s, char room[MEMBERS_SHOWN])
{
    const unsigned char *p = s.ptr;
    size_t n = s.len < MEMBERS_SHOWN - 8 ? s.len : MEMBERS_SHOWN - 8;
    while (n < s.len && n > 0 && (p[n] & 0xc0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        room[i] = p[i] < 0x20 || p[i] == 0x7f ? '?' : (char)p[i];
    memcpy(room + n, n < s.len ? "..." : "", n < s.len ? 4 : 1);
    return room;
}

static void char_put(struct members *m, char c)
{
    reserve(m, 1);
    m->text[m->len++] = c;
}

#define EACH(c) (UINT64_C(0x0101010101010101) * (c))

static uint64_t zeros(uint64_t v)
{
    return (v - EACH(1)) & ~v & EACH(0x80);
}

/* Whether it stands in JSON as it is: ASCII without quote, backslash and controls.  Eight bytes at a time, the last of
 * them again where they are no eight. */
static bool is_plain(const char *p, size_t n)
{
    uint64_t bad = 0, v;
    if (n < 8) {
        for (size_t i = 0; i < n; i++)
            if ((unsigned char)(p[i] - 0x20) >= 0x60 || p[i] == '"' || p[i] == '\\')
                return false;
        return true;
    }
    for (size_t i = 0; i < n && !bad; i += 8) {
        memcpy(&v, p + (i + 8 <= n ? i : n - 8), 8);
        bad = (v & EACH(0x80)) | ((v - EACH(0x20)) & ~v & EACH(0x80)) | zeros(v ^ EACH('"')) |
              zeros(v ^ EACH('\\'));
    }
    return !bad;
}

/* Writes the string; false: it is not UTF-8. */
static bool string_put(struct members *m, struct weir_slice s)
{
    if (is_plain(s.ptr, s.len)) { /* most are, and the host need not look at them twice */
        reserve(m, s.len + 2);
        m->text[m->len++] = '"';
        if (s.len) /* an empty one may have no address */
            memcpy(m->text + m->len, s.ptr, s.len);
        m->len += s.len;
        m->text[m->len++] = '"';
        return true;
    }
    size_t n = s.len <= SMALL ? s.len * 6 + 2 : m->ctx->host->json_quote(m->ctx, NULL, s);
    if (n == SIZE_MAX)
        return false;
    reserve(m, n);
    n = m->ctx->host->json_quote(m->ctx, m->text + m->len, s);
    if (n == SIZE_MAX)
        return false;
    m->len += n;
    return true;
}

static const struct weir_slice no_slice = {NULL, 0};

static uint32_t hash_of(struct weir_slice s)
{
    const unsigned char *p = s.ptr;
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ p[i]) * 16777619u;
    return h ^ h >> 16;
}

static bool is_named(const struct members *m, const struct member *e, uint32_t hash, const char *quoted,
                     size_t n)
{
    return e->hash == hash && !e->gone && e->name == n && memcmp(m->text + e->at, quoted, n) == 0;
}

/* The one that came before with the name of e, the newest of its level, is gone. */
static void outdo(struct members *m, const struct member *e)
{
    struct members_level *level = &m->levels[m->level];
    uint64_t bit = (uint64_t)1 << (e->hash & 63);
    for (struct member *old = &m->list[level->first]; level->seen & bit && old < e; old++)
        if (is_named(m, old, e->hash, m->text + e->at, e->name)) {
            old->gone = true;
            level->gone = true;
            break;
        }
    level->seen |= bit;
}

static void bytes_put(struct members *m, struct weir_slice s)
{
    reserve(m, s.len);
    memcpy(m->text + m->len, s.ptr, s.len);
    m->len += s.len;
}

/* Writes the name (quoted, as it stands in JSON, or ptr NULL); the value is to follow. */
static bool name_put(struct members *m, struct weir_slice name, struct weir_slice quoted)
{
    struct member *e = &m->list[m->n];
    if (m->n == MEMBERS_MAX)
        return members_fail(m, "it has more than %d fields", MEMBERS_MAX);
    if (name.len > UINT16_MAX)
        return members_fail(m, "the name of a field is longer than %d bytes", UINT16_MAX);
    if (m->n > m->levels[m->level].first)
        char_put(m, ',');
    e->at = m->len;
    if (quoted.ptr)
        bytes_put(m, quoted);
    else if (!string_put(m, name))
        return members_fail(m, "the name of its field %u is not UTF-8", m->n + 1);
    *e = (struct member){.at = e->at, .name = (uint32_t)(m->len - e->at), .hash = hash_of(name)};
    m->n++;
    outdo(m, e);
    char_put(m, ':');
    return true;
}

static void value_done(struct members *m)
{
    m->list[m->n - 1].end = m->len;
}

static bool put(struct members *m, struct weir_slice name, struct weir_slice text, int type)
{
    char shown[2][MEMBERS_SHOWN];
    size_t n;
    if (!name_put(m, name, no_slice))
        return false;
    if (type != TYPE_STRING) {
        reserve(m, text.len + 5);
        n = type_write(type, text, m->text + m->len);
        m->len += n;
        if (!n && type != TYPE_AUTO)
            return members_fail(m, "the field %s is \"%s\", which is no %s", members_shown(name, shown[0]),
                                members_shown(text, shown[1]), type_names[type]);
        if (!n)
            type = TYPE_STRING;
    }
    if (type == TYPE_STRING && !string_put(m, text))
        return members_fail(m, "the field %s is not UTF-8", members_shown(name, shown[0]));
    value_done(m);
    return true;
}

bool members_text(struct members *m, struct weir_slice name, struct weir_slice text)
{
    return put(m, name, text, m->level ? TYPE_STRING : types_find(m->types, name));
}

bool members_string(struct members *m, struct weir_slice name, struct weir_slice text)
{
    int type = m->level ? TYPE_STRING : types_find(m->types, name);
    return put(m, name, text, type == TYPE_AUTO ? TYPE_STRING : type);
}

bool members_typed(struct members *m, struct weir_slice name, struct weir_slice text, int type)
{
    return put(m, name, text, type);
}

bool members_raw(struct members *m, struct weir_slice name, struct weir_slice json)
{
    return members_raw_as(m, name, no_slice, json);
}

bool members_raw_as(struct members *m, struct weir_slice name, struct weir_slice quoted,
                    struct weir_slice json)
{
    if (!name_put(m, name, quoted))
        return false;
    bytes_put(m, json);
    value_done(m);
    return true;
}

static void level_begin(struct members *m)
{
    m->levels[m->level] = (struct members_level){.first = m->n};
    char_put(m, '{');
}

/* Closes the gaps that outdone members left, and the object. */
static void level_end(struct members *m)
{
    const struct members_level *level = &m->levels[m->level];
    uint32_t to = level->first;
    size_t at = level->first < m->n ? m->list[level->first].at : m->len;
    if (level->gone) {
        for (uint32_t i = level->first; i < m->n; i++) {
            struct member e = m->list[i];
            if (e.gone)
                continue;
            if (to > level->first)
                m->text[at++] = ',';
            memmove(m->text + at, m->text + e.at, e.end - e.at);
            e.end = at + (e.end - e.at);
            e.at = at;
            at = e.end;
            m->list[to++] = e;
        }
        m->n = to;
        m->len = at;
    }
    char_put(m, '}');
}

bool members_open(struct members *m, struct weir_slice name)
{
    if (m->level + 1 == MEMBERS_LEVELS)
        return members_fail(m, "it has more than %d objects within each other", MEMBERS_LEVELS - 1);
    if (!name_put(m, name, no_slice))
        return false;
    m->level++;
    level_begin(m);
    return true;
}

void members_close(struct members *m)
{
    level_end(m);
    m->n = m->levels[m->level].first;
    m->level--;
    value_done(m);
}

void members_whole(struct members *m, struct weir_slice json)
{
    m->whole = json;
}

void members_begin(struct members *m)
{
    m->len = 0;
    m->n = 0;
    m->level = 0;
    m->whole = (struct weir_slice){NULL, 0};
    m->why[0] = '\0';
    level_begin(m);
}

struct weir_slice members_end(struct members *m)
{
    if (m->whole.ptr)
        return m->whole;
    level_end(m);
    return (struct weir_slice){m->text, m->len};
}

bool members_has(const struct members *m, struct weir_slice name, struct weir_slice quoted)
{
    uint32_t hash = hash_of(name);
    if (!(m->levels[0].seen & (uint64_t)1 << (hash & 63)))
        return false;
    for (uint32_t i = 0; i < m->n; i++)
        if (is_named(m, &m->list[i], hash, quoted.ptr, quoted.len))
            return true;
    return false;
}
