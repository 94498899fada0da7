/* SPDX-License-Identifier: BSD-2-Clause */
/* script_text.c - what the values of a test file mean (script.h).  Pure functions over one caller's arena. */
#include "script.h"

#include "record/format.h"
#include "record/json.h"
#include "record/strbuf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Reads exactly n digits. */
static bool digits(const char **p, int n, int *ret)
{
    *ret = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return false;
        *ret = *ret * 10 + (**p - '0');
    }
    return true;
}

static bool mark(const char **p, char c)
{
    return *(*p)++ == c;
}

bool script_time(const char *p, int64_t *ret_ms)
{
    struct tm tm = {0}, back;
    int year, month, ms = 0;
    if (!digits(&p, 4, &year) || !mark(&p, '-') || !digits(&p, 2, &month) || !mark(&p, '-') ||
        !digits(&p, 2, &tm.tm_mday) || !mark(&p, 'T') || !digits(&p, 2, &tm.tm_hour) || !mark(&p, ':') ||
        !digits(&p, 2, &tm.tm_min) || !mark(&p, ':') || !digits(&p, 2, &tm.tm_sec))
        return false;
    if (*p == '.' && (p++, !digits(&p, 3, &ms)))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    back = tm;
    int64_t seconds = (int64_t)timegm(&back); /* which mends what is no date: then it is another one */
    if (p[0] != 'Z' || p[1] || back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon ||
        back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min || back.tm_sec != tm.tm_sec)
        return false;
    *ret_ms = seconds * 1000 + ms;
    return true;
}

/* A time written as text becomes the number that format = record has. */
static bool mend_time(struct arena *arena, struct weir_slice *json, const struct json_doc *doc, char *why,
                      size_t cap)
{
    const struct json_node *time = json_member(doc->root, "timestamp", 9);
    struct strbuf out = {0};
    int64_t ms;
    if (!time || time->type != WEIR_JSON_STRING)
        return true;
    struct weir_slice text = json_string(arena, time->text);
    if (!script_time(arena_copy(arena, text.ptr, text.len), &ms)) {
        snprintf(why, cap, "\"timestamp\" is milliseconds since 1970 or like \"2026-01-31T23:59:59Z\"");
        return false;
    }
    size_t before = (size_t)((const char *)time->text.ptr - (const char *)json->ptr);
    strbuf_add(&out, json->ptr, before);
    strbuf_printf(&out, "%" PRId64, ms);
    strbuf_add(&out, (const char *)json->ptr + before + time->text.len, json->len - before - time->text.len);
    *json = (struct weir_slice){arena_copy(arena, out.data, out.len), out.len};
    strbuf_free(&out);
    return true;
}

bool script_with(struct arena *arena, struct weir_slice *json, struct weir_record *r, uint32_t *said,
                 char *why, size_t cap)
{
    static const char *const parts[] = {"topic", "partition", "offset", "timestamp"};
    struct weir_record read;
    struct json_error error;
    const char *bad;
    struct json_doc *doc = json_parse(arena, json->ptr, json->len, &error);
    if (!doc || doc->root->type != WEIR_JSON_OBJECT) {
        snprintf(why, cap, "it is a JSON object like {\"key\":\"a\",\"topic\":\"web\"}%s%s", doc ? "" : ": ",
                 doc ? "" : error.why);
        return false;
    }
    if (!mend_time(arena, json, doc, why, cap))
        return false;
    if (!r)
        return true;
    if (format_parse(arena, *json, &read, &bad) != WEIR_OK) {
        snprintf(why, cap, "%s", bad);
        return false;
    }
    for (uint32_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (json_member(doc->root, parts[i], strlen(parts[i])))
            *said |= 1u << i;
    if (!json_member(doc->root, "value", 5))
        read.value = r->value;
    *r = read;
    return true;
}

bool script_names(struct arena *arena, struct weir_slice json, const char *member)
{
    struct json_doc *doc = json_parse(arena, json.ptr, json.len, NULL);
    return doc && json_member(doc->root, member, strlen(member));
}

/* The next word of *at, copied; NULL: there is none. */
static char *word(struct arena *arena, const char **at)
{
    *at += strspn(*at, " \t");
    size_t n = strcspn(*at, " \t");
    char *out = n ? arena_copy(arena, *at, n) : NULL;
    *at += n;
    return out;
}

/* "3", "2-5" */
static bool range(const char *text, struct fault *f)
{
    char *end;
    if (!text || *text < '1' || *text > '9')
        return false;
    f->first = f->last = strtoull(text, &end, 10);
    if (*end == '-' && end[1] >= '1' && end[1] <= '9')
        f->last = strtoull(end + 1, &end, 10);
    return !*end && f->last >= f->first;
}

bool script_fault(struct arena *arena, const char *text, struct fault *f, char *why, size_t cap)
{
    const char *at = text, *what = word(arena, &at), *next = word(arena, &at);
    char *end = NULL;
    bool good = what != NULL;
    f->type = "";
    if (good && strcmp(what, "cut") == 0)
        f->cut = true;
    else if (good && *what >= '0' && *what <= '9')
        f->code = (uint32_t)strtoul(what, &end, 10);
    else if (good)
        f->type = what;
    good = good && (!end || (!*end && strlen(what) <= 9));
    if (good && f->code && next && strcmp(next, "at") != 0) {
        f->type = next;
        next = word(arena, &at);
    }
    good = good && next && strcmp(next, "at") == 0;
    const char *unit = good ? word(arena, &at) : NULL;
    f->of_records = unit && strncmp(unit, "record", 6) == 0;
    good = unit && (f->of_records || strncmp(unit, "request", 7) == 0) &&
           (!unit[f->of_records ? 6 : 7] || strcmp(unit + (f->of_records ? 6 : 7), "s") == 0);
    good = good && range(word(arena, &at), f) && !word(arena, &at);
    if (!good)
        snprintf(why, cap,
                 "\"%.100s\" is no fault; they read like 429 at request 1, 400 mapper_parsing_exception at "
                 "record 2, 503 at requests 1-3, or cut at request 1",
                 text);
    else if (f->cut && f->of_records)
        snprintf(why, cap, "a request is cut, not a record: cut at request %" PRIu64, f->first);
    return good && !(f->cut && f->of_records);
}
