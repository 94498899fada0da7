/* SPDX-License-Identifier: BSD-2-Clause */
/* http.c - calls of one instance on the host's event loop, through libcurl's socket interface.
 *
 * libcurl says which descriptors and which time it waits for; the host watches them and calls the instance, which
 * calls http_run.  Nothing here blocks.  Thread: the home thread of the instance. */
#include "es.h"

#include "../common/keyfile.h"

#include <poll.h>

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *opaque, void *unused)
{
    struct es_http *http = opaque;
    size_t i = 0;
    short events = (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
    (void)easy;
    (void)unused;
    while (i < http->n_sockets && http->sockets[i].fd != fd)
        i++;
    if (what == CURL_POLL_REMOVE) {
        if (i < http->n_sockets) {
            http->sockets[i] = http->sockets[--http->n_sockets];
            http->ctx->host->watch_fd(http->ctx, fd, 0);
        }
        return 0;
    }
    if (i == http->n_sockets) {
        if (i == ES_SOCKETS_MAX)
            return -1;
        http->n_sockets++;
    }
    http->sockets[i] = (struct es_socket){fd, events};
    http->ctx->host->watch_fd(http->ctx, fd,
                              (events & POLLIN ? WEIR_FD_READ : 0) | (events & POLLOUT ? WEIR_FD_WRITE : 0));
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *opaque)
{
    struct es_http *http = opaque;
    (void)multi;
    http->deadline = timeout_ms < 0 ? INT64_MAX : http->ctx->host->mono_ms(http->ctx) + timeout_ms;
    http->ctx->host->wake_at(http->ctx, http->deadline);
    return 0;
}

void http_warn(struct weir_ctx *ctx, const struct es_conf *conf)
{
    if (!conf->verify)
        weir_logf(ctx, WEIR_LOG_WARNING, "verify = no: anybody on the way can read and change what passes");
    keyfile_warn(ctx, "client-key", conf->client_key ? conf->client_key : conf->client_cert);
}

bool http_init(struct es_http *http, struct weir_ctx *ctx, const struct es_conf *conf)
{
    memset(http, 0, sizeof *http);
    http->ctx = ctx;
    http->conf = conf;
    http->deadline = INT64_MAX;
    http->multi = curl_multi_init();
    if (!http->multi)
        return false;
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    nodes_init(ctx, &http->nodes, &conf->url);
    return true;
}

void http_free(struct es_http *http)
{
    if (!http->ctx)
        return;
    for (size_t i = 0; i < http->n_sockets; i++)
        http->ctx->host->watch_fd(http->ctx, http->sockets[i].fd, 0);
    http->n_sockets = 0;
    if (http->multi) {
        curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, NULL);
        curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, NULL);
        curl_multi_cleanup(http->multi);
    }
    http->ctx->host->wake_at(http->ctx, INT64_MAX);
    nodes_free(http->ctx, &http->nodes);
    memset(http, 0, sizeof *http);
}

const char *http_node(const struct es_http *http, const struct es_call *call)
{
    return http->nodes.list[call->node].url;
}

/* What libcurl says of a connection that was not made, or was cut; with TLS 1.3 a server refuses the client's
 * certificate only after the handshake. */
static uint32_t trouble_of_connection(const struct es_call *call, uint32_t health, const char **ret_advice)
{
    switch (call->code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        *ret_advice =
            "; ca-file has to name the authority of its certificate, which has to be valid and made out to "
            "the name in url";
        return WEIR_UNTRUSTED;
    case CURLE_SSL_CACERT_BADFILE:
        *ret_advice = "; check ca-file";
        return WEIR_DEGRADED;
    case CURLE_SSL_CERTPROBLEM:
        *ret_advice = "; check client-cert and client-key";
        return WEIR_DEGRADED;
    default:
        /* Whoever refuses may also cut the connection before its alert is read. */
        if (!call->alerted || call->code == CURLE_COULDNT_RESOLVE_HOST ||
            call->code == CURLE_OPERATION_TIMEDOUT || strstr(call->error, "refused"))
            return health;
        *ret_advice = "; check client-cert and client-key";
        return WEIR_DENIED;
    }
}

uint32_t http_trouble(const struct es_call *call, uint32_t health, const char **ret_advice)
{
    *ret_advice = "";
    if (call->code != CURLE_OK && !call->not_sent)
        return trouble_of_connection(call, health, ret_advice);
    if (call->status == 401)
        *ret_advice = call->conf->api_key    ? "; check api-key"
                      : call->conf->username ? "; check username and password"
                                             : "; set username and password, or api-key";
    else if (health == WEIR_DENIED && !call->not_sent)
        *ret_advice = "; give the user, or the API key, the right to do it";
    return health;
}

/* Only what says that the node itself is ill; a 429 comes from a healthy one. */
static void note_node(struct es_http *http, struct es_call *call)
{
    int64_t now = http->ctx->host->mono_ms(http->ctx);
    bool gateway = call->status >= 502 && call->status <= 504;
    if (call->not_sent)
        return;
    if ((call->code == CURLE_OK && !gateway) || call->reply_too_large) {
        nodes_worked(&http->nodes, call->node);
        return;
    }
    nodes_failed(&http->nodes, call->node, now, call->retry_after_ms);
    if (nodes_awake(&http->nodes, now))
        call->retry_after_ms = 0; /* it spoke for itself: another can be asked at once */
    http->ctx->host->count(http->ctx, ES_M_NODE_FAILURES, 1);
}

static void end_call(struct es_http *http, struct es_call *call, CURLcode code)
{
    call_finish(call, code);
    note_node(http, call);
    http->ctx->host->count(http->ctx, ES_M_RECEIVED, (int64_t)call->reply_len);
    call->busy = false;
    call->done(call);
}

void http_send(struct es_http *http, struct es_call *call, const struct es_request *req)
{
    call->busy = true;
    call->node = nodes_pick(&http->nodes, http->ctx->host->mono_ms(http->ctx));
    if (call_prepare(call, http->nodes.list[call->node].url, req)) {
        CURLMcode rc = curl_multi_add_handle(http->multi, call->easy);
        if (rc == CURLM_OK) {
            http->ctx->host->count(http->ctx, ES_M_REQUESTS, 1);
            http->ctx->host->count(http->ctx, ES_M_SENT, (int64_t)req->body.len);
            return;
        }
        call->not_sent = true;
        snprintf(call->error, sizeof call->error, "%s", curl_multi_strerror(rc));
    }
    call->next_unsent = http->unsent;
    http->unsent = call;
    http->ctx->host->wake(http->ctx);
}

static void report_done(struct es_http *http)
{
    CURLMsg *msg;
    int left;
    while (http->unsent) {
        struct es_call *call = http->unsent;
        http->unsent = call->next_unsent;
        end_call(http, call, CURLE_FAILED_INIT);
    }
    while ((msg = curl_multi_info_read(http->multi, &left)) != NULL) {
        struct es_call *call = NULL;
        CURLcode code = msg->data.result;
        CURL *easy = msg->easy_handle;
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &call);
        curl_multi_remove_handle(http->multi, easy); /* msg is gone now */
        end_call(http, call, code);
    }
}

/* The host says that a descriptor is ready, not which; with a few of them asking again is cheapest. */
static void run_sockets(struct es_http *http)
{
    struct pollfd fds[ES_SOCKETS_MAX];
    size_t n = http->n_sockets;
    int running;
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){http->sockets[i].fd, http->sockets[i].events, 0};
    if (n == 0 || poll(fds, (nfds_t)n, 0) <= 0)
        return;
    for (size_t i = 0; i < n; i++) {
        int ready = (fds[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                    (fds[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                    (fds[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (ready)
            curl_multi_socket_action(http->multi, fds[i].fd, ready, &running);
    }
}

void http_run(struct es_http *http)
{
    int running;
    run_sockets(http);
    if (http->deadline <= http->ctx->host->mono_ms(http->ctx)) {
        on_timer(http->multi, -1, http); /* a time holds for one call; libcurl sets the next */
        curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    report_done(http);
}

void http_cancel(struct es_http *http, struct es_call *call)
{
    struct es_call **at = &http->unsent;
    if (!call->busy)
        return;
    while (*at && *at != call)
        at = &(*at)->next_unsent;
    if (*at)
        *at = call->next_unsent;
    else
        curl_multi_remove_handle(http->multi, call->easy);
    call_finish(call, CURLE_ABORTED_BY_CALLBACK);
    call->busy = false;
}
