/* SPDX-License-Identifier: BSD-2-Clause */
/* elasticsearch.c - the plugin's descriptor, and what source and sink have in common: options and the live check.
 *
 * Elasticsearch 7 to 9 and OpenSearch 1 to 3 over HTTP; no vendor's media type is asked for, so one code serves all.
 * Thread: the home thread of the instance; es_global_init: the main thread, before any instance. */
#include "es.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0.1"
#endif

const char *const es_compress_names[] = {"none", "gzip", NULL};

static const struct weir_metric metric_rows[] = {
    [ES_M_REQUESTS] = {"requests", WEIR_COUNTER, 0, "requests", "Requests sent"},
    [ES_M_SENT] = {"sent", WEIR_COUNTER, 0, "bytes", "Bodies sent, before compression"},
    [ES_M_RECEIVED] = {"received", WEIR_COUNTER, 0, "bytes", "Bodies received"},
    [ES_M_NODE_FAILURES] = {"node_failures", WEIR_COUNTER, 0, "failures",
                            "Requests a node did not answer properly"},
    [ES_M_ITEM_RETRIES] = {"item_retries", WEIR_COUNTER, 0, "records", "Records to be sent again"},
    [ES_M_FAILURE_STORE] = {"failure_store", WEIR_COUNTER, 0, "records",
                            "Documents the server accepted but put into its failure store"},
};
const struct weir_metrics es_metrics = {sizeof es_metrics, sizeof metric_rows[0],
                                        sizeof metric_rows / sizeof metric_rows[0], 0, metric_rows};

/* NULL: fine. */
static const char *url_wrong(const char *url)
{
    const char *host;
    size_t len;
    if (strlen(url) > ES_URL_MAX)
        return "is longer than 2048 bytes";
    if (strncmp(url, "http://", 7) == 0)
        host = url + 7;
    else if (strncmp(url, "https://", 8) == 0)
        host = url + 8;
    else
        return "does not start with http:// or https://";
    len = strcspn(host, "/?#");
    if (memchr(host, '@', len))
        return "holds a user or password; use username and password, which stay out of logs";
    if (len == 0 || host[0] == ':')
        return "names no host";
    if (strpbrk(host, "?#"))
        return "holds ? or #; only a path may follow the host";
    for (const char *p = url; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return "holds a space or a control character";
    return NULL;
}

int es_check(struct weir_ctx *ctx, const struct es_conf *conf, struct weir_problems *to)
{
    bool https = false;
    for (size_t i = 0; i < conf->url.count; i++) {
        const char *why = url_wrong(conf->url.items[i]);
        https = https || strncmp(conf->url.items[i], "https://", 8) == 0;
        if (why && strchr(conf->url.items[i], '@')) /* what stands there may be a password */
            weir_problemf(ctx, to, "url", "address %zu %s", i + 1, why);
        else if (why)
            weir_problemf(ctx, to, "url", "\"%.200s\" %s", conf->url.items[i], why);
    }
    if (conf->url.count == 0)
        ctx->host->problem(to, "url", "no address is given");
    if (conf->api_key && (conf->username || conf->password))
        ctx->host->problem(to, "api-key", "use either api-key or username and password");
    if (conf->password && !conf->username)
        ctx->host->problem(to, "password", "password needs username");
    if (conf->client_key && !conf->client_cert)
        ctx->host->problem(to, "client-key", "client-key needs client-cert");
    if (!https && (conf->ca_file || conf->client_cert))
        ctx->host->problem(to, conf->ca_file ? "ca-file" : "client-cert",
                           "has no effect: no url starts with https://");
    return WEIR_OK;
}

static const char *conf_auth_option(const struct es_conf *conf)
{
    return conf->api_key ? "api-key" : conf->username ? "username" : "url";
}

static void probe_node(struct weir_ctx *ctx, struct es_call *call, const char *url, struct weir_problems *to)
{
    const struct es_request req = {ES_GET, "/", NULL, {NULL, 0}};
    const char *advice;
    if (!call_prepare(call, url, &req)) {
        weir_problemf(ctx, to, "url", "%s: %s", url, call->error);
        return;
    }
    curl_easy_setopt(call->easy, CURLOPT_TIMEOUT_MS, 10000L);
    call_finish(call, curl_easy_perform(call->easy));
    (void)http_trouble(call, 0, &advice);
    if (call->code != CURLE_OK)
        weir_problemf(ctx, to, "url", "%s: %s%s", url, call->error, advice);
    else if (call->status == 401 || call->status == 403)
        weir_problemf(ctx, to, conf_auth_option(call->conf),
                      "%s: HTTP status %ld: not allowed with these credentials%s", url, call->status, advice);
    else if (call->status >= 500)
        weir_problemf(ctx, to, "url", "%s: HTTP status %ld", url, call->status);
    /* Anything else is alive: GET / may be forbidden or missing (405) where bulk requests work. */
}

int es_probe(struct weir_ctx *ctx, const struct es_conf *conf, struct weir_problems *to)
{
    struct es_call call;
    if (!call_init(&call, ctx, conf)) {
        ctx->host->problem(to, NULL, "libcurl has no memory");
        return WEIR_OK;
    }
    for (size_t i = 0; i < conf->url.count; i++)
        probe_node(ctx, &call, conf->url.items[i], to);
    call_free(&call);
    return WEIR_OK;
}

/* Once per process, before any thread; never undone, since other libraries may use libcurl too. */
static int es_global_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -1;
}

static const struct weir_ops *const ops[] = {&es_source_ops, &es_sink_ops, NULL};
static const struct weir_plugin plugin = {
    WEIR_PLUGIN_HEAD,
    "elasticsearch",
    PACKAGE_VERSION,
    "Elasticsearch 7 to 9 and OpenSearch 1 to 3: bulk writes, whole-index reads",
    "BSD-2-Clause",
    es_global_init,
    ops,
};
WEIR_PLUGIN(plugin);
