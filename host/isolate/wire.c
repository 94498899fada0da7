/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.c - frames over a socket (wire.h). */
#include "wire.h"

#include "report/clock.h"
#include "report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILL_MOST 256 /* frames taken in before somebody looks at them, however fast they come */
#define TICK_MS   100 /* how often it is looked for an interrupt, while there is no room */

void message_free(struct message *m)
{
    if (m)
        free(m->body);
    free(m);
}

void line_init(struct line *l, int fd)
{
    memset(l, 0, sizeof *l);
    l->fd = fd;
    l->blocks = !(fcntl(fd, F_GETFL) & O_NONBLOCK);
    l->tail = &l->head;
    l->patience_ms = WIRE_PATIENCE_MS;
    pthread_mutex_init(&l->lock, NULL);
}

void line_free(struct line *l)
{
    struct message *m;
    while ((m = line_next(l)) != NULL)
        message_free(m);
    message_free(l->partial);
    if (l->fd >= 0)
        close(l->fd);
    pthread_mutex_destroy(&l->lock);
    *l = (struct line){.fd = -1, .tail = &l->head};
}

static int timeout(int64_t until)
{
    if (until == INT64_MAX)
        return -1;
    int64_t left = until - clock_mono_ms();
    return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

/* When patience ends with a frame that is on its way since began, because of an interrupt: the first that was seen, for
 * who wants the sender back may say so again and again. */
static int64_t interrupt_limit(const struct line *l, int64_t began, int64_t *limit)
{
    int64_t asked = l->interrupted_ms ? atomic_load(l->interrupted_ms) : 0;
    if (asked >= began && asked + l->patience_ms < *limit)
        *limit = asked + l->patience_ms;
    return *limit;
}

/* Waits a while for room, and takes in what comes meanwhile; false: there was none until then. */
static bool wait_for_room(struct line *l, int64_t began, int64_t until, int64_t *interrupted, bool *ret_stuck)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN | POLLOUT};
    int64_t tick = l->interrupted_ms ? clock_mono_ms() + TICK_MS : INT64_MAX;
    int n = poll(&p, 1, timeout(tick < until ? tick : until));
    if (n < 0)
        return errno == EINTR;
    int64_t limit = interrupt_limit(l, began, interrupted);
    if (!n)
        limit = until < limit ? until : limit;
    *ret_stuck = clock_mono_ms() >= limit;
    if (*ret_stuck)
        return false;
    if (p.revents & (POLLIN | POLLHUP))
        line_fill(l);
    return !l->dead;
}

static int64_t from_now(int64_t patience)
{
    return patience == INT64_MAX ? INT64_MAX : clock_mono_ms() + patience;
}

static bool send_all(struct line *l, struct iovec *at, int n, int64_t patience, bool *ret_stuck)
{
    int64_t began = clock_mono_ms(), until = from_now(patience), interrupted = INT64_MAX;
    while (n) {
        struct msghdr msg = {.msg_iov = at, .msg_iovlen = (size_t)n};
        ssize_t done = sendmsg(l->fd, &msg, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == EAGAIN && wait_for_room(l, began, until, &interrupted, ret_stuck))
            continue;
        if (done < 0)
            return false;
        until = from_now(patience);
        for (; n && (size_t)done >= at->iov_len; at++, n--)
            done -= (ssize_t)at->iov_len;
        if (n) {
            at->iov_base = (char *)at->iov_base + done;
            at->iov_len -= (size_t)done;
        }
    }
    return true;
}

bool line_send(struct line *l, const struct frame *f, const void *body, int64_t patience, bool *ret_stuck)
{
    struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)f, .iov_len = sizeof *f},
                             {.iov_base = (void *)(uintptr_t)body, .iov_len = (size_t)f->len}};
    *ret_stuck = false;
    pthread_mutex_lock(&l->lock);
    bool ok = l->fd >= 0 && !l->dead && send_all(l, parts, f->len ? 2 : 1, patience, ret_stuck);
    l->dead |= !ok; /* half a frame may be on its way: nothing can follow it */
    pthread_mutex_unlock(&l->lock);
    return ok;
}

/* Reads into what is expected next; false: nothing more for now, or the end. */
static bool take(struct line *l, void *to, size_t want, int flags)
{
    while (l->got < want) {
        ssize_t n = recv(l->fd, (char *)to + l->got, want - l->got, flags);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n <= 0) {
            l->dead = true;
            return false;
        }
        l->got += (size_t)n;
    }
    l->got = 0;
    return true;
}

/* One frame more; false: it is not whole yet. */
static bool take_frame(struct line *l)
{
    struct message *m = l->partial;
    if (!m) {
        if (!take(l, &l->coming, sizeof l->coming, 0))
            return false;
        if (!l->coming.type || l->coming.type >= WIRE_LAST || l->coming.len > WIRE_BODY_MAX) {
            l->dead = true;
            return false;
        }
        m = l->partial = xcalloc(1, sizeof *m);
        m->frame = l->coming;
        m->body = m->frame.len ? xmalloc((size_t)m->frame.len) : NULL;
    }
    if (m->frame.len && !take(l, m->body, (size_t)m->frame.len, 0))
        return false;
    l->partial = NULL;
    *l->tail = m;
    l->tail = &m->next;
    l->waiting++;
    l->bytes += m->frame.len;
    l->flooded = !l->blocks && (l->waiting > WIRE_WAITING_MOST || l->bytes > WIRE_BYTES_MOST);
    l->dead |= l->flooded;
    return !l->flooded;
}

void line_fill(struct line *l)
{
    for (unsigned i = 0; i < FILL_MOST && !l->dead && take_frame(l) && !l->blocks; i++)
        ;
}

struct message *line_next(struct line *l)
{
    struct message *m = l->head;
    if (!m)
        return NULL;
    l->head = m->next;
    if (!l->head)
        l->tail = &l->head;
    l->waiting--;
    l->bytes -= m->frame.len;
    m->next = NULL;
    return m;
}

bool line_wait(struct line *l, int64_t until)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    return poll(&p, 1, timeout(until)) > 0;
}
