/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - a program that writes records, a line each; with `positions = yes` it can be read again.
 *
 * Home thread only; poll does not block but for the moment in which a program ends.  With positions the lane has the
 * pipeline's name and records are numbered, so that a record keeps its identity as long as the program writes the same
 * records after a position; without, the lane has a new random name in each run, like standard input. */
#define WEIR_API 1
#include "exec.h"
#include "marks.h"
#include "program.h"
#include "../common/encode.h"
#include "../common/lines.h"

#include <weir/helpers.h>

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <unistd.h>

#define RUN         512u /* records given to the host at once */
#define WAIT_MS     100  /* before a program that failed is started again: doubled each time */
#define WAITS       8u   /* so often: 26 s; the waits of the host are beside it */
#define GRACE_MS    1000 /* for what it does with the last `committed` */
#define MARKS_LEAST (64u << 10)

struct source_conf {
    struct program_conf program;
    const char *topic;
    int64_t format, positions, max_line;
};

static const struct weir_option rows[] = {
    PROGRAM_ROWS(struct source_conf),
    WEIR_OPT_ENUM(struct source_conf, format, "format", 0, "raw", encode_formats,
                  "raw: a line is a value; record: a line is a record object", NULL),
    WEIR_OPT_BOOL(struct source_conf, positions, "positions", 0, "no",
                  "Each line begins with a position from which the program can go on",
                  "It finds the last one in WEIR_POSITION when it is started; without positions what is on "
                  "its way when "
                  "weir is killed is lost."),
    WEIR_OPT_STRING(struct source_conf, topic, "topic", 0, "exec", "Topic of its records, with format = raw",
                    NULL),
    WEIR_OPT_SIZE(struct source_conf, max_line, "max-line", 0, "1M", 1024, 1 << 30,
                  "A longer line becomes a record error", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct source_conf, rows);

struct source {
    struct weir_ctx *ctx;
    const struct source_conf *conf;
    const struct weir_shard *shard;
    struct program program;
    struct lines lines;
    struct marks marks;
    uint64_t number;   /* of the next record, with positions */
    uint64_t told;     /* up to where the program knows what is committed */
    uint32_t failures; /* in a row */
    bool started, over, to_end;
    size_t line_used, line_sent; /* of the line `committed POSITION` on its way */
    char line[MARK_MAX + 16];
    struct weir_record run[RUN], placed[RUN];
    struct weir_slice positions[RUN];
};

static int source_check(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct source_conf *c = conf;
    return program_check(ctx, &c->program, to);
}

static int source_probe(struct weir_ctx *ctx, const void *conf, struct weir_problems *to)
{
    const struct source_conf *c = conf;
    return program_probe(ctx, &c->program, to);
}

static int source_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct source *s = ctx->host->mem(ctx, NULL, sizeof *s);
    memset(s, 0, sizeof *s);
    s->ctx = ctx;
    s->conf = conf;
    program_init(&s->program, ctx, &s->conf->program);
    lines_init(&s->lines, ctx, (size_t)s->conf->max_line, 0);
    *self = s;
    return WEIR_OK;
}

static void run_init(struct source *s)
{
    for (uint32_t i = 0; i < RUN; i++) {
        struct weir_record *rec = &s->run[i];
        memset(rec, 0, sizeof *rec);
        rec->shard = s->shard;
        rec->topic = s->shard->topic;
        rec->time_ms = WEIR_NO_TIME;
        rec->partition = -1;
    }
}

/* The program is started by the first poll, which says whether it is to end. */
static int source_open(void *self)
{
    struct source *s = self;
    struct weir_position position = {.struct_size = sizeof position};
    struct weir_shard shard = {.struct_size = sizeof shard, .partition = -1};
    uint64_t random[2];
    char id[512];
    if (s->shard)
        return WEIR_OK;
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "no random bytes: %s", strerror(errno));
    if (s->conf->positions)
        (void)snprintf(id, sizeof id, "exec-%.500s", s->ctx->host->instance(s->ctx)->pipeline);
    else
        (void)snprintf(id, sizeof id, "exec-%016" PRIx64 "%016" PRIx64, random[0], random[1]);
    shard.id = weir_str(id);
    shard.topic = weir_str(s->conf->topic);
    if (s->ctx->host->shard_open(s->ctx, &shard, &s->shard, &position) != WEIR_OK)
        return WEIR_FATAL;
    s->number = s->told = position.next;
    marks_reset(&s->marks, s->ctx, position.next, position.data);
    run_init(s);
    return WEIR_OK;
}

/* ---- what the program is told --------------------------------------------------------------------------------- */

/* Writes `committed POSITION` as far as the pipe takes it.  Who does not read it hears of the newest only. */
static void tell(struct source *s)
{
    struct weir_slice position;
    while (s->program.in >= 0) {
        ssize_t n;
        if (s->line_sent == s->line_used) {
            if (s->told == s->marks.number || !marks_get(&s->marks, s->marks.number, &position))
                return;
            s->told = s->marks.number;
            s->line_used = (size_t)snprintf(s->line, sizeof s->line, "committed %.*s\n", (int)position.len,
                                            (const char *)position.ptr);
            s->line_sent = 0;
        }
        n = write(s->program.in, s->line + s->line_sent, s->line_used - s->line_sent);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            program_end_input(&s->program);
        if (n < 0)
            return;
        s->line_sent += (size_t)n;
    }
}

static int source_committed(void *self, const struct weir_position *positions, uint32_t n, uint32_t stride,
                            uint32_t final)
{
    struct source *s = self;
    (void)stride; /* there is one lane */
    (void) final;
    if (s->conf->positions && n) {
        marks_drop(&s->marks, positions->next);
        tell(s);
    }
    return WEIR_OK;
}

static int source_position(void *self, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                           size_t *ret_len)
{
    struct source *s = self;
    struct weir_slice position;
    (void)shard;
    *ret_len = 0;
    if (!s->conf->positions)
        return WEIR_OK;
    if (!marks_get(&s->marks, next, &position) || position.len > cap)
        return weir_fail(s->ctx, WEIR_RETRY, 0, "the position of record %" PRIu64 " is not known", next);
    if (position.len)
        memcpy(out, position.ptr, position.len);
    *ret_len = position.len;
    return WEIR_OK;
}

/* ---- its life ------------------------------------------------------------------------------------------------- */

static int failed(struct source *s, const char *why)
{
    struct weir_result result;
    uint32_t waits = s->failures < WAITS ? s->failures : WAITS;
    s->failures++;
    program_kill(&s->program);
    program_trouble(&s->program, why);
    lines_reset(&s->lines, lines_end(&s->lines));
    memset(&result, 0, sizeof result);
    result.index = WEIR_ALL;
    result.status = WEIR_RETRY;
    result.retry_after_ms = (uint32_t)WAIT_MS << waits;
    result.why = why;
    s->ctx->host->fail(s->ctx, &result);
    return WEIR_RETRY;
}

static int start(struct source *s)
{
    struct weir_slice last = marks_last(&s->marks);
    char position[MARK_MAX + 32];
    const char *more[3] = {s->to_end ? "WEIR_UNTIL_END=1" : "WEIR_UNTIL_END=0", position, NULL};
    int r;
    if (s->program.pid)
        return WEIR_OK;
    (void)snprintf(position, sizeof position, "WEIR_POSITION=%.*s", (int)last.len, (const char *)last.ptr);
    s->line_used = s->line_sent = 0;
    r = program_start(&s->program, more);
    if (r != WEIR_OK && s->started) /* it was there when we began, so it may be again */
        r = failed(s, s->program.why);
    s->started |= r == WEIR_OK;
    return r;
}

/* What it left behind its last line feed is a line if it ended well, and a part of one if not. */
static int ended(struct source *s)
{
    size_t rest = (size_t)(lines_end(&s->lines) - lines_begin(&s->lines));
    const char *why = program_ended(&s->program);
    s->over = s->program.over;
    if (s->over)
        return WEIR_OK;
    if (rest)
        weir_logf(s->ctx, WEIR_LOG_WARNING, "the program ended inside a line: %zu bytes of it are dropped",
                  rest);
    return failed(s, why);
}

/* One read.  AGAIN: nothing there yet; OK: bytes, or it has ended. */
static int source_read(struct source *s)
{
    size_t room;
    void *to = lines_room(&s->lines, LINES_CHUNK, &room);
    ssize_t n = read(s->program.out, to, room);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? WEIR_AGAIN : failed(s, strerror(errno));
    if (n == 0)
        return ended(s);
    lines_added(&s->lines, (size_t)n);
    return WEIR_OK;
}

/* ---- lines with positions ------------------------------------------------------------------------------------- */

/* Cuts "POSITION VALUE". */
static bool cut(struct weir_slice line, struct weir_slice *ret_position, struct weir_slice *ret_value)
{
    const char *p = line.ptr, *space = line.len ? memchr(p, ' ', line.len) : NULL;
    size_t n = space ? (size_t)(space - p) : 0;
    if (!n || n > MARK_MAX || memchr(p, '\0', n))
        return false;
    *ret_position = (struct weir_slice){p, n};
    *ret_value = (struct weir_slice){space + 1, line.len - n - 1};
    return true;
}

static int misplaced(struct source *s, struct weir_slice line)
{
    char why[256];
    (void)snprintf(why, sizeof why,
                   "it wrote \"%.*s\"%s: a line is a position of at most %u bytes, a space, and a record",
                   (int)(line.len < 60 ? line.len : 60), (const char *)line.ptr, line.len > 60 ? "..." : "",
                   MARK_MAX);
    return failed(s, why);
}

/* It can't become a record, but has its place. */
static int emit_bad(struct source *s, struct weir_emitter *to, const struct weir_record *rec,
                    const char *what)
{
    struct weir_result result;
    char why[512];
    (void)snprintf(why, sizeof why, "line %" PRIu64 " of the program %.400s", rec->seq + 1, what);
    memset(&result, 0, sizeof result);
    result.status = WEIR_REJECT;
    result.why = why;
    return s->ctx->host->emit_bad(to, rec, sizeof *rec, &result);
}

/* One line as a record object; AGAIN: not taken. */
static int emit_parsed(struct source *s, struct weir_emitter *to, const struct weir_record *rec)
{
    struct weir_record parsed;
    struct weir_run run = {sizeof run, sizeof parsed, 1, 0, &parsed, NULL};
    const char *why = NULL;
    uint32_t taken = 0;
    int r;
    memset(&parsed, 0, sizeof parsed);
    if (s->ctx->host->record_parse(s->ctx, rec->value, &parsed, sizeof parsed, &why) != WEIR_OK) {
        char what[400];
        (void)snprintf(what, sizeof what, "is no record object: %.300s", why ? why : "unreadable");
        return emit_bad(s, to, rec, what);
    }
    parsed.shard = rec->shard;
    parsed.seq = rec->seq;
    parsed.next = rec->next;
    parsed.sub = parsed.flags = 0;
    r = s->ctx->host->emit(to, &run, &taken);
    return taken ? WEIR_OK : r == WEIR_OK ? WEIR_AGAIN : r;
}

/* A record in its place: the line's, with the next number. */
static bool place(struct source *s, uint32_t i)
{
    struct weir_record *rec = &s->placed[i];
    *rec = s->run[i];
    rec->seq = s->number + i;
    rec->next = rec->seq + 1;
    rec->offset = (int64_t)rec->seq;
    return cut(s->run[i].value, &s->positions[i], &rec->value);
}

static int emit_placed(struct source *s, struct weir_emitter *to, uint32_t n)
{
    uint32_t good = 0, taken = 0;
    struct weir_slice wrong = {"", 0};
    int r = WEIR_OK;
    while (good < n && place(s, good))
        good++;
    if (good < n)
        wrong = s->run[good].value;
    struct weir_run run = {sizeof run, sizeof s->placed[0], good, 0, s->placed, s->lines.buf};
    if (s->conf->format == ENCODE_RAW && good)
        r = s->ctx->host->emit(to, &run, &taken);
    while (s->conf->format == ENCODE_RECORD && taken < good &&
           (r = emit_parsed(s, to, &s->placed[taken])) == WEIR_OK)
        taken++;
    for (uint32_t i = 0; i < taken; i++)
        marks_add(&s->marks, s->positions[i]);
    s->number += taken;
    if (taken == good && good < n)
        return misplaced(s, wrong);
    lines_taken(&s->lines, s->run, taken, s->conf->format == ENCODE_RAW);
    return r == WEIR_OK && taken < good ? WEIR_AGAIN : r;
}

static int emit_placed_long(struct source *s, struct weir_emitter *to)
{
    char what[100];
    int r;
    if (!place(s, 0))
        return misplaced(s, s->run[0].value);
    (void)snprintf(what, sizeof what, "is longer than max-line = %zu; only its first bytes are kept",
                   s->lines.max_line);
    r = emit_bad(s, to, &s->placed[0], what);
    if (r != WEIR_OK)
        return r;
    marks_add(&s->marks, s->positions[0]);
    s->number++;
    lines_long_taken(&s->lines);
    return WEIR_OK;
}

/* ---- poll ----------------------------------------------------------------------------------------------------- */

static int emit_run(struct source *s, struct weir_emitter *to, uint32_t n)
{
    return s->conf->positions
               ? emit_placed(s, to, n)
               : encode_lines(s->ctx, to, s->conf->format, &s->lines, s->run, n, "the program");
}

static int emit_long(struct source *s, struct weir_emitter *to)
{
    return s->conf->positions ? emit_placed_long(s, to)
                              : encode_long(s->ctx, to, &s->lines, &s->run[0], "the program");
}

/* The end of a program that ended well: its last line may lack a line feed. */
static int emit_last(struct source *s, struct weir_emitter *to)
{
    int r = WEIR_OK;
    if (lines_last(&s->lines, &s->run[0]))
        r = s->lines.long_end ? emit_long(s, to) : emit_run(s, to, 1);
    return r == WEIR_OK ? WEIR_END : r;
}

/* All positions that wait for a commit take their share of memory: then that is waited for. */
static bool marks_full(const struct source *s)
{
    uint64_t room = s->ctx->host->instance(s->ctx)->budget / 2;
    return marks_size(&s->marks) > (room > MARKS_LEAST ? room : MARKS_LEAST);
}

/* Emits lines until there are no more, or *left is none.  AGAIN: the host is full. */
static int emit_all(struct source *s, struct weir_emitter *to, uint64_t max_bytes, uint32_t *left)
{
    while (*left) {
        uint32_t n = lines_fill(&s->lines, s->run, *left < RUN ? *left : RUN, max_bytes);
        int r;
        if (!n && !lines_long(&s->lines, &s->run[0]))
            return WEIR_OK;
        r = n ? emit_run(s, to, n) : emit_long(s, to);
        if (r != WEIR_OK)
            return r;
        *left -= n ? n : 1;
    }
    return WEIR_AGAIN;
}

static int work(struct source *s, struct weir_emitter *to, const struct weir_poll *poll)
{
    uint32_t left = poll->max_records;
    int r = emit_all(s, to, poll->max_bytes, &left);
    if (r == WEIR_OK && !s->over) {
        r = start(s);
        if (r == WEIR_OK)
            r = source_read(s);
        if (r == WEIR_AGAIN)
            return left < poll->max_records ? WEIR_OK : WEIR_AGAIN;
        if (r == WEIR_OK)
            r = emit_all(s, to, poll->max_bytes, &left);
    }
    if (r >= 0 && left < poll->max_records) {
        program_well(&s->program);
        s->failures = s->program.troubled ? s->failures : 0;
    }
    if (r == WEIR_OK && s->over)
        r = emit_last(s, to);
    return r == WEIR_AGAIN ? WEIR_OK : r;
}

static int source_poll(void *self, struct weir_emitter *to, const struct weir_poll *poll)
{
    struct source *s = self;
    bool waits = (poll->flags & WEIR_POLL_PAUSED) || marks_full(s);
    s->to_end = poll->flags & WEIR_POLL_TO_END;
    program_errors(&s->program);
    tell(s);
    /* waiting, a descriptor that is ready all the time would only wake the host */
    program_watch(&s->program, !waits);
    return waits ? WEIR_AGAIN : work(s, to, poll);
}

static void source_interrupt(void *self)
{
    (void)self; /* poll does not block */
}

static void source_close(void *self)
{
    struct source *s = self;
    tell(s);
    program_stop(&s->program, s->conf->positions ? GRACE_MS : 0);
    lines_reset(&s->lines, 0);
}

static void source_destroy(void *self)
{
    struct source *s = self;
    marks_free(&s->marks);
    program_free(&s->program);
    s->ctx->host->mem(s->ctx, s, 0);
}

static uint32_t source_promise(const void *conf)
{
    const struct source_conf *c = conf;
    return c->positions ? WEIR_REPLAYABLE : 0;
}

const struct weir_ops exec_source_ops = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SOURCE,
    .promise = source_promise,
    .options = &options,
    .check = source_check,
    .probe = source_probe,
    .create = source_create,
    .open = source_open,
    .poll = source_poll,
    .position = source_position,
    .committed = source_committed,
    .interrupt = source_interrupt,
    .close = source_close,
    .destroy = source_destroy,
};
