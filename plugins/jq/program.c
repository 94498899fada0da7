/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c - see program.h.
 *
 * libjq knows constants at compile time and one input at run time.  So where a program looks at $topic and the like, it
 * is given an object of them and the value, and text before it takes that apart.  The same text hides what leads out of
 * the program: the environment, files, standard error.  In the parentheses around the program no module can be
 * imported.  What libjq itself reads into every program, the file .jq in the home of whoever runs it, can not be kept
 * out, so there must be none. */
#define WEIR_API 1
#include "program.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOPIC, KEY, PARTITION, OFFSET, TIME, HEADERS, NOW, VARIABLES };
static const char *const names[VARIABLES] = {"topic", "key",     "partition", "offset",
                                             "time",  "headers", "__now"};

static const char hidden[] =
    "{} as $ENV | def env: $ENV; "
    "def input: error(\"input is not available\"); def inputs: input; "
    "def modulemeta: error(\"modulemeta is not available\"); "
    "def __error(m): error(m); " /* libjq takes error(null) for empty, and the record would be gone */
    "def error(m): m | if . == null then __error(\"error(null)\") else __error(.) end; "
    "def error: error(.); "
    "def get_search_list: []; def input_filename: null; def stderr: debug; ";

/* ---- compiling --------------------------------------------------------------------------------------------------- */

/* Cuts what stands between two texts out of the message. */
static void without(char *text, const char *part)
{
    char *at = strstr(text, part);
    if (at)
        memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

/* "jq: error: TEXT at <top-level>, line 3:", and then the line, becomes "FILE:3: TEXT".  Of several the first one counts. */
static void on_error(void *opaque, jv message)
{
    static const char at[] = " at <top-level>, line ";
    struct program *p = opaque;
    jv text = jq_format_error(message);
    char line[sizeof p->why];
    if (!p->why[0]) {
        (void)snprintf(line, sizeof line, "%s", jv_string_value(text));
        without(line, "jq: error: ");
        without(line, " (Unix shell quoting issues?)");
        char *place = strstr(line, at);
        if (place)
            *place = '\0';
        (void)snprintf(p->why, sizeof p->why, "%.200s:%ld: %.150s", p->name ? p->name : "filter",
                       place ? strtol(place + sizeof at - 1, NULL, 10) : 1, line);
    }
    jv_free(text);
}

/* debug, and stderr, which is the same here. */
static void on_debug(void *opaque, jv message)
{
    struct weir_ctx *ctx = opaque;
    jv text = jv_dump_string(message, 0);
    ctx->host->log(ctx, WEIR_LOG_DEBUG, jv_string_value(text), (size_t)jv_string_length_bytes(jv_copy(text)));
    jv_free(text);
}

/* The program with what stands around it, all of it on the program's first line, so that lines count from there.  A name
 * that stands anywhere in the text may be a variable's. */
static char *surrounded(struct program *p, const char *text)
{
    size_t room = strlen(text) + sizeof hidden + 400, n;
    char *all = p->ctx->host->mem(p->ctx, NULL, room);
    p->variables = 0;
    for (int i = 0; i < VARIABLES; i++)
        if (strstr(text, i == NOW ? "now" : names[i]))
            p->variables |= 1u << i;
    n = (size_t)snprintf(all, room, "%s", p->variables ? ". as {$__value" : "");
    for (int i = 0; i < VARIABLES; i++)
        if (p->variables & 1u << i)
            n += (size_t)snprintf(all + n, room - n, ",$%s", names[i]);
    (void)snprintf(all + n, room - n, "%s%s%s%s(%s\n)", p->variables ? "} | " : "", hidden,
                   p->variables & 1u << NOW ? "def now: $__now; " : "", p->variables ? "$__value | " : "",
                   text);
    return all;
}

/* The definitions there would take the place of jq's own; a folder of that name is for modules, which nothing imports. */
static bool home_is_read(struct program *p)
{
    const char *home = getenv("HOME");
    char path[PATH_MAX], room[4096];
    struct passwd user, *found = NULL;
    struct stat st;
    if (!home) /* as newer versions of libjq do */
        home = !getpwuid_r(getuid(), &user, room, sizeof room, &found) && found ? user.pw_dir : "";
    (void)snprintf(path, sizeof path, "%s/.jq", home);
    if (stat(path, &st) || S_ISDIR(st.st_mode))
        return false;
    (void)snprintf(
        p->why, sizeof p->why,
        "%.200s is there, which libjq reads into every program, so that it would do something else for "
        "another user: give weir another HOME, or move the file",
        path);
    return true;
}

bool program_make(struct program *p, struct weir_ctx *ctx, const char *text, const char *name)
{
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->name = name;
    if (home_is_read(p))
        return false;
    p->jq = jq_init();
    if (!p->jq) {
        (void)snprintf(p->why, sizeof p->why, "there is no memory for jq");
        return false;
    }
    jq_set_error_cb(p->jq, on_error, p);
    jq_set_debug_cb(p->jq, on_debug, ctx);
    char *all = surrounded(p, text);
    bool good = jq_compile(p->jq, all);
    ctx->host->mem(ctx, all, 0);
    if (!good && !p->why[0])
        (void)snprintf(p->why, sizeof p->why, "jq does not compile it");
    return good;
}

void program_free(struct program *p)
{
    if (p->jq)
        jq_teardown(&p->jq);
}

/* ---- its input --------------------------------------------------------------------------------------------------- */

static jv text_of(struct weir_slice s)
{
    return s.ptr ? jv_string_sized(s.ptr, (int)s.len) : jv_null();
}

static jv headers_of(const struct weir_record *r)
{
    jv all = jv_object();
    for (uint32_t i = 0; i < r->n_headers; i++)
        all = jv_object_set(all,
                            jv_string_sized(r->headers[i].name.ptr ? r->headers[i].name.ptr : "",
                                            (int)r->headers[i].name.len),
                            text_of(r->headers[i].value));
    return all;
}

static jv variable(const struct program *p, const struct weir_record *r, int which)
{
    switch (which) {
    case TOPIC:
        return text_of(r->topic);
    case KEY:
        return text_of(r->key);
    case PARTITION:
        return jv_number(r->partition);
    case OFFSET:
        return jv_number((double)r->offset);
    case TIME:
        return r->time_ms == WEIR_NO_TIME ? jv_null() : jv_number((double)r->time_ms);
    case HEADERS:
        return headers_of(r);
    default:
        return jv_number((double)p->ctx->host->wall_ms(p->ctx) / 1000);
    }
}

jv program_input(const struct program *p, const struct weir_record *r, jv value)
{
    if (!p->variables)
        return value;
    jv all = jv_object_set(jv_object(), jv_string("__value"), value);
    for (int i = 0; i < VARIABLES; i++)
        if (p->variables & 1u << i)
            all = jv_object_set(all, jv_string(names[i]), variable(p, r, i));
    return all;
}
