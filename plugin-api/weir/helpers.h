/* SPDX-License-Identifier: BSD-2-Clause */
/* weir/helpers.h - comforts over plugin.h, all inline: no part of the ABI, use or leave.
 *
 * Option rows by type, formatted log lines and problems, slices from strings. */
#ifndef WEIR_HELPERS_H
#define WEIR_HELPERS_H

#include <weir/plugin.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- option rows: OPT_INT(struct my_conf, port, "port", "9200", 1, 65535, "Port of the server") -------------- */
#define WEIR_ROW_(T, f, ct, ty, fl, n, d, lo, hi, v, h, doc)                                                 \
    {                                                                                                        \
        n, ty, fl, WEIR_OFF(T, f, ct), 0, d, lo, hi, v, h, doc, "0.1"                                        \
    }
#define WEIR_OPT_STRING(T, f, n, fl, d, h, doc)                                                              \
    WEIR_ROW_(T, f, const char *, WEIR_T_STRING, fl, n, d, 0, 0, NULL, h, doc)
#define WEIR_OPT_INT(T, f, n, fl, d, lo, hi, h, doc)                                                         \
    WEIR_ROW_(T, f, int64_t, WEIR_T_INT, fl, n, d, lo, hi, NULL, h, doc)
#define WEIR_OPT_BOOL(T, f, n, fl, d, h, doc)                                                                \
    WEIR_ROW_(T, f, int64_t, WEIR_T_BOOL, fl, n, d, 0, 0, NULL, h, doc)
#define WEIR_OPT_DOUBLE(T, f, n, fl, d, lo, hi, h, doc)                                                      \
    WEIR_ROW_(T, f, double, WEIR_T_DOUBLE, fl, n, d, lo, hi, NULL, h, doc)
#define WEIR_OPT_SIZE(T, f, n, fl, d, lo, hi, h, doc)                                                        \
    WEIR_ROW_(T, f, int64_t, WEIR_T_SIZE, fl, n, d, lo, hi, NULL, h, doc)
#define WEIR_OPT_DURATION(T, f, n, fl, d, lo, hi, h, doc)                                                    \
    WEIR_ROW_(T, f, int64_t, WEIR_T_DURATION, fl, n, d, lo, hi, NULL, h, doc)
#define WEIR_OPT_ENUM(T, f, n, fl, d, values, h, doc)                                                        \
    WEIR_ROW_(T, f, int64_t, WEIR_T_ENUM, fl, n, d, 0, 0, values, h, doc)
#define WEIR_OPT_LIST(T, f, n, fl, d, h, doc)                                                                \
    WEIR_ROW_(T, f, struct weir_list, WEIR_T_LIST, fl, n, d, 0, 0, NULL, h, doc)
#define WEIR_OPT_MAP(T, f, n, fl, h, doc)                                                                    \
    WEIR_ROW_(T, f, struct weir_map, WEIR_T_MAP, fl, n, NULL, 0, 0, NULL, h, doc)
#define WEIR_OPT_SECRET(T, f, n, fl, h, doc)                                                                 \
    WEIR_ROW_(T, f, const struct weir_secret *, WEIR_T_SECRET, fl, n, NULL, 0, 0, NULL, h, doc)
#define WEIR_OPT_TEMPLATE(T, f, n, fl, d, h, doc)                                                            \
    WEIR_ROW_(T, f, const struct weir_template *, WEIR_T_TEMPLATE, fl, n, d, 0, 0, NULL, h, doc)
#define WEIR_OPT_EXPR(T, f, n, fl, d, h, doc)                                                                \
    WEIR_ROW_(T, f, const struct weir_expr *, WEIR_T_EXPR, fl, n, d, 0, 0, NULL, h, doc)
#define WEIR_OPT_PATH(T, f, n, fl, d, h, doc)                                                                \
    WEIR_ROW_(T, f, const struct weir_path *, WEIR_T_PATH, fl, n, d, 0, 0, NULL, h, doc)
#define WEIR_OPT_PATHS(T, f, n, fl, d, h, doc)                                                               \
    WEIR_ROW_(T, f, struct weir_paths, WEIR_T_PATHS, fl, n, d, 0, 0, NULL, h, doc)
#define WEIR_OPT_FIELDS(T, f, n, fl, values, h, doc)                                                         \
    WEIR_ROW_(T, f, struct weir_fields, WEIR_T_FIELDS, fl, n, NULL, 0, 0, values, h, doc)
#define WEIR_OPTIONS(T, rows)                                                                                \
    {                                                                                                        \
        sizeof(struct weir_options), sizeof(struct weir_option), sizeof(rows) / sizeof((rows)[0]),           \
            sizeof(T), rows                                                                                  \
    }
#define WEIR_METRICS(rows)                                                                                   \
    {                                                                                                        \
        sizeof(struct weir_metrics), sizeof(struct weir_metric), sizeof(rows) / sizeof((rows)[0]), 0, rows   \
    }

#if defined(__GNUC__)
#define WEIR_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define WEIR_PRINTF(f, a)
#endif

static inline struct weir_slice weir_str(const char *s)
{
    struct weir_slice r;
    r.ptr = s;
    r.len = s ? strlen(s) : 0;
    return r;
}

WEIR_PRINTF(3, 4) static inline void weir_logf(struct weir_ctx *ctx, int level, const char *format, ...)
{
    char text[1024];
    va_list ap;
    int n;
    va_start(ap, format);
    n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    ctx->host->log(ctx, level, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

WEIR_PRINTF(4, 5)
static inline void weir_problemf(struct weir_ctx *ctx, struct weir_problems *to, const char *option,
                                 const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    ctx->host->problem(to, option, text);
}

/* The status that a class of error leads to, for a record (or batch) tried attempt times before, sent together with
 * `together` records in all. */
static inline int32_t weir_error_status(const struct weir_error *row, uint32_t attempt, uint32_t together)
{
    switch (row->means) {
    case WEIR_CLASS_OK:
    case WEIR_CLASS_DUPLICATE:
        return WEIR_OK;
    case WEIR_CLASS_REJECT:
        return WEIR_REJECT;
    case WEIR_CLASS_FATAL:
        return WEIR_FATAL;
    case WEIR_CLASS_SPLIT:
        return together > 1 ? WEIR_SPLIT : WEIR_REJECT;
    default:
        return row->tries > 0 && attempt + 1 >= row->tries ? WEIR_REJECT : WEIR_RETRY;
    }
}

/* Attaches a reason to the callback's return and gives the status back: return weir_fail(ctx, WEIR_RETRY, 0, "..."). */
WEIR_PRINTF(4, 5)
static inline int weir_fail(struct weir_ctx *ctx, int status, uint32_t code, const char *format, ...)
{
    char text[1024];
    struct weir_result r;
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    memset(&r, 0, sizeof r);
    r.index = WEIR_ALL;
    r.status = status;
    r.code = code;
    r.why = text;
    ctx->host->fail(ctx, &r);
    return status;
}

#endif
