/* SPDX-License-Identifier: BSD-2-Clause */
/* ini.c - the reader in front of inih (ini.h).
 *
 * inih pulls lines through next_line().  That function keeps the raw line, reports what is wrong with it, sends
 * section headers on itself, and shows inih only "key = 1"; when inih then calls take_key(), the value comes from
 * the raw line. */
#include "ini.h"

#include "../record/json.h"
#include "../record/strbuf.h"
#include "../report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct reader {
    const char *next, *end;
    int line;
    const struct ini_handler *handler;
    struct problems *problems;
    bool in_section;   /* a header was seen, good or bad */
    bool offered;      /* inih was shown a key and has not called back yet */
    size_t key_indent; /* of the last key line; SIZE_MAX: none in this section */
    const char *value; /* of the offered key, trimmed */
    size_t value_len;
};

struct text { /* a run of bytes of the line */
    const char *p;
    size_t n;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct text trim(struct text t)
{
    while (t.n > 0 && is_blank(t.p[0])) {
        t.p++;
        t.n--;
    }
    while (t.n > 0 && is_blank(t.p[t.n - 1]))
        t.n--;
    return t;
}

/* What precedes a comment: `;` or `#` after white space, outside double quotes.  A backslash inside quotes keeps the
 * next byte from ending them.  *ret_open: a quote is still open and text that looks like a comment follows it. */
static struct text cut_comment(struct text t, bool *ret_open)
{
    bool quoted = false, maybe = false;
    *ret_open = false;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        bool opens = (c == ';' || c == '#') && (i == 0 || is_blank(t.p[i - 1]));
        if (opens && !quoted)
            return trim((struct text){t.p, i});
        if (opens)
            maybe = true;
        if (c == '"') {
            quoted = !quoted;
            maybe = false;
        } else if (c == '\\' && quoted) {
            i++;
        }
    }
    *ret_open = quoted && maybe;
    return t;
}

/* The inside of one quoted string that is the whole of t, else t. */
static struct text strip_quotes(struct text t)
{
    if (t.n < 2 || t.p[0] != '"' || t.p[t.n - 1] != '"')
        return t;
    for (size_t i = 1; i + 1 < t.n; i++) {
        if (t.p[i] == '"')
            return t;
        if (t.p[i] == '\\')
            i++;
        if (i + 1 >= t.n)
            return t; /* the last quote is escaped */
    }
    return (struct text){t.p + 1, t.n - 2};
}

static bool usable(struct reader *reader, struct text line)
{
    const char *nul = memchr(line.p, 0, line.n);
    size_t good = json_utf8_prefix(line.p, line.n);
    if (nul) {
        problem_add(reader->problems, reader->line, NULL, "a NUL byte at column %zu; is this a text file?",
                    (size_t)(nul - line.p) + 1);
        return false;
    }
    if (good < line.n) {
        problem_add(reader->problems, reader->line, NULL,
                    "byte 0x%02x at column %zu is not UTF-8; save the file in UTF-8",
                    (unsigned char)line.p[good], good + 1);
        return false;
    }
    const char *cr = memchr(line.p, '\r', line.n);
    if (cr) {
        problem_add(reader->problems, reader->line, NULL, "a carriage return at column %zu, inside the line",
                    (size_t)(cr - line.p) + 1);
        return false;
    }
    return true;
}

static void take_section(struct reader *reader, struct text line)
{
    char title[INI_SECTION_MAX + 1];
    const char *close = memchr(line.p, ']', line.n);
    reader->in_section = true;
    reader->key_indent = SIZE_MAX;
    if (!close) {
        problem_add(reader->problems, reader->line, NULL, "the section header has no \"]\"");
        return;
    }
    struct text inside = trim((struct text){line.p + 1, (size_t)(close - line.p) - 1});
    struct text after = trim((struct text){close + 1, (size_t)(line.p + line.n - close) - 1});
    if (after.n > 0 && after.p[0] != ';' && after.p[0] != '#') {
        problem_add(reader->problems, reader->line, NULL,
                    "something follows the section header; only a comment may stand there");
    } else if (inside.n == 0 || inside.n > INI_SECTION_MAX) {
        problem_add(reader->problems, reader->line, NULL,
                    "a section header has 1 to %d bytes between its brackets", INI_SECTION_MAX);
    } else {
        memcpy(title, inside.p, inside.n);
        title[inside.n] = 0;
        reader->handler->section(reader->handler->opaque, reader->line, title);
    }
}

/* In quotes all but what inih takes for the end of a name. */
static bool key_takes(char c, bool quoted, bool dotted)
{
    if (quoted)
        return (unsigned char)c >= 0x20 && c != '=' && c != ':' && c != ';' && c != '#';
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || (dotted && (c == '[' || c == ']' || c == '"'));
}

static bool key_is_good(struct reader *reader, struct text key)
{
    bool good = key.n > 0 && key.n <= INI_KEY_MAX, quoted = false, dotted = false;
    for (size_t i = 0; good && i < key.n; i++) {
        char c = key.p[i];
        good = key_takes(c, quoted, dotted);
        if (c == '"' && !(quoted && key.p[i - 1] == '\\'))
            quoted = !quoted;
        dotted |= c == '.';
    }
    good = good && !quoted;
    if (!good)
        problem_add(
            reader->problems, reader->line, NULL,
            "\"%.*s\" is no option name: 1 to %d letters, digits and . - _ are, behind a dot also [0] and a "
            "\"name in quotes\" without = : ; #",
            (int)(key.n < 60 ? key.n : 60), key.p, INI_KEY_MAX);
    return good;
}

/* Splits and checks a key line; true when inih shall see it. */
static bool take_key_line(struct reader *reader, struct text raw, struct text *ret_key)
{
    struct text line = trim(raw);
    size_t indent = (size_t)(line.p - raw.p);
    const char *equals = memchr(line.p, '=', line.n);
    bool open;
    if (reader->key_indent != SIZE_MAX && indent > reader->key_indent) {
        problem_add(
            reader->problems, reader->line, NULL,
            "this line is indented like the continuation of the one above, and values do not continue; "
            "write the value on one line, or remove the white space in front of a new option");
        return false;
    }
    if (!equals) {
        problem_add(reader->problems, reader->line, NULL, "no \"=\": an option reads NAME = VALUE");
        return false;
    }
    struct text key = trim((struct text){line.p, (size_t)(equals - line.p)});
    struct text value = trim((struct text){equals + 1, (size_t)(line.p + line.n - equals) - 1});
    reader->key_indent = indent;
    if (!key_is_good(reader, key))
        return false;
    if (!reader->in_section) {
        problem_add(reader->problems, reader->line, NULL,
                    "\"%.*s\" stands before any section; put [pipeline] or [source] above it", (int)key.n,
                    key.p);
        return false;
    }
    value = cut_comment(value, &open);
    if (open) {
        problem_add(
            reader->problems, reader->line, NULL,
            "\"%.*s\": a double quote is open where a comment seems to begin; close the quote, or put the "
            "whole value into quotes",
            (int)key.n, key.p);
        return false;
    }
    value = strip_quotes(value);
    if (value.n > INI_VALUE_MAX) {
        problem_add(reader->problems, reader->line, NULL,
                    "the value of \"%.*s\" has %zu bytes; at most %zu are allowed", (int)key.n, key.p,
                    value.n, INI_VALUE_MAX);
        return false;
    }
    reader->value = value.p;
    reader->value_len = value.n;
    *ret_key = key;
    return true;
}

/* The next line as it stands, without its end. */
static struct text raw_line(struct reader *reader)
{
    struct text line = {reader->next, 0};
    const char *feed = memchr(reader->next, '\n', (size_t)(reader->end - reader->next));
    const char *stop = feed ? feed : reader->end;
    line.n = (size_t)(stop - reader->next);
    reader->next = feed ? feed + 1 : reader->end;
    reader->line++;
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    return line;
}

/* inih calls back before it asks for the next line, unless it did not understand this one. */
static void check_answered(struct reader *reader)
{
    if (reader->offered)
        problem_add(reader->problems, reader->line, NULL, "this line can not be read as NAME = VALUE");
    reader->offered = false;
}

/* An ini_reader: gives inih a line of at most size - 1 bytes, NULL at the end. */
static char *next_line(char *out, int size, void *stream)
{
    struct reader *reader = stream;
    struct text key;
    check_answered(reader);
    while (reader->next < reader->end) {
        struct text raw = raw_line(reader);
        struct text line = trim(raw);
        if (!usable(reader, raw) || line.n == 0 || line.p[0] == ';' || line.p[0] == '#')
            continue;
        if (line.p[0] == '[') {
            take_section(reader, line);
            continue;
        }
        if (!take_key_line(reader, raw, &key))
            continue;
        if (snprintf(out, (size_t)size, "%.*s = 1\n", (int)key.n, key.p) >= size)
            die("inih offers %d bytes a line, too few for an option name", size);
        reader->offered = true;
        return out;
    }
    return NULL;
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
    struct reader *reader = user;
    (void)section;
    (void)value;
    reader->offered = false;
    reader->handler->key(reader->handler->opaque, reader->line, name, reader->value, reader->value_len);
    return 1;
}

void ini_parse_bytes(const char *data, size_t len, const struct ini_handler *handler,
                     struct problems *problems)
{
    struct reader reader = {.next = data, .end = data + len, .handler = handler, .problems = problems};
    reader.key_indent = SIZE_MAX;
    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        reader.next += 3; /* the byte order mark of Windows editors */
    (void)ini_parse_stream(next_line, &reader, take_key, &reader);
    check_answered(&reader);
}

/* Reads all of fd; false with the reason in errno, EFBIG beyond the limit. */
static bool read_all(int fd, struct strbuf *out)
{
    for (;;) {
        char *room = strbuf_reserve(out, 65536);
        ssize_t n = read(fd, room, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == 0;
        out->len += (size_t)n;
        if (out->len > INI_FILE_MAX) {
            errno = EFBIG;
            return false;
        }
    }
}

bool ini_read(const char *path, const struct ini_handler *handler, struct problems *problems)
{
    struct strbuf bytes = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && read_all(fd, &bytes);
    if (!good)
        problem_add(problems, 0, NULL, "can not be read: %s", strerror(errno));
    else
        ini_parse_bytes(bytes.len ? bytes.data : "", bytes.len, handler, problems);
    if (fd >= 0)
        close(fd);
    if (bytes.data)
        explicit_bzero(bytes.data, bytes.room);
    strbuf_free(&bytes);
    return good;
}
