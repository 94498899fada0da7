/* SPDX-License-Identifier: BSD-2-Clause */
/* cluster.c - connections and requests (cluster.h): as much of HTTP/1.1 as libcurl speaks to a server of its own. */
#include "cluster.h"

#include "report/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS_MAX 32
#define HEAD_MAX    ((size_t)64 << 10)
#define BODY_MAX    ((size_t)256 << 20)
#define READ_ROOM   65536

struct client {
    int fd;
    struct strbuf in;
};

struct cluster {
    int listener, stop;
    char url[64];
    pthread_t thread;
    bool started;
    struct outputs *outputs;
    struct faults *faults;
    struct client clients[CLIENTS_MAX];
    size_t n;
};

struct cluster *cluster_new(struct strbuf *why)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof a;
    struct cluster *c = xcalloc(1, sizeof *c);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->stop = eventfd(0, EFD_CLOEXEC);
    c->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->stop < 0 || c->listener < 0 || bind(c->listener, (struct sockaddr *)&a, len) != 0 ||
        listen(c->listener, CLIENTS_MAX) != 0 || getsockname(c->listener, (struct sockaddr *)&a, &len) != 0) {
        strbuf_printf(why, "no port of 127.0.0.1 can be taken: %s", strerror(errno));
        cluster_stop(c);
        return NULL;
    }
    snprintf(c->url, sizeof c->url, "http://127.0.0.1:%u", (unsigned)ntohs(a.sin_port));
    return c;
}

const char *cluster_url(const struct cluster *c)
{
    return c->url;
}

static bool send_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool answer(int fd, unsigned status, const struct strbuf *body)
{
    char head[256];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %u Test\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
                     status, body->len);
    return send_all(fd, head, (size_t)n) && send_all(fd, body->data, body->len);
}

/* False: the connection is to be closed. */
static bool serve(struct cluster *c, int fd, bool bulk, struct weir_slice body)
{
    const struct fault *f = bulk && c->faults ? faults_request(c->faults) : NULL;
    struct strbuf out = {0};
    bool good = !f || !f->cut;
    if (!bulk)
        strbuf_str(&out, "{}");
    else if (f && good)
        strbuf_printf(&out, "{\"error\":{\"type\":\"%s\",\"reason\":\"a fault of the test\"},\"status\":%u}",
                      f->type[0] ? f->type : "fault_of_the_test", f->code);
    else if (good)
        cluster_bulk(c->outputs, c->faults, body, &out);
    good = good && answer(fd, f ? f->code : 200, &out);
    strbuf_free(&out);
    return good;
}

/* One request, if a whole one is there: 1; 0: not yet; -1: close. */
static int take_request(struct cluster *c, struct client *from)
{
    char *begin = from->in.data, *end = from->in.len ? memmem(begin, from->in.len, "\r\n\r\n", 4) : NULL;
    size_t body = 0;
    if (!end)
        return from->in.len > HEAD_MAX ? -1 : 0;
    size_t head = (size_t)(end - begin) + 4;
    *end = 0;
    const char *length = strcasestr(begin, "\r\ncontent-length:");
    bool bulk = strncmp(begin, "POST /_bulk", 11) == 0;
    if (length)
        body = strtoull(length + 17, NULL, 10);
    *end = '\r';
    if (body > BODY_MAX)
        return -1;
    if (from->in.len < head + body)
        return 0;
    if (!serve(c, from->fd, bulk, (struct weir_slice){begin + head, body}))
        return -1;
    memmove(begin, begin + head + body, from->in.len - head - body);
    from->in.len -= head + body;
    return 1;
}

static void drop(struct cluster *c, size_t i)
{
    close(c->clients[i].fd);
    strbuf_free(&c->clients[i].in);
    c->clients[i] = c->clients[--c->n];
}

static void hear(struct cluster *c, size_t i)
{
    struct client *from = &c->clients[i];
    int status = 1;
    ssize_t n = recv(from->fd, strbuf_reserve(&from->in, READ_ROOM), READ_ROOM, 0);
    if (n > 0)
        from->in.len += (size_t)n;
    while (n > 0 && status > 0)
        status = take_request(c, from);
    if (n <= 0 || status < 0)
        drop(c, i);
}

static void *serve_all(void *arg)
{
    struct cluster *c = arg;
    for (;;) {
        struct pollfd fds[CLIENTS_MAX + 2] = {
            {.fd = c->stop, .events = POLLIN},
            {.fd = c->n < CLIENTS_MAX ? c->listener : -1, .events = POLLIN}};
        size_t n = c->n;
        for (size_t i = 0; i < n; i++)
            fds[i + 2] = (struct pollfd){.fd = c->clients[i].fd, .events = POLLIN};
        if (poll(fds, n + 2, -1) < 0 && errno != EINTR)
            die("cannot wait for requests: %s", strerror(errno));
        if (fds[0].revents)
            return NULL;
        for (size_t i = n; i-- > 0;)
            if (fds[i + 2].revents)
                hear(c, i);
        int fd = fds[1].revents ? accept4(c->listener, NULL, NULL, SOCK_CLOEXEC) : -1;
        if (fd >= 0)
            c->clients[c->n++] = (struct client){.fd = fd};
    }
}

void cluster_start(struct cluster *c, struct outputs *outputs, struct faults *faults)
{
    c->outputs = outputs;
    c->faults = faults;
    if (pthread_create(&c->thread, NULL, serve_all, c) != 0)
        die("cannot start a thread");
    c->started = true;
}

void cluster_stop(struct cluster *c)
{
    const uint64_t one = 1;
    if (!c)
        return;
    if (c->started) {
        (void)!write(c->stop, &one, sizeof one);
        pthread_join(c->thread, NULL);
    }
    while (c->n)
        drop(c, 0);
    if (c->listener >= 0)
        close(c->listener);
    if (c->stop >= 0)
        close(c->stop);
    free(c);
}
