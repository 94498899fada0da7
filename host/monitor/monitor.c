/* SPDX-License-Identifier: BSD-2-Clause */
/* monitor.c - the turn of the watch, and the address of --metrics (monitor.h).  Main thread. */
#include "monitor.h"

#include "report/clock.h"
#include "engine/readers.h"
#include "http.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

static bool port_fits(const char *port)
{
    size_t n = strlen(port);
    return n >= 1 && n <= 5 && strspn(port, "0123456789") == n && strtol(port, NULL, 10) <= 65535;
}

/* Where the host ends and the colon of the port stands; NULL: it is neither form. */
static const char *split(const char *text, const char **ret_host, size_t *ret_len)
{
    const char *end;
    if (text[0] == '[') {
        end = strchr(text, ']');
        *ret_host = text + 1;
        *ret_len = end ? (size_t)(end - text - 1) : 0;
        return end && end[1] == ':' ? end + 1 : NULL;
    }
    end = strchr(text, ':');
    *ret_host = text;
    *ret_len = end ? (size_t)(end - text) : 0;
    return end && !strchr(end + 1, ':') ? end : NULL; /* more colons: an IPv6 address without brackets */
}

bool monitor_address(const char *text, struct monitor_address *ret, struct strbuf *why)
{
    const char *host, *port;
    size_t len;
    const char *colon = split(text, &host, &len);
    port = colon ? colon + 1 : "";
    if (!colon || !len || len >= sizeof ret->host || !port_fits(port)) {
        strbuf_printf(why,
                      "--metrics is HOST:PORT or [IPv6]:PORT, like 127.0.0.1:9480, not \"%s\"; 0.0.0.0 or "
                      "[::] stands for "
                      "all addresses, port 0 for a free one",
                      text);
        return false;
    }
    snprintf(ret->host, sizeof ret->host, "%.*s", (int)len, host);
    snprintf(ret->port, sizeof ret->port, "%s", port);
    return true;
}

struct monitor *monitor_new(void)
{
    struct monitor *m = xcalloc(1, sizeof *m);
    atomic_store(&m->turned_ms, clock_mono_ms());
    return m;
}

bool monitor_bind(struct monitor *m, const struct monitor_address *address, struct strbuf *why)
{
    m->http = http_bind(address, why);
    return m->http != NULL;
}

void monitor_unstarted(struct monitor *m, const char *pipeline, const char *why)
{
    m->unstarted = xrealloc(m->unstarted, ((size_t)m->n_unstarted + 1) * sizeof *m->unstarted);
    m->unstarted[m->n_unstarted++] = (struct unstarted){xstrdup(pipeline), xstrdup(why)};
}

static void add(struct monitor *m, struct pipeline *p)
{
    m->pipelines = xrealloc(m->pipelines, ((size_t)m->n + 1) * sizeof(struct pipeline *));
    m->pipelines[m->n++] = p;
}

bool monitor_watch(struct monitor *m, struct readers *const *readers, int n, struct strbuf *why)
{
    for (int i = 0; i < n; i++) {
        for (size_t k = 0; k < readers[i]->n; k++)
            add(m, readers[i]->list[k]);
        if (readers[i]->letters)
            add(m, readers[i]->letters);
    }
    return !m->http || http_serve(m->http, m, why);
}

bool monitor_watch_one(struct monitor *m, struct pipeline *p, struct strbuf *why)
{
    add(m, p);
    return !m->http || http_serve(m->http, m, why);
}

void monitor_tick(struct monitor *m)
{
    int64_t now = clock_mono_ms();
    atomic_store(&m->turned_ms, now);
    if (m->http)
        http_tick(m->http);
    if (m->looked_ms && now - m->looked_ms < STUCK_TURN_MS)
        return;
    for (int i = 0; i < m->n; i++)
        stuck_tick(m->pipelines[i], m->looked_ms ? now - m->looked_ms : 0);
    m->looked_ms = now;
}

void monitor_free(struct monitor *m)
{
    if (!m)
        return;
    http_free(m->http);
    for (int i = 0; i < m->n_unstarted; i++) {
        free(m->unstarted[i].pipeline);
        free(m->unstarted[i].why);
    }
    free(m->unstarted);
    free(m->pipelines);
    free(m);
}
