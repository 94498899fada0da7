/* SPDX-License-Identifier: BSD-2-Clause */
/* call.c - one HTTP request and its answer on a libcurl handle that is used again and again.
 *
 * HTTP/1.1 only, no redirects, no proxy (those of the environment are ignored on purpose: a pipeline's way must
 * stand in its file).  Answers have a limit.  Thread: the home thread of the instance. */
#include "es.h"

#include <stdlib.h>
#include <zlib.h>

#define UPLOAD_BUFFER (64L << 10)

static size_t take_reply(char *p, size_t size, size_t n, void *opaque)
{
    struct es_call *call = opaque;
    size_t len = size * n;
    if (len > call->reply_max - call->reply_len) {
        call->reply_too_large = true;
        return 0;
    }
    if (call->reply_cap - call->reply_len < len) {
        size_t cap = call->reply_cap ? call->reply_cap : 16384;
        curl_off_t whole = -1;
        char *longer;
        while (cap - call->reply_len < len)
            cap *= 2;
        if (curl_easy_getinfo(call->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &whole) == CURLE_OK &&
            whole > 0 && (uint64_t)whole <= call->reply_max && (uint64_t)whole > cap)
            cap = (size_t)whole;
        longer = realloc(call->reply, cap);
        if (!longer)
            return 0;
        call->reply = longer;
        call->reply_cap = cap;
    }
    memcpy(call->reply + call->reply_len, p, len);
    call->reply_len += len;
    return len;
}

static void set_tls(CURL *easy, const struct es_conf *conf)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, conf->verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, conf->verify ? 2L : 0L);
    if (conf->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, conf->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL); /* these authorities and no others */
#if LIBCURL_VERSION_NUM >= 0x075700
        curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L); /* a new file needs no restart */
#endif
    }
    curl_easy_setopt(easy, CURLOPT_KEYPASSWD, ""); /* without it OpenSSL asks at the terminal, and waits */
    if (conf->client_cert)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, conf->client_cert);
    if (conf->client_key)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, conf->client_key);
}

bool call_init(struct es_call *call, struct weir_ctx *ctx, const struct es_conf *conf)
{
    CURL *easy = curl_easy_init();
    memset(call, 0, sizeof *call);
    call->ctx = ctx;
    call->conf = conf;
    call->easy = easy;
    call->reply_max = 1 << 20;
    if (!easy)
        return false;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "weir");
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_BUFFER);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)conf->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(conf->timeout_ms < 5000 ? conf->timeout_ms : 5000));
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, 60L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* a stuck name server must not hold up the end */
#endif
    if (conf->compress == ES_COMPRESS_GZIP)
        curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_reply);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    set_tls(easy, conf);
    return true;
}

void call_free(struct es_call *call)
{
    if (call->easy)
        curl_easy_cleanup(call->easy);
    headers_wipe(call->headers);
    free(call->reply);
    if (call->deflate) {
        deflateEnd(call->deflate);
        free(call->deflate);
    }
    if (call->ctx)
        bytes_free(call->ctx, &call->gzip);
    memset(call, 0, sizeof *call);
}

/* Level 1: on log-like JSON level 6 saves a fifth more and takes more than twice the time. */
static bool compress_body(struct es_call *call, struct weir_slice body)
{
    z_stream *z = call->deflate;
    int rc;
    if (!z) {
        z = calloc(1, sizeof *z);
        if (!z || deflateInit2(z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
            free(z);
            return false;
        }
        call->deflate = z;
    }
    if (body.len > UINT32_MAX / 2)
        return false;
    deflateReset(z);
    call->gzip.len = 0;
    bytes_reserve(call->ctx, &call->gzip, deflateBound(z, body.len));
    z->next_in = (Bytef *)(uintptr_t)body.ptr; /* zlib's interface lacks the const, it only reads */
    z->avail_in = (uInt)body.len;
    z->next_out = (Bytef *)call->gzip.p;
    z->avail_out = (uInt)call->gzip.cap;
    rc = deflate(z, Z_FINISH);
    call->gzip.len = call->gzip.cap - z->avail_out;
    return rc == Z_STREAM_END;
}

static void set_method(CURL *easy, const struct es_request *req, struct weir_slice body)
{
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method == ES_DELETE ? "DELETE" : NULL);
    if (req->method == ES_GET) {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.len > 0 ? body.ptr : "");
}

bool call_prepare(struct es_call *call, const char *node_url, const struct es_request *req)
{
    char url[2 * ES_URL_MAX];
    size_t len = strlen(node_url);
    struct weir_slice body = req->body;
    bool gzip = call->conf->compress == ES_COMPRESS_GZIP && body.len > 0;
    const char *why = NULL;
    int n;
    call->reply_len = 0;
    call->reply_too_large = call->not_sent = false;
    call->code = CURLE_OK;
    call->status = 0;
    call->retry_after_ms = 0;
    call->error[0] = '\0';
    while (len > 0 && node_url[len - 1] == '/')
        len--;
    n = snprintf(url, sizeof url, "%.*s%s", (int)len, node_url, req->path);
    if (n < 0 || (size_t)n >= sizeof url)
        why = "the URL of the request is too long";
    else if (gzip && !compress_body(call, body))
        why = "the body cannot be compressed";
    if (!why)
        call->headers = headers_make(call->ctx, call->conf, req->type, gzip, &why);
    if (why) {
        call->not_sent = true;
        snprintf(call->error, sizeof call->error, "%s", why);
        return false;
    }
    if (gzip)
        body = (struct weir_slice){call->gzip.p, call->gzip.len};
    set_method(call->easy, req, body);
    curl_easy_setopt(call->easy, CURLOPT_URL, url);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
    return true;
}

void call_finish(struct es_call *call, CURLcode code)
{
    curl_off_t after = 0;
    call->code = code;
    if (!call->not_sent)
        curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &call->status);
    if (call->status > 0 && curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &after) == CURLE_OK &&
        after > 0)
        call->retry_after_ms = after < 600 ? (uint32_t)after * 1000 : 600000;
    if (code != CURLE_OK && call->error[0] == '\0')
        snprintf(call->error, sizeof call->error, "%s", curl_easy_strerror(code));
    if (call->status > 0)
        call->alerted = false;
    else if (strstr(call->error, "alert"))
        call->alerted = true;
    if (call->reply_too_large)
        snprintf(call->error, sizeof call->error, "the answer is larger than %zu bytes", call->reply_max);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
    headers_wipe(call->headers);
    call->headers = NULL;
    if (call->gzip.len > 0)
        bytes_clear(call->ctx, &call->gzip, 1 << 20);
}

char *call_take_reply(struct es_call *call, size_t *ret_len)
{
    char *p = call->reply;
    *ret_len = call->reply_len;
    call->reply = NULL;
    call->reply_len = call->reply_cap = 0;
    return p;
}
