/* SPDX-License-Identifier: BSD-2-Clause */
/* auth.c - the headers of one request, made from secrets that are read afresh for it and wiped after it.
 *
 * A request in flight when a password changes keeps the old one; the next has the new one.
 * Thread: the home thread of the instance. */
#include "es.h"

struct header {
    const struct es_conf *conf;
    struct curl_slist *list;
    const char *why;
    size_t len;
    char text[ES_HEADER_MAX];
};

/* True when p may stand in a header. */
static bool is_clean(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f)
            return false;
    return true;
}

static void add_header(struct header *h, const char *text)
{
    struct curl_slist *longer = curl_slist_append(h->list, text);
    if (longer)
        h->list = longer;
    else
        h->why = "out of memory";
}

/* A secret that came from a file often ends in a line feed that is not part of it. */
static struct weir_slice without_line_end(struct weir_slice s)
{
    while (s.len > 0 &&
           (((const char *)s.ptr)[s.len - 1] == '\n' || ((const char *)s.ptr)[s.len - 1] == '\r'))
        s.len--;
    return s;
}

static void use_password(void *opaque, struct weir_slice secret)
{
    struct header *h = opaque;
    char pair[ES_SECRET_MAX + 512];
    size_t user = strlen(h->conf->username), n;
    secret = without_line_end(secret);
    if (user > 511 || secret.len > ES_SECRET_MAX) {
        h->why = "username or password is too long";
        return;
    }
    memcpy(pair, h->conf->username, user);
    pair[user] = ':';
    if (secret.len > 0)
        memcpy(pair + user + 1, secret.ptr, secret.len);
    n = (size_t)snprintf(h->text, sizeof h->text, "Authorization: Basic ");
    bytes_base64(pair, user + 1 + secret.len, h->text + n);
    explicit_bzero(pair, sizeof pair);
    add_header(h, h->text);
    explicit_bzero(h->text, sizeof h->text);
}

static void use_api_key(void *opaque, struct weir_slice secret)
{
    struct header *h = opaque;
    size_t n = (size_t)snprintf(h->text, sizeof h->text, "Authorization: ApiKey ");
    secret = without_line_end(secret);
    if (secret.len == 0 || secret.len > ES_SECRET_MAX || !is_clean(secret.ptr, secret.len)) {
        h->why = "api-key is empty, too long or holds a control character";
        return;
    }
    if (memchr(secret.ptr, ':', secret.len)) { /* id:key; the encoded form holds no colon */
        bytes_base64(secret.ptr, secret.len, h->text + n);
    } else {
        memcpy(h->text + n, secret.ptr, secret.len);
        h->text[n + secret.len] = '\0';
    }
    add_header(h, h->text);
    explicit_bzero(h->text, sizeof h->text);
}

static void add_authorization(struct weir_ctx *ctx, struct header *h)
{
    const struct es_conf *conf = h->conf;
    if (conf->api_key) {
        if (ctx->host->secret(ctx, conf->api_key, use_api_key, h) != WEIR_OK)
            h->why = "api-key cannot be read";
    } else if (conf->username) {
        if (!conf->password)
            use_password(h, weir_str(""));
        else if (ctx->host->secret(ctx, conf->password, use_password, h) != WEIR_OK)
            h->why = "password cannot be read";
    }
}

struct curl_slist *headers_make(struct weir_ctx *ctx, const struct es_conf *conf, const char *type, bool gzip,
                                const char **why)
{
    struct header h;
    memset(&h, 0, offsetof(struct header, text));
    h.conf = conf;
    add_header(&h, "Expect:"); /* waiting for 100 Continue costs a round trip */
    if (type) {
        snprintf(h.text, sizeof h.text, "Content-Type: %s", type);
        add_header(&h, h.text);
    }
    if (gzip)
        add_header(&h, "Content-Encoding: gzip");
    add_authorization(ctx, &h);
    if (h.why) {
        *why = h.why;
        headers_wipe(h.list);
        return NULL;
    }
    return h.list;
}

void headers_wipe(struct curl_slist *list)
{
    for (struct curl_slist *at = list; at; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(list);
}
