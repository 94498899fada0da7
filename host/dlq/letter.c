/* SPDX-License-Identifier: BSD-2-Clause */
/* letter.c - headers to reasons and back to a record (letter.h). */
#include "letter.h"

#include "delivery/deadletter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ERRORS DEADLETTER_ERRORS

bool slice_is(struct weir_slice s, const char *text)
{
    return s.ptr && s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static bool begins(struct weir_slice s, const char *text)
{
    size_t n = strlen(text);
    return s.ptr && s.len >= n && memcmp(s.ptr, text, n) == 0;
}

/* A whole number, with a sign or without. */
static bool number(struct weir_slice s, int64_t *ret)
{
    const char *p = s.ptr;
    bool minus = s.len && *p == '-';
    uint64_t n = 0;
    if (!p || s.len == (size_t)minus || s.len > 19 + (size_t)minus)
        return false;
    for (size_t i = minus; i < s.len; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(p[i] - '0');
    }
    if (n > INT64_MAX)
        return false;
    *ret = minus ? -(int64_t)n : (int64_t)n;
    return true;
}

/* "[sink es] attempts 1, code 400" */
static void read_trace(struct letter *l)
{
    static const char mark[] = "code ";
    const char *p = l->trace.ptr, *end = p + l->trace.len;
    const char *close = p && *p == '[' ? memchr(p, ']', l->trace.len) : NULL;
    if (!close)
        return;
    l->section = (struct weir_slice){p + 1, (size_t)(close - p - 1)};
    for (p = end; p > close && p[-1] >= '0' && p[-1] <= '9'; p--)
        ;
    if ((size_t)(p - close) > sizeof mark - 1 && memcmp(p - (sizeof mark - 1), mark, sizeof mark - 1) == 0)
        (void)number((struct weir_slice){p, (size_t)(end - p)}, &l->code);
}

struct field {
    const char *name;
    struct weir_slice *text;
    int64_t *number;
};

#define FIELDS 14

static void fields(struct letter *l, struct field *to)
{
    const struct field all[FIELDS] = {{ERRORS "topic", &l->topic, NULL},
                                      {ERRORS "partition", NULL, &l->partition},
                                      {ERRORS "offset", NULL, &l->offset},
                                      {ERRORS "connector.name", &l->connector, NULL},
                                      {ERRORS "stage", &l->stage, NULL},
                                      {ERRORS "class.name", &l->plugin, NULL},
                                      {ERRORS "exception.class.name", &l->type, NULL},
                                      {ERRORS "exception.message", &l->message, NULL},
                                      {ERRORS "exception.stacktrace", &l->trace, NULL},
                                      {DEADLETTER_SHARD, &l->shard, NULL},
                                      {DEADLETTER_TOPIC, &l->record_topic, NULL},
                                      {DEADLETTER_PARTITION, NULL, &l->record_partition},
                                      {DEADLETTER_OFFSET, NULL, &l->record_offset},
                                      {DEADLETTER_ATTEMPTS, NULL, &l->attempts}};
    memcpy(to, all, sizeof all);
}

/* Where the reason begins: a record that had been a dead letter before has one among its own headers. */
static uint32_t reason_begin(const struct weir_record *r)
{
    uint32_t i = r->n_headers;
    while (i > 0 && !slice_is(r->headers[i - 1].name, ERRORS "topic"))
        i--;
    return i ? i - 1 : r->n_headers;
}

bool letter_read(const struct weir_record *r, struct letter *ret)
{
    struct field all[FIELDS];
    struct letter l = {.partition = INT64_MIN, .offset = INT64_MIN, .own = reason_begin(r)};
    l.record_partition = l.record_offset = INT64_MIN;
    fields(&l, all);
    for (uint32_t i = l.own; i < r->n_headers; i++)
        for (size_t k = 0; k < FIELDS; k++) {
            if (!slice_is(r->headers[i].name, all[k].name))
                continue;
            if (all[k].text)
                *all[k].text = r->headers[i].value;
            else
                (void)number(r->headers[i].value, all[k].number);
        }
    if (!l.topic.ptr || l.partition < -1 || l.partition > INT32_MAX || l.offset < 0)
        return false;
    if (l.record_partition < -1 || l.record_partition > INT32_MAX)
        l.record_partition = l.partition;
    if (l.record_offset < -1)
        l.record_offset = l.offset;
    if (l.attempts < 0 || l.attempts > UINT32_MAX - 1)
        l.attempts = 0;
    read_trace(&l);
    *ret = l;
    return true;
}

/* A header that weir or Kafka Connect put behind the record's own. */
static bool added(struct weir_slice name)
{
    return begins(name, ERRORS) || slice_is(name, DEADLETTER_SHARD) || slice_is(name, DEADLETTER_TOPIC) ||
           slice_is(name, DEADLETTER_PARTITION) || slice_is(name, DEADLETTER_OFFSET) ||
           slice_is(name, DEADLETTER_ATTEMPTS);
}

void letter_restore(const struct letter *l, struct weir_record *r, struct arena *arena)
{
    struct weir_header *headers = arena_alloc(arena, (r->n_headers + 1) * sizeof *headers);
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_headers; i++)
        if (i < l->own || !added(r->headers[i].name))
            headers[n++] = r->headers[i];
    r->headers = n ? headers : NULL;
    r->n_headers = n;
    r->topic = l->record_topic.ptr ? l->record_topic : l->topic;
    r->partition = (int32_t)l->record_partition;
    r->offset = l->record_offset;
    r->seq = (uint64_t)l->offset;
}

struct weir_slice letter_shard(const struct letter *l, struct arena *arena)
{
    size_t n = l->topic.len + 16;
    if (l->shard.ptr)
        return l->shard;
    char *id = arena_alloc(arena, n);
    memcpy(id, l->topic.ptr, l->topic.len);
    int more = snprintf(id + l->topic.len, 16, "/%" PRId64, l->partition);
    return (struct weir_slice){id, l->topic.len + (size_t)more};
}

bool letter_undecoded(const struct letter *l)
{
    return slice_is(l->stage, "TASK_POLL") && !slice_is(l->type, "record_too_large");
}
