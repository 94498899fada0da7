/* SPDX-License-Identifier: BSD-2-Clause */
/* http.c - answers /metrics, /health/live and /health/ready (http.h).
 *
 * Main thread begins and ends it; answer() runs on the library's only thread.  Nothing of a request but its method and
 * path is looked at, no body is read, and what a client may hold is bounded: connections, their memory, their time.
 * The library's own limit of time begins anew with every byte; so when all connections are taken, the one that has
 * been without an answer for longest makes room. */
#include "http.h"

#include "report/clock.h"
#include "report/expo.h"
#include "health.h"
#include "report/log.h"
#include "metrics.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIBRARY     "libmicrohttpd.so.12" /* the ABI of the header: 12 since 2017, in Debian from 9 on */
#define CONNECTIONS 32u                   /* at one time; more wait in the socket's queue */
#define IDLE_S      10u                   /* a client that says nothing for so long is cut off */
#define CLIENT_ROOM (16u * 1024)          /* bytes for one connection's request */
#define BACKLOG     16
#define HELD_MS     1000 /* a client that waits may cost another its connection after so long without an answer */

struct client {
    int fd;        /* -1: none */
    int64_t since; /* mono ms of its coming, or of its last answer */
};

struct http {
    int fd;
    struct MHD_Daemon *daemon;
    const struct monitor *monitor;
    pthread_mutex_t lock; /* of clients: a descriptor in it is not closed while it is held */
    struct client clients[CONNECTIONS];
    /* of the library: */
    __typeof__(&MHD_start_daemon) start_daemon;
    __typeof__(&MHD_stop_daemon) stop_daemon;
    __typeof__(&MHD_create_response_from_buffer) create_response;
    __typeof__(&MHD_add_response_header) add_header;
    __typeof__(&MHD_queue_response) queue_response;
    __typeof__(&MHD_destroy_response) destroy_response;
    __typeof__(&MHD_get_connection_info) connection_info;
};

static const struct {
    const char *name;
    size_t at;
} symbols[] = {{"MHD_start_daemon", offsetof(struct http, start_daemon)},
               {"MHD_stop_daemon", offsetof(struct http, stop_daemon)},
               {"MHD_create_response_from_buffer", offsetof(struct http, create_response)},
               {"MHD_add_response_header", offsetof(struct http, add_header)},
               {"MHD_queue_response", offsetof(struct http, queue_response)},
               {"MHD_destroy_response", offsetof(struct http, destroy_response)},
               {"MHD_get_connection_info", offsetof(struct http, connection_info)}};

static bool load(struct http *h, struct strbuf *why)
{
    void *library =
        dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL); /* never unloaded: it runs to the end of the process */
    if (!library) {
        strbuf_printf(why, "--metrics needs %s (Debian: libmicrohttpd12): %s", LIBRARY, dlerror());
        return false;
    }
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        void *found = dlsym(library, symbols[i].name);
        if (!found) {
            strbuf_printf(why, "--metrics: %s has no %s", LIBRARY, symbols[i].name);
            return false;
        }
        memcpy((char *)h + symbols[i].at, &found,
               sizeof found); /* ISO C has no way from void * to a function */
    }
    return true;
}

/* --- clients ----------------------------------------------------------------------------------------------------- */

/* On the library's thread; it says that one is closed before it closes it. */
static void connection(void *opaque, struct MHD_Connection *c, void **place,
                       enum MHD_ConnectionNotificationCode code)
{
    struct http *h = opaque;
    struct client *client = *place;
    pthread_mutex_lock(&h->lock);
    if (code == MHD_CONNECTION_NOTIFY_CLOSED && client)
        client->fd = -1;
    for (size_t i = 0; code == MHD_CONNECTION_NOTIFY_STARTED && !*place && i < CONNECTIONS; i++)
        if (h->clients[i].fd < 0) {
            h->clients[i].fd = h->connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
            h->clients[i].since = clock_mono_ms();
            *place = &h->clients[i];
        }
    pthread_mutex_unlock(&h->lock);
}

static void answered(struct http *h, struct MHD_Connection *c)
{
    struct client *client = h->connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    pthread_mutex_lock(&h->lock);
    if (client)
        client->since = clock_mono_ms();
    pthread_mutex_unlock(&h->lock);
}

void http_tick(struct http *h)
{
    int64_t now = clock_mono_ms();
    size_t oldest = 0, n = 0;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        n += h->clients[i].fd >= 0;
        if (h->clients[i].since < h->clients[oldest].since)
            oldest = i;
    }
    if (n == CONNECTIONS && now - h->clients[oldest].since >= HELD_MS) {
        (void)shutdown(h->clients[oldest].fd, SHUT_RDWR); /* the library sees it and closes it */
        h->clients[oldest].since = now;
    }
    pthread_mutex_unlock(&h->lock);
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

struct page {
    unsigned status;
    const char *type, *allow;
    struct strbuf body;
};

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

static void make(const struct monitor *m, const char *path, const char *method, struct page *p)
{
    p->status = HEALTH_GOOD;
    p->type = TEXT;
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
        p->status = MHD_HTTP_METHOD_NOT_ALLOWED;
        p->allow = "GET, HEAD";
        strbuf_str(&p->body, "only GET and HEAD\n");
    } else if (strcmp(path, "/metrics") == 0) {
        p->type = EXPO_TYPE;
        metrics_print(m, &p->body);
    } else if (strcmp(path, "/health/live") == 0) {
        p->type = JSON;
        p->status = health_live(m, &p->body);
    } else if (strcmp(path, "/health/ready") == 0) {
        p->type = JSON;
        p->status = health_ready(m, &p->body);
    } else {
        p->status = strcmp(path, "/") == 0 ? HEALTH_GOOD : MHD_HTTP_NOT_FOUND;
        strbuf_str(&p->body, "weir " WEIR_VERSION ": /metrics /health/live /health/ready\n");
    }
}

static enum MHD_Result send_page(const struct http *h, struct MHD_Connection *c, struct page *p)
{
    struct MHD_Response *r = h->create_response(p->body.len, p->body.data, MHD_RESPMEM_MUST_FREE);
    if (!r) {
        strbuf_free(&p->body);
        return MHD_NO;
    }
    (void)h->add_header(r, "Content-Type", p->type);
    (void)h->add_header(r, "Cache-Control", "no-store");
    if (p->allow)
        (void)h->add_header(r, "Allow", p->allow);
    enum MHD_Result status = h->queue_response(c, p->status, r);
    h->destroy_response(r);
    return status;
}

/* Called once when the head of a request is there, again for what it sends behind it; that is not wanted. */
static enum MHD_Result answer(void *opaque, struct MHD_Connection *c, const char *path, const char *method,
                              const char *version, const char *data, size_t *ret_left, void **seen)
{
    struct http *h = opaque;
    struct page p = {.type = TEXT};
    (void)version;
    (void)data;
    if (!*seen) {
        *seen = (void *)(uintptr_t)h;
        return MHD_YES;
    }
    if (*ret_left) {
        *ret_left = 0;
        return MHD_YES;
    }
    make(h->monitor, path, method, &p);
    answered(h, c);
    return send_page(h, c, &p);
}

/* --- begin and end ----------------------------------------------------------------------------------------------- */

static int listen_at(const struct addrinfo *a)
{
    const int on = 1;
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
                     sizeof on); /* else a restart waits for old connections */
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

struct http *http_bind(const struct monitor_address *address, struct strbuf *why)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    struct http *h = xcalloc(1, sizeof *h);
    h->fd = -1;
    for (size_t i = 0; i < CONNECTIONS; i++)
        h->clients[i].fd = -1;
    pthread_mutex_init(&h->lock, NULL);
    if (!load(h, why)) {
        http_free(h);
        return NULL;
    }
    int bad = getaddrinfo(address->host, address->port, &hints, &found);
    for (const struct addrinfo *a = found; a && h->fd < 0; a = a->ai_next)
        h->fd = listen_at(a);
    int error = errno;
    if (found)
        freeaddrinfo(found);
    if (h->fd >= 0)
        return h;
    strbuf_printf(why, "--metrics can not be served at %s, port %s: %s%s", address->host, address->port,
                  bad ? gai_strerror(bad) : strerror(error),
                  !bad && error == EADDRINUSE ? "; another program, or another weir, listens there" : "");
    http_free(h);
    return NULL;
}

static void say_where(const struct http *h)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    if (getsockname(h->fd, (struct sockaddr *)&a, &len) != 0 ||
        getnameinfo((struct sockaddr *)&a, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    bool six = a.ss_family == AF_INET6;
    log_line(WEIR_LOG_NOTICE, NULL, "metrics and health are served at http://%s%s%s:%s/", six ? "[" : "",
             host, six ? "]" : "", port);
}

bool http_serve(struct http *h, const struct monitor *m, struct strbuf *why)
{
    h->monitor = m;
    h->daemon =
        h->start_daemon(MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, answer, h,
                        MHD_OPTION_LISTEN_SOCKET, h->fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
                        MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                        (size_t)CLIENT_ROOM, MHD_OPTION_NOTIFY_CONNECTION, connection, h, MHD_OPTION_END);
    if (!h->daemon) {
        strbuf_printf(why, "--metrics: libmicrohttpd can not start: %s", strerror(errno));
        return false;
    }
    say_where(h);
    return true;
}

void http_free(struct http *h)
{
    if (!h)
        return;
    if (h->daemon)
        h->stop_daemon(h->daemon); /* closes the socket too */
    else if (h->fd >= 0)
        (void)close(h->fd);
    pthread_mutex_destroy(&h->lock);
    free(h);
}
