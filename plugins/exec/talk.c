/* SPDX-License-Identifier: BSD-2-Clause */
/* talk.c - writes records, reads answers, with a deadline and an end to patience (talk.h). */
#define WEIR_API 1
#include "talk.h"

#include <weir/helpers.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CHUNK    (64u << 10)
#define LEAVE_MS 1000 /* how long answers are waited for once the program closed its input */

void talk_init(struct talk *t, struct weir_ctx *ctx, struct program *program)
{
    memset(t, 0, sizeof *t);
    t->ctx = ctx;
    t->program = program;
    t->next_id = 1;
    atomic_init(&t->stop, false);
    t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); /* before anybody can interrupt */
}

void talk_free(struct talk *t)
{
    void *all[] = {t->out, t->in, t->open};
    for (size_t i = 0; i < 3; i++)
        if (all[i])
            t->ctx->host->mem(t->ctx, all[i], 0);
    if (t->wake_fd >= 0)
        (void)close(t->wake_fd);
}

void talk_interrupt(struct talk *t)
{
    const uint64_t one = 1;
    atomic_store(&t->stop, true);
    if (write(t->wake_fd, &one, sizeof one) < 0)
        return; /* the counter is full: it is readable already */
}

/* The interrupt is for the callback that runs, not for the next one. */
static void interrupt_taken(struct talk *t)
{
    uint64_t none;
    if (atomic_exchange(&t->stop, false))
        while (read(t->wake_fd, &none, sizeof none) < 0 && errno == EINTR)
            ;
}

void talk_begin(struct talk *t, struct talk_round *r, uint32_t n)
{
    memset(r, 0, sizeof *r);
    if (n > t->open_cap) {
        t->open_cap = n;
        t->open = t->ctx->host->mem(t->ctx, t->open, n);
    }
    if (n)
        memset(t->open, 1, n);
    r->open = t->open;
    r->n = r->n_open = n;
    r->first_id = t->next_id;
    t->next_id += n;
}

/* ---- out ----------------------------------------------------------------------------------------------------- */

static void out_add(struct talk *t, const void *bytes, size_t n)
{
    if (t->out_used + n > t->out_cap) {
        t->out_cap = t->out_used + n > CHUNK + 4096 ? t->out_used + n : CHUNK + 4096;
        t->out = t->ctx->host->mem(t->ctx, t->out, t->out_cap);
    }
    if (n)
        memcpy(t->out + t->out_used, bytes, n);
    t->out_used += n;
}

/* A program that closed its input may still answer what it read, for a moment. */
static void give_time(struct talk *t)
{
    t->due_ms = t->ctx->host->mono_ms(t->ctx) + (t->program->in < 0 ? LEAVE_MS : t->timeout);
}

static void close_record(struct talk *t, struct talk_round *r, uint32_t i)
{
    r->open[i] = 0;
    r->n_open--;
    r->answered++;
    give_time(t);
}

/* Puts more lines behind those that wait, while they are few. */
static int out_fill(struct talk *t, struct talk_round *r)
{
    char id[24];
    if (t->out_sent == t->out_used)
        t->out_sent = t->out_used = 0;
    for (; r->next < r->n && t->out_used < CHUNK; r->next++) {
        struct weir_slice line;
        int status;
        if (!r->open[r->next])
            continue;
        status = r->line(r->opaque, r->next, &line);
        if (status == WEIR_AGAIN) {
            close_record(t, r, r->next);
            continue;
        }
        if (status != WEIR_OK)
            return status;
        out_add(t, id, (size_t)snprintf(id, sizeof id, "%" PRIu64 " ", r->first_id + r->next));
        out_add(t, line.ptr, line.len);
        out_add(t, "\n", 1);
    }
    if (r->next == r->n && t->end_line && !r->ended) {
        out_add(t, "end\n", 4);
        r->ended = true;
    }
    return WEIR_OK;
}

/* Writes what the pipe takes.  gone: nobody reads from it any more. */
static void out_send(struct talk *t, bool gone)
{
    ssize_t n = gone ? 0 : write(t->program->in, t->out + t->out_sent, t->out_used - t->out_sent);
    if (n > 0)
        t->out_sent += (size_t)n;
    if (!gone && (n >= 0 || errno == EAGAIN || errno == EINTR))
        return;
    program_end_input(t->program);
    give_time(t);
}

/* ---- in ------------------------------------------------------------------------------------------------------ */

static int word_of(const char *text, size_t len)
{
    static const struct {
        const char *name;
        int word;
    } words[] = {{"ok", TALK_OK},
                 {"retry", TALK_RETRY},
                 {"reject", TALK_REJECT},
                 {"emit", TALK_EMIT},
                 {"pass", TALK_PASS}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == len && memcmp(text, words[i].name, len) == 0)
            return words[i].word;
    return 0;
}

/* The number a line begins with, and where what follows it begins; 0: it begins with none. */
static uint64_t id_of(const char *line, size_t len, size_t *ret_at)
{
    uint64_t id = 0;
    size_t i = 0;
    for (; i < len && i < 19 && line[i] >= '0' && line[i] <= '9'; i++)
        id = id * 10 + (uint64_t)(line[i] - '0');
    if (!i || i == len || line[i] != ' ')
        return 0;
    *ret_at = i + 1;
    return id;
}

static int nonsense(struct talk *t, const char *line, size_t len, const char *why)
{
    (void)snprintf(t->why, sizeof t->why, "it wrote \"%.*s\"%s: %s", (int)(len < 100 ? len : 100), line,
                   len > 100 ? "..." : "", why);
    return WEIR_RETRY;
}

/* No wait mends a program that does not know how to answer: a filter that knows nothing of numbers, a wrong command. */
static int no_answer(struct talk *t, const char *line, size_t len, const char *why)
{
    int status = nonsense(t, line, len, why);
    return t->spoke
               ? status
               : weir_fail(t->ctx, WEIR_FATAL, 0,
                           "%s; it never gave an answer, so it does not seem to know the protocol", t->why);
}

static int too_long(struct talk *t)
{
    (void)snprintf(t->why, sizeof t->why, "it wrote a line of more than %zu bytes", t->max_line);
    return WEIR_RETRY;
}

/* One line of the program: "ID WORD" or "ID WORD TEXT". */
static int in_line(struct talk *t, struct talk_round *r, const char *line, size_t len)
{
    size_t at = 0, end;
    uint64_t id = id_of(line, len, &at);
    const char *why, *space = id ? memchr(line + at, ' ', len - at) : NULL;
    int word;
    uint32_t i;
    if (len > t->max_line)
        return too_long(t);
    if (!id)
        return no_answer(t, line, len, "an answer is the number of a record, a space, and a word");
    end = space ? (size_t)(space - line) : len;
    word = word_of(line + at, end - at);
    if (!(word & t->words))
        return no_answer(t, line, len,
                         t->words & TALK_EMIT ? "the words are ok, pass, emit, retry and reject"
                                              : "the words are ok, retry and reject");
    if (id < r->first_id || id - r->first_id >= r->next || !r->open[id - r->first_id])
        return no_answer(t, line, len, "no record of that number waits for an answer");
    t->spoke = true;
    i = (uint32_t)(id - r->first_id);
    why = r->answer(r->opaque, i, word,
                    (struct weir_slice){space ? space + 1 : line + len, space ? len - end - 1 : 0});
    if (why)
        return nonsense(t, line, len, why);
    if (word != TALK_EMIT)
        close_record(t, r, i);
    return WEIR_OK;
}

static int in_lines(struct talk *t, struct talk_round *r)
{
    size_t begin = 0;
    char *lf;
    while ((lf = memchr(t->in + t->in_scanned, '\n', t->in_used - t->in_scanned)) != NULL) {
        size_t end = (size_t)(lf - t->in);
        int status = in_line(t, r, t->in + begin, end - begin);
        if (status != WEIR_OK)
            return status;
        t->in_scanned = begin = end + 1;
    }
    memmove(t->in, t->in + begin, t->in_used - begin);
    t->in_used -= begin;
    t->in_scanned = t->in_used;
    return t->in_used > t->max_line ? too_long(t) : WEIR_OK;
}

static int in_read(struct talk *t, struct talk_round *r)
{
    ssize_t n;
    if (t->in_cap - t->in_used < CHUNK / 2) {
        t->in_cap = 2 * t->in_used + CHUNK;
        t->in = t->ctx->host->mem(t->ctx, t->in, t->in_cap);
    }
    n = read(t->program->out, t->in + t->in_used, t->in_cap - t->in_used);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return WEIR_OK;
    if (n > 0) {
        t->in_used += (size_t)n;
        return in_lines(t, r);
    }
    (void)snprintf(t->why, sizeof t->why, "%s", program_ended(t->program));
    return WEIR_RETRY;
}

/* ---- both ---------------------------------------------------------------------------------------------------- */

static int too_late(struct talk *t)
{
    if (t->program->in < 0)
        (void)snprintf(t->why, sizeof t->why, "it closed its standard input before it had read all");
    else
        (void)snprintf(
            t->why, sizeof t->why, "it gave no answer for %" PRId64 " ms (timeout)%s", t->timeout,
            t->spoke ? "" : ", and never one: does it know the protocol, and write each answer at once?");
    return WEIR_RETRY;
}

static int turn(struct talk *t, struct talk_round *r)
{
    struct program *p = t->program;
    short writes = t->out_sent < t->out_used ? POLLOUT : 0;
    struct pollfd fds[4] = {
        {p->in, writes, 0}, {p->out, POLLIN, 0}, {p->err, POLLIN, 0}, {t->wake_fd, POLLIN, 0}};
    int64_t due = t->due_ms, left = due - t->ctx->host->mono_ms(t->ctx);
    size_t sent = t->out_sent;
    if (poll(fds, 4, left > 60000 ? 60000 : left > 0 ? (int)left : 0) < 0)
        return errno == EINTR ? WEIR_OK
                              : weir_fail(t->ctx, WEIR_FATAL, (uint32_t)errno, "poll: %s", strerror(errno));
    if (fds[2].revents)
        program_errors(p);
    if (fds[0].revents)
        out_send(t, fds[0].revents & POLLERR);
    if (fds[1].revents) {
        int status = in_read(t, r);
        if (status != WEIR_OK || !r->n_open)
            return status;
    }
    if (fds[3].revents) {
        t->stale = true;
        (void)snprintf(t->why, sizeof t->why, "weir ends before the program has answered");
        return WEIR_RETRY;
    }
    /* only now: it may have been weir that stood still, and the answers lie there, or it waited for these bytes */
    if (left > 0 || t->due_ms != due)
        return WEIR_OK;
    if (t->out_sent == sent)
        return too_late(t);
    give_time(t);
    return WEIR_OK;
}

int talk_exchange(struct talk *t, struct talk_round *r)
{
    int status;
    if (t->wake_fd < 0)
        return weir_fail(t->ctx, WEIR_FATAL, 0, "no eventfd was to be had; raise the limit of open files");
    if (t->stale)
        program_kill(t->program);
    t->stale = false;
    t->why[0] = '\0';
    status = program_start(t->program, NULL);
    if (status != WEIR_OK) { /* it was there when we began, so it may be again */
        (void)snprintf(t->why, sizeof t->why, "%s", t->program->why);
        return WEIR_RETRY;
    }
    t->out_used = t->out_sent = t->in_used = t->in_scanned = 0;
    give_time(t);
    r->next = r->answered = 0;
    r->ended = false;
    while (status == WEIR_OK && (r->n_open || t->out_sent < t->out_used || r->next < r->n)) {
        status = out_fill(t, r);
        if (status == WEIR_OK && (r->n_open || t->out_sent < t->out_used))
            status = turn(t, r);
    }
    if (status != WEIR_OK && t->why[0] && !t->stale)
        program_kill(t->program);
    interrupt_taken(t);
    return status;
}

void talk_idle(struct talk *t)
{
    struct program *p = t->program;
    char bytes[100];
    ssize_t n;
    program_errors(p);
    if (!p->pid)
        return;
    n = read(p->out, bytes, sizeof bytes);
    if (n < 0 || (n > 0 && t->stale)) /* answers for what was given up */
        return;
    if (n == 0)
        (void)snprintf(t->why, sizeof t->why, "%s; it is started again when there is something for it",
                       program_ended(p));
    else
        (void)nonsense(t, bytes, (size_t)n, "nothing was asked");
    program_kill(p);
    if (!t->stale)
        program_trouble(p, t->why);
}
