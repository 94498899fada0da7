/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - log lines, and what ends the process when it can not go on (log.h).
 *
 * Owns: stderr, by one lock: held while a line is written and while progress.c redraws.  A line is one write(2).
 * Per source of lines (`who`) the last text is kept, so that a broker that is down says so once and is counted after. */
#include "log.h"

#include "../record/json.h"
#include "../record/strbuf.h"
#include "clock.h"
#include "crash.h"
#include "redact.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX   8192
#define WHO_MAX    160
#define SOURCES    64
#define REPEAT_MS  10000
#define LEVEL_LAST WEIR_LOG_DEBUG

struct source { /* one `who` and its last line */
    char who[WHO_MAX];
    char *text;
    size_t len;
    int level;
    uint64_t repeats; /* swallowed since printed */
    int64_t printed_ms;
};

static const char *const levels[] = {"", "error", "warning", "notice", "info", "debug"};
static const char *const colours[] = {"", "\033[31m", "\033[33m", "\033[1m", "", "\033[2m"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t at_exit_once = PTHREAD_ONCE_INIT;
static int max_level = WEIR_LOG_INFO;
static bool as_json;
static void (*other_way)(int level, const char *text, size_t len);
static void (*hook_before)(void);
static void (*hook_after)(void);
static struct source sources[SOURCES];

bool log_set_level(const char *name)
{
    for (int i = WEIR_LOG_ERROR; i <= LEVEL_LAST; i++) {
        if (strcmp(levels[i], name) == 0) {
            max_level = i;
            return true;
        }
    }
    return false;
}

bool log_set_format(const char *name)
{
    bool json = strcmp(name, "json") == 0;
    if (!json && strcmp(name, "text") != 0)
        return false;
    as_json = json;
    return true;
}

bool log_enabled(int level)
{
    return level <= max_level;
}

int log_level(void)
{
    return max_level;
}

void log_set_other(int level, void (*other)(int level, const char *text, size_t len))
{
    max_level = level;
    other_way = other;
}

void log_set_hooks(void (*before)(void), void (*after)(void))
{
    log_lock();
    hook_before = before;
    hook_after = after;
    log_unlock();
}

void log_lock(void)
{
    pthread_mutex_lock(&lock);
}

void log_unlock(void)
{
    pthread_mutex_unlock(&lock);
}

static void write_all(const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(STDERR_FILENO, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* nowhere left to complain */
        p += done;
        n -= (size_t)done;
    }
}

/* A line is one line whatever a peer put into its error text, and can not drive a terminal. */
static void add_visible(struct strbuf *out, const char *p, size_t n)
{
    while (n > 0) {
        size_t good = json_utf8_prefix(p, n);
        for (size_t i = 0; i < good; i++) {
            unsigned char c = (unsigned char)p[i];
            if (c == '\n')
                strbuf_str(out, "\\n");
            else if (c < 0x20 || c == 0x7f)
                strbuf_printf(out, "\\x%02x", c);
            else
                strbuf_char(out, (char)c);
        }
        if (good < n)
            strbuf_printf(out, "\\x%02x", (unsigned char)p[good++]);
        p += good;
        n -= good;
    }
}

void log_quote(struct strbuf *out, const char *p, size_t n)
{
    struct strbuf clean = {0};
    while (n > 0) {
        size_t good = json_utf8_prefix(p, n);
        strbuf_add(&clean, p, good);
        if (good < n) {
            strbuf_str(&clean, "\xef\xbf\xbd"); /* U+FFFD */
            good++;
        }
        p += good;
        n -= good;
    }
    const char *bytes = clean.len ? clean.data : "";
    size_t len = json_quote(NULL, bytes, clean.len);
    char *room = strbuf_reserve(out, len);
    json_quote(room, bytes, clean.len);
    out->len += len;
    strbuf_free(&clean);
}

static void add_time(struct strbuf *out, bool date)
{
    int64_t ms = clock_wall_ms();
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, date ? "%Y-%m-%dT%H:%M:%S" : "%H:%M:%S", &tm);
    strbuf_str(out, text);
    if (date)
        strbuf_printf(out, ".%03dZ", (int)(ms % 1000));
}

/* who is "web", "web [sink es]" or empty */
static void build_json(struct strbuf *out, int level, const char *who, const char *text, size_t len)
{
    const char *section = strstr(who, " [");
    size_t pipeline = section ? (size_t)(section - who) : strlen(who);
    strbuf_str(out, "{\"time\":\"");
    add_time(out, true);
    strbuf_printf(out, "\",\"level\":\"%s\"", levels[level]);
    if (pipeline > 0) {
        strbuf_str(out, ",\"pipeline\":");
        log_quote(out, who, pipeline);
    }
    if (section) {
        size_t n = strlen(section + 2);
        strbuf_str(out, ",\"section\":");
        log_quote(out, section + 2, n > 0 && section[1 + n] == ']' ? n - 1 : n);
    }
    strbuf_str(out, ",\"text\":");
    log_quote(out, text, len);
    strbuf_str(out, "}\n");
}

static void build_text(struct strbuf *out, int level, const char *who, const char *text, size_t len)
{
    bool terminal = isatty(STDERR_FILENO);
    const char *no_color = getenv("NO_COLOR");
    bool colour = terminal && !(no_color && no_color[0]) && colours[level][0];
    add_time(out, !terminal);
    strbuf_printf(out, " %s%s%s", colour ? colours[level] : "", levels[level], colour ? "\033[0m" : "");
    if (who[0]) {
        strbuf_char(out, ' ');
        add_visible(out, who, strlen(who));
    }
    strbuf_str(out, ": ");
    add_visible(out, text, len);
    strbuf_char(out, '\n');
}

static void print_line(int level, const char *who, const char *text, size_t len)
{
    struct strbuf line = {0};
    if (as_json)
        build_json(&line, level, who, text, len);
    else
        build_text(&line, level, who, text, len);
    if (hook_before)
        hook_before();
    write_all(line.data, line.len);
    if (hook_after)
        hook_after();
    strbuf_free(&line);
}

static void flush_source(struct source *source)
{
    char text[TEXT_MAX + 64];
    if (source->repeats == 0)
        return;
    int n = snprintf(text, sizeof text, "repeated %llu times: %.*s", (unsigned long long)source->repeats,
                     (int)source->len, source->text);
    source->repeats = 0;
    if (n > 0)
        print_line(source->level, source->who, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void log_flush(void)
{
    log_lock();
    for (size_t i = 0; i < SOURCES; i++) {
        flush_source(&sources[i]);
        free(sources[i].text);
        memset(&sources[i], 0, sizeof sources[i]);
    }
    log_unlock();
}

static void register_flush(void)
{
    (void)atexit(log_flush);
}

/* The slot of who: its own, a free one, or that of the source which has been silent longest. */
static struct source *find_source(const char *who)
{
    struct source *best = &sources[0];
    for (size_t i = 0; i < SOURCES; i++) {
        if (sources[i].text && strcmp(sources[i].who, who) == 0)
            return &sources[i];
        if (!sources[i].text)
            best = best->text ? &sources[i] : best;
        else if (best->text && sources[i].printed_ms < best->printed_ms)
            best = &sources[i];
    }
    return best;
}

static void remember(struct source *source, int level, const char *who, const char *text, size_t len,
                     int64_t now)
{
    free(source->text);
    source->text = xmalloc(len + 1);
    memcpy(source->text, text, len);
    source->len = len;
    source->level = level;
    source->printed_ms = now;
    snprintf(source->who, sizeof source->who, "%s", who);
}

void log_text(int level, const char *who, const char *text, size_t len)
{
    if (level < WEIR_LOG_ERROR)
        level = WEIR_LOG_ERROR;
    if (!log_enabled(level) || level > LEVEL_LAST)
        return;
    pthread_once(&at_exit_once, register_flush);
    struct strbuf masked = {0};
    char name[WHO_MAX];
    snprintf(name, sizeof name, "%s", who ? who : "");
    redact_text(text, len, &masked); /* before the cut, so that a value across its edge is masked too */
    if (masked.len > TEXT_MAX) {
        masked.len = TEXT_MAX - 3;
        strbuf_str(&masked, "...");
    }
    int64_t now = clock_mono_ms();
    const char *bytes = masked.len ? masked.data : "";
    if (other_way) {
        other_way(level, bytes, masked.len);
        strbuf_free(&masked);
        return;
    }
    log_lock();
    struct source *source = find_source(name);
    bool same = source->text && strcmp(source->who, name) == 0 && source->level == level &&
                source->len == masked.len && memcmp(source->text, bytes, masked.len) == 0;
    if (same && (source->repeats > 0 || now - source->printed_ms < REPEAT_MS)) {
        source->repeats++;
        if (now - source->printed_ms >= REPEAT_MS) { /* the line itself, said again, would say it twice */
            flush_source(source);
            source->printed_ms = now;
        }
    } else {
        flush_source(source);
        print_line(level, name, bytes, masked.len);
        remember(source, level, name, bytes, masked.len, now);
    }
    log_unlock();
    strbuf_free(&masked);
}

void log_line(int level, const char *who, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list ap;
    if (!log_enabled(level))
        return;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n >= 0)
        log_text(level, who, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

/* Takes no lock and allocates nothing: it may be called from anywhere, memory gone included. */
void die(const char *format, ...)
{
    char text[1024] = "weir: ";
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text + 6, sizeof text - 8, format, ap);
    va_end(ap);
    size_t n = strlen(text);
    text[n] = '\n';
    write_all(text, n + 1);
    crash_expected();
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        die("out of memory (%zu bytes wanted)", n);
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        die("out of memory (%zu times %zu bytes wanted)", count, size);
    return p;
}

void *xrealloc(void *p, size_t n)
{
    void *moved = realloc(p, n ? n : 1);
    if (!moved)
        die("out of memory (%zu bytes wanted)", n);
    return moved;
}

char *xstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(xmalloc(n), s, n);
}
