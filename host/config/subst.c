/* SPDX-License-Identifier: BSD-2-Clause */
/* subst.c - references in values and lending of secrets (subst.h). */
#include "subst.h"

#include "../report/log.h"
#include "../report/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_MAX_BYTES 4096

static bool expand_env(const char *name, struct strbuf *out, char *why, size_t cap)
{
    const char *value = getenv(name);
    if (!value)
        snprintf(why, cap, "${env:%s}: the environment variable %s is not set", name, name);
    else
        strbuf_str(out, value);
    return value != NULL;
}

/* Appends the file's bytes without one line feed at the end. */
static bool read_file(int fd, struct strbuf *out, const char **ret_why)
{
    size_t start = out->len;
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        *ret_why = "it is no regular file";
        return false;
    }
    for (;;) {
        char *room = strbuf_reserve(out, SUBST_FILE_MAX + 1 - (out->len - start));
        ssize_t n = read(fd, room, SUBST_FILE_MAX + 1 - (out->len - start));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            *ret_why = strerror(errno);
            return false;
        }
        if (n == 0)
            break;
        out->len += (size_t)n;
        if (out->len - start > SUBST_FILE_MAX) {
            *ret_why = "it is larger than 64 KiB";
            return false;
        }
    }
    if (memchr(out->data + start, 0, out->len - start)) {
        *ret_why = "it holds a NUL byte";
        return false;
    }
    if (out->len > start && out->data[out->len - 1] == '\n')
        out->len--;
    return true;
}

static bool expand_file(const char *path, struct strbuf *out, char *why, size_t cap)
{
    const char *reason = NULL;
    if (path[0] != '/') {
        snprintf(why, cap, "${file:%s}: the path must begin with /", path);
        return false;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang weir check */
    if (fd < 0) {
        snprintf(why, cap, "${file:%s}: %s", path, strerror(errno));
        return false;
    }
    bool good = read_file(fd, out, &reason);
    if (!good)
        snprintf(why, cap, "${file:%s}: %s", path, reason);
    close(fd);
    return good;
}

static struct stand_in {
    struct stand_in *after;
    char *name, *text; /* "env:NAME" */
} * stand_ins, **last_stand_in = &stand_ins;

void subst_stand_in(const char *kind, const char *name, const char *text)
{
    struct stand_in *s = xcalloc(1, sizeof *s);
    struct strbuf full = {0};
    strbuf_printf(&full, "%s:%s", kind, name);
    *s = (struct stand_in){.name = full.data, .text = xstrdup(text)};
    *last_stand_in = s;
    last_stand_in = &s->after;
}

static const char *stood_in_for(const char *name)
{
    for (const struct stand_in *s = stand_ins; s; s = s->after)
        if (strcmp(s->name, name) == 0)
            return s->text;
    return NULL;
}

/* One reference, text behind "${" up to before "}". */
static bool expand_one(const char *text, size_t len, struct strbuf *out, bool *ret_secret, char *why,
                       size_t cap)
{
    char name[NAME_MAX_BYTES];
    size_t start = out->len;
    bool good;
    if (len >= sizeof name) {
        snprintf(why, cap, "a ${...} is longer than %d bytes", NAME_MAX_BYTES - 1);
        return false;
    }
    memcpy(name, text, len);
    name[len] = 0;
    const char *instead = stood_in_for(name);
    if (instead) {
        strbuf_str(out, instead);
        return true;
    }
    if (strncmp(name, "env:", 4) == 0 && name[4]) {
        good = expand_env(name + 4, out, why, cap);
    } else if (strncmp(name, "file:", 5) == 0 && name[5]) {
        good = expand_file(name + 5, out, why, cap);
    } else {
        snprintf(why, cap,
                 "${%s} is not known; there are ${env:NAME} and ${file:/path}, and $${ is a literal ${",
                 name);
        return false;
    }
    if (good && out->len > start)
        redact_add(out->data + start, out->len - start);
    *ret_secret |= good;
    return good;
}

bool subst_expand(const char *text, size_t len, struct strbuf *out, bool *ret_secret, char *why, size_t cap)
{
    const char *end = text + len, *at = text;
    size_t start = out->len;
    *ret_secret = false;
    while (at < end) {
        const char *dollar = memchr(at, '$', (size_t)(end - at));
        if (!dollar || end - dollar < 2) {
            strbuf_add(out, at, (size_t)(end - at));
            break;
        }
        strbuf_add(out, at, (size_t)(dollar - at));
        if (end - dollar >= 3 && dollar[1] == '$' && dollar[2] == '{') {
            strbuf_str(out, "${");
            at = dollar + 3;
        } else if (dollar[1] != '{') {
            strbuf_char(out, '$');
            at = dollar + 1;
        } else {
            const char *close = memchr(dollar, '}', (size_t)(end - dollar));
            if (!close)
                snprintf(why, cap, "\"${\" has no \"}\"; write $${ for a literal ${");
            if (!close || !expand_one(dollar + 2, (size_t)(close - dollar) - 2, out, ret_secret, why, cap)) {
                out->len = start;
                return false;
            }
            at = close + 1;
        }
    }
    return true;
}

int secret_use(const struct weir_secret *secret, void (*use)(void *opaque, struct weir_slice), void *opaque)
{
    struct strbuf bytes = {0};
    char why[512];
    bool replaced;
    /* all the room at once: growing would leave copies behind that nobody wipes */
    strbuf_reserve(&bytes, secret->len + 2 * SUBST_FILE_MAX + 16);
    bool good = subst_expand(secret->recipe, secret->len, &bytes, &replaced, why, sizeof why);
    if (good) {
        struct weir_slice lent = {bytes.data, bytes.len};
        redact_add(bytes.data, bytes.len);
        use(opaque, lent);
    } else {
        log_line(WEIR_LOG_ERROR, NULL, "%s: %s", secret->where, why);
    }
    explicit_bzero(bytes.data, bytes.room);
    strbuf_free(&bytes);
    return good ? WEIR_OK : WEIR_RETRY;
}
