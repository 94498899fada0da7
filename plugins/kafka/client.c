/* SPDX-License-Identifier: BSD-2-Clause */
/* client.c - how a client of librdkafka shows who it is and whom it trusts, and how often it tries.
 *
 * Owns the gate of a client: what its callbacks share with the home thread, under a lock, until the client is
 * destroyed.  Each connection passes it: the password is read again, a new one is handed over before anything is sent
 * with the old, and while we are refused, or refuse, an address is tried once in KAFKA_SLOW_MS, so that no account is
 * locked.  kafka_client_*: home thread, but kafka_client_end, which may be called on any.  Callbacks: broker threads,
 * which hold a lock of librdkafka meanwhile: they call nothing of it. */
#include "kafka.h"

#include "../common/keyfile.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define GATE_ADDRESSES  64u /* that are told apart; more share the oldest's place */
#define GATE_SECRET_MAX 4096u

struct gate_address {
    unsigned char bytes[28]; /* the start of a sockaddr: family, port, address */
    int64_t tried_ms;
};

struct gate {
    pthread_mutex_t lock;
    struct weir_ctx *ctx; /* NULL: closed, nobody connects any more */
    const struct kafka_access *access;
    bool slow;           /* somebody refused: the other end us, or we its certificate */
    bool changed;        /* the password is another; kafka_client_tick hands it over */
    uint64_t mark;       /* of the password that librdkafka has */
    char why[KAFKA_WHY]; /* why a certificate was refused last; empty: none was */
    struct gate_address addresses[GATE_ADDRESSES];
};

static int64_t gate_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the password -------------------------------------------------------------------------------------------- */
struct password {
    char text[GATE_SECRET_MAX + 1];
    uint64_t mark; /* FNV-1a: tells that it changed, without keeping it */
};

static void password_take(void *opaque, struct weir_slice secret)
{
    struct password *p = opaque;
    const unsigned char *bytes = secret.ptr;
    size_t n = secret.len < GATE_SECRET_MAX ? secret.len : GATE_SECRET_MAX;
    while (n > 0 && (bytes[n - 1] == '\n' || bytes[n - 1] == '\r'))
        n--;
    p->mark = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++)
        p->mark = (p->mark ^ bytes[i]) * UINT64_C(1099511628211);
    if (n > 0)
        memcpy(p->text, bytes, n);
    p->text[n] = '\0';
}

/* False: unreadable, the host has said why.  The caller wipes it. */
static bool password_read(struct weir_ctx *ctx, const struct kafka_access *a, struct password *p)
{
    return ctx->host->secret(ctx, a->password, password_take, p) == WEIR_OK;
}

/* 0: it is the one librdkafka has.  Under the lock. */
static int gate_password(struct gate *g)
{
    struct password p = {.mark = g->mark};
    if (!g->access->password)
        return 0;
    bool good = password_read(g->ctx, g->access, &p), same = p.mark == g->mark;
    explicit_bzero(&p, sizeof p);
    if (!good)
        return EACCES;
    if (same)
        return 0;
    g->changed = true;
    g->ctx->host->wake(g->ctx);
    return EAGAIN;
}

/* ---- callbacks of librdkafka --------------------------------------------------------------------------------- */
static struct gate_address *gate_address(struct gate *g, const struct sockaddr *addr, socklen_t len)
{
    unsigned char key[sizeof g->addresses[0].bytes] = {0};
    struct gate_address *oldest = g->addresses;
    memcpy(key, addr, len < sizeof key ? len : sizeof key);
    for (unsigned i = 0; i < GATE_ADDRESSES; i++) {
        struct gate_address *a = &g->addresses[i];
        if (memcmp(a->bytes, key, sizeof key) == 0)
            return a;
        if (a->tried_ms < oldest->tried_ms)
            oldest = a;
    }
    memcpy(oldest->bytes, key, sizeof key);
    oldest->tried_ms = 0;
    return oldest;
}

static int gate_pass(struct gate *g, const struct sockaddr *addr, socklen_t len)
{
    (void)pthread_mutex_lock(&g->lock);
    int r = g->ctx ? gate_password(g) : ECANCELED;
    if (r == 0) {
        struct gate_address *a = gate_address(g, addr, len);
        int64_t now = gate_now();
        if (g->slow && a->tried_ms != 0 && now - a->tried_ms < KAFKA_SLOW_MS)
            r = EAGAIN;
        else
            a->tried_ms = now;
    }
    (void)pthread_mutex_unlock(&g->lock);
    return r;
}

static int gate_connect(int fd, const struct sockaddr *addr, int len, const char *id, void *opaque)
{
    (void)id;
    int r = gate_pass(opaque, addr, (socklen_t)len);
    if (r == 0 && connect(fd, addr, (socklen_t)len) != 0 && errno != EINPROGRESS)
        r = errno;
    return r;
}

/* The numbers are OpenSSL's X509_V_ERR_*, which librdkafka hands through. */
static const char *certificate_why(int error)
{
    switch (error) {
    case 9:
        return "is not valid yet; is this machine's clock right?";
    case 10:
        return "has expired; it has to be renewed there";
    case 2:
    case 18:
    case 19:
    case 20:
    case 21:
        return "is of an authority that is not trusted here; name that authority in ca-file";
    case 62:
    case 64:
        return "is made out to another name; brokers must list, and brokers advertise, a name that stands in "
               "it";
    case 23:
        return "has been revoked";
    default:
        return NULL;
    }
}

/* OpenSSL's verdict stands; only here is it told, and not in the error that follows. */
static int gate_verify(rd_kafka_t *rk, const char *broker, int32_t id, int *error, int depth, const char *der,
                       size_t size, char *errstr, size_t errstr_size, void *opaque)
{
    struct gate *g = opaque;
    const char *why = certificate_why(*error);
    (void)rk, (void)id, (void)depth, (void)der, (void)size;
    if (*error == 0)
        return 1;
    (void)pthread_mutex_lock(&g->lock);
    if (why)
        (void)snprintf(g->why, sizeof g->why, "%s: the certificate %s", broker, why);
    else
        (void)snprintf(g->why, sizeof g->why, "%s: the certificate is refused (X509 error %d)", broker,
                       *error);
    (void)snprintf(errstr, errstr_size, "%s", g->why);
    (void)pthread_mutex_unlock(&g->lock);
    return 0;
}

/* ---- life ---------------------------------------------------------------------------------------------------- */
static void gate_free(struct gate *g)
{
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
}

/* Sets the password as it is now; one that can not be read is asked for again with each connection. */
static bool client_password(struct gate *g, rd_kafka_conf_t *conf, char *why, size_t why_size)
{
    struct password p = {.mark = 0};
    if (!g->access->password)
        return true;
    bool good = !password_read(g->ctx, g->access, &p) ||
                rd_kafka_conf_set(conf, "sasl.password", p.text, NULL, 0) == RD_KAFKA_CONF_OK;
    g->mark = p.mark;
    explicit_bzero(&p, sizeof p);
    if (!good)
        (void)snprintf(why, why_size, "librdkafka refuses the password");
    return good;
}

static void client_warn(struct weir_ctx *ctx, const struct kafka_access *a)
{
    if (!a->verify)
        weir_logf(ctx, WEIR_LOG_WARNING, "verify = no: anybody on the way can read and change what is sent");
    keyfile_warn(ctx, "client-key", a->client_key ? a->client_key : a->client_cert);
    for (size_t i = 0; i < a->rdkafka.count; i++)
        if (strcmp(a->rdkafka.items[i].name, "ssl.key.location") == 0 ||
            strcmp(a->rdkafka.items[i].name, "ssl.keystore.location") == 0)
            keyfile_warn(ctx, "rdkafka.ssl key", a->rdkafka.items[i].value);
}

rd_kafka_t *kafka_client_new(struct weir_ctx *ctx, const struct kafka_access *access, rd_kafka_type_t type,
                             rd_kafka_conf_t *conf, char *why, size_t why_size)
{
    rd_kafka_t *rk = NULL;
    struct gate *g = calloc(1, sizeof *g);
    if (!g) {
        (void)snprintf(why, why_size, "out of memory");
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    (void)pthread_mutex_init(&g->lock, NULL);
    g->ctx = ctx;
    g->access = access;
    rd_kafka_conf_set_opaque(conf, g);
    rd_kafka_conf_set_connect_cb(conf, gate_connect);
    (void)rd_kafka_conf_set_ssl_cert_verify_cb(conf, gate_verify); /* a librdkafka without TLS has none */
    client_warn(ctx, access);
    if (client_password(g, conf, why, why_size))
        rk = rd_kafka_new(type, conf, why, why_size);
    if (!rk) {
        rd_kafka_conf_destroy(conf);
        gate_free(g);
    }
    return rk;
}

void kafka_client_tick(rd_kafka_t *rk)
{
    struct gate *g = rd_kafka_opaque(rk);
    struct password p = {.mark = 0};
    (void)pthread_mutex_lock(&g->lock);
    bool changed = g->changed && password_read(g->ctx, g->access, &p);
    if (changed) {
        weir_logf(g->ctx, WEIR_LOG_NOTICE, "the password is another now: new connections use it");
        g->mark = p.mark;
        memset(g->addresses, 0, sizeof g->addresses);
    }
    g->changed = false;
    (void)pthread_mutex_unlock(&g->lock);
    if (changed) /* it takes the locks that a broker thread holds while it waits for ours */
        rd_kafka_error_destroy(rd_kafka_sasl_set_credentials(rk, g->access->username, p.text));
    explicit_bzero(&p, sizeof p);
}

void kafka_client_slow(rd_kafka_t *rk, bool slow)
{
    struct gate *g = rd_kafka_opaque(rk);
    (void)pthread_mutex_lock(&g->lock);
    g->slow = slow;
    if (!slow)
        g->why[0] = '\0';
    (void)pthread_mutex_unlock(&g->lock);
}

bool kafka_client_is_slow(rd_kafka_t *rk)
{
    struct gate *g = rd_kafka_opaque(rk);
    (void)pthread_mutex_lock(&g->lock);
    bool slow = g->slow;
    (void)pthread_mutex_unlock(&g->lock);
    return slow;
}

bool kafka_client_refused(rd_kafka_t *rk, char *why, size_t size)
{
    struct gate *g = rd_kafka_opaque(rk);
    (void)pthread_mutex_lock(&g->lock);
    bool refused = g->why[0] != '\0';
    if (refused)
        (void)snprintf(why, size, "%s", g->why);
    (void)pthread_mutex_unlock(&g->lock);
    return refused;
}

void kafka_client_close(rd_kafka_t *rk)
{
    struct gate *g = rd_kafka_opaque(rk);
    (void)pthread_mutex_lock(&g->lock);
    g->ctx = NULL;
    (void)pthread_mutex_unlock(&g->lock);
}

void kafka_client_end(rd_kafka_t *rk, int flags)
{
    struct gate *g = rd_kafka_opaque(rk);
    rd_kafka_destroy_flags(rk, flags);
    gate_free(g);
}
