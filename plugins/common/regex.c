/* SPDX-License-Identifier: BSD-2-Clause */
/* regex.c - see regex.h: compiling and searching; replacing is regex_subst.c. */
#define WEIR_API              1
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define JIT_STACK_MOST (4u << 20)
#define HEAP_MOST_KIB  (16u << 10)                /* what PCRE2 remembers without the JIT compiler */
#define WINDOW         (100000000u / REGEX_STEPS) /* places that are tried between two looks at the clock */

struct regex {
    struct weir_ctx *ctx;
    pcre2_code *code;
    pcre2_match_data *found;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack; /* NULL: the JIT compiler is not used */
    bool whole;             /* REGEX_WHOLE */
    uint32_t n_groups;
    struct regex_name *names;
    size_t n_names;

    struct weir_slice text;       /* that is searched now */
    bool valid;                   /* it is known to be UTF-8 */
    bool over;                    /* nothing more is to be found in it */
    size_t from;                  /* where the next search begins */
    struct regex_time own, *time; /* of this text alone; what is counted for it */
};

static void *get(size_t n, void *opaque)
{
    struct weir_ctx *ctx = opaque;
    return ctx->host->mem(ctx, NULL, n);
}

static void give_back(void *p, void *opaque)
{
    struct weir_ctx *ctx = opaque;
    if (p)
        ctx->host->mem(ctx, p, 0);
}

/* ---- compiling ------------------------------------------------------------------------------------------------- */

/* Characters of the first `bytes` of s. */
static size_t characters(const char *s, size_t bytes)
{
    size_t n = 0;
    for (size_t i = 0; i < bytes && s[i]; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

static bool wrong(char *why, size_t cap, const char *pattern, size_t at, const char *what)
{
    (void)snprintf(why, cap, "column %zu: %s", characters(pattern, at) + 1, what);
    return false;
}

/* Where a \G stands outside of \Q...\E and of a doubled backslash; SIZE_MAX: nowhere. */
static size_t search_start(const char *p)
{
    bool quoted = false;
    for (size_t i = 0; p[i]; i++) {
        if (p[i] != '\\' || !p[i + 1])
            continue;
        if (quoted ? p[i + 1] == 'E' : p[i + 1] == 'Q')
            quoted = !quoted;
        else if (!quoted && p[i + 1] == 'G')
            return i;
        if (!quoted || p[i + 1] == 'E')
            i++;
    }
    return SIZE_MAX;
}

static bool compile(struct regex *re, pcre2_general_context *memory, const char *pattern, uint32_t flags,
                    char *why, size_t cap)
{
    uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;
    size_t length = strlen(pattern), at = search_start(pattern);
    pcre2_compile_context *context;
    unsigned char text[200];
    int error = 0;
    if (length > REGEX_PATTERN_MAX) {
        (void)snprintf(why, cap, "it has %zu bytes, and %u are allowed", length, REGEX_PATTERN_MAX);
        return false;
    }
    if (at != SIZE_MAX)
        return wrong(why, cap, pattern, at, "\\G is not supported");
    options |= flags & REGEX_ANY_CASE ? PCRE2_CASELESS : 0;
    options |= flags & REGEX_WHOLE ? PCRE2_ANCHORED | PCRE2_ENDANCHORED : 0;
    options |= flags & REGEX_SAME_NAMES ? PCRE2_DUPNAMES : 0;
    options |= flags & REGEX_ECMA ? PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                                        PCRE2_MATCH_UNSET_BACKREF
                                  : 0;
    context = pcre2_compile_context_create(memory);
    if (!context) {
        (void)snprintf(why, cap, "there is no memory for it");
        return false;
    }
    re->code = pcre2_compile((PCRE2_SPTR)pattern, length, options, &error, &at, context);
    pcre2_compile_context_free(context);
    if (re->code)
        return true;
    if (pcre2_get_error_message(error, text, sizeof text) < 0)
        (void)snprintf((char *)text, sizeof text, "error %d of PCRE2", error);
    return wrong(why, cap, pattern, at, (const char *)text);
}

static int by_group(const void *a, const void *b)
{
    const struct regex_name *x = a, *y = b;
    return x->group < y->group ? -1 : x->group > y->group;
}

/* PCRE2's table has entries of one size: the number in two bytes, the name, a NUL. */
static void names_list(struct regex *re)
{
    PCRE2_SPTR table = NULL;
    uint32_t n = 0, size = 0;
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &re->n_groups);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMECOUNT, &n);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    (void)pcre2_pattern_info(re->code, PCRE2_INFO_NAMETABLE, &table);
    if (!n)
        return;
    re->names = re->ctx->host->mem(re->ctx, NULL, n * sizeof *re->names);
    re->n_names = n;
    for (uint32_t i = 0; i < n; i++, table += size)
        re->names[i] = (struct regex_name){(const char *)table + 2, (uint32_t)table[0] << 8 | table[1]};
    qsort(re->names, n, sizeof *re->names, by_group);
}

/* Where memory can't be made executable (MemoryDenyWriteExecute= of systemd) PCRE2 interprets: slower, and the same. */
static void jit(struct regex *re, pcre2_general_context *memory)
{
    size_t compiled = 0;
    if (pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE) != 0 ||
        pcre2_pattern_info(re->code, PCRE2_INFO_JITSIZE, &compiled) != 0 || !compiled)
        return;
    re->stack = pcre2_jit_stack_create(32u << 10, JIT_STACK_MOST, memory);
    if (re->stack)
        pcre2_jit_stack_assign(re->limits, NULL, re->stack);
}

static bool prepare(struct regex *re, pcre2_general_context *memory, char *why, size_t cap)
{
    re->found = pcre2_match_data_create_from_pattern(re->code, memory);
    re->limits = pcre2_match_context_create(memory);
    if (!re->found || !re->limits) {
        (void)snprintf(why, cap, "there is no memory for it");
        return false;
    }
    (void)pcre2_set_heap_limit(re->limits, HEAP_MOST_KIB);
    names_list(re);
    jit(re, memory);
    return true;
}

struct regex *regex_compile(struct weir_ctx *ctx, const char *pattern, uint32_t flags, char *why, size_t cap)
{
    pcre2_general_context *memory = pcre2_general_context_create(get, give_back, ctx);
    struct regex *re = ctx->host->mem(ctx, NULL, sizeof *re);
    memset(re, 0, sizeof *re);
    re->ctx = ctx;
    re->over = true;
    re->whole = (flags & REGEX_WHOLE) != 0;
    if (!memory) {
        (void)snprintf(why, cap, "there is no memory for it");
    } else if (compile(re, memory, pattern, flags, why, cap) && prepare(re, memory, why, cap)) {
        pcre2_general_context_free(memory);
        return re;
    }
    pcre2_general_context_free(memory);
    regex_free(re);
    return NULL;
}

void regex_free(struct regex *re)
{
    if (!re)
        return;
    pcre2_jit_stack_free(re->stack);
    pcre2_match_context_free(re->limits);
    pcre2_match_data_free(re->found);
    pcre2_code_free(re->code);
    give_back(re->names, re->ctx);
    give_back(re, re->ctx);
}

uint32_t regex_groups(const struct regex *re)
{
    return re->n_groups;
}

const struct regex_name *regex_names(const struct regex *re, size_t *ret_count)
{
    *ret_count = re->n_names;
    return re->names;
}

uint32_t regex_named(const struct regex *re, const char *name, size_t len)
{
    for (size_t i = 0; i < re->n_names; i++)
        if (strlen(re->names[i].name) == len && memcmp(re->names[i].name, name, len) == 0)
            return re->names[i].group;
    return 0;
}

/* ---- searching ------------------------------------------------------------------------------------------------- */

static bool is_ascii(const unsigned char *p, size_t n)
{
    unsigned char any = 0;
    for (size_t i = 0; i < n; i++)
        any |= p[i];
    return any < 0x80;
}

static int64_t thread_cpu_ms(void)
{
    struct timespec t;
    return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) ? 0 : (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void regex_begin(struct regex *re, struct weir_slice text, bool valid)
{
    uint64_t steps = REGEX_READ / (text.len + 1);
    (void)pcre2_set_match_limit(re->limits, steps < REGEX_STEPS ? (uint32_t)steps : REGEX_STEPS);
    re->over = false;
    re->from = 0;
    re->own = REGEX_TIME;
    re->time = &re->own;
    re->text = text.ptr ? text : (struct weir_slice){"", 0};
    re->valid = valid;
}

void regex_begin_within(struct regex *re, struct weir_slice text, bool valid, struct regex_time *time)
{
    regex_begin(re, text, valid);
    re->time = time;
}

/* Has the time run out?  The clock is looked at where places enough were tried; the first window is free,
 * so a line costs no look at all. */
static bool out_of_time(struct regex *re)
{
    struct regex_time *t = re->time;
    if (t->unseen < WINDOW)
        return false;
    t->unseen = 0;
    if (t->cpu_ms < 0) {
        t->cpu_ms = thread_cpu_ms();
        return false;
    }
    return thread_cpu_ms() - t->cpu_ms > REGEX_CPU_MS;
}

/* One character on from i. */
static size_t after(const struct regex *re, size_t i)
{
    const unsigned char *p = re->text.ptr;
    for (i++; i < re->text.len && (p[i] & 0xc0) == 0x80; i++)
        continue;
    return i;
}

/* One search for a match that begins at re->from or at most `last`; what PCRE2 says. */
static int try(struct regex *re, size_t last)
{
    int r;
    (void)pcre2_set_offset_limit(re->limits, last);
    if (!re->valid && is_ascii(re->text.ptr, re->text.len))
        re->valid = true;
    if (re->valid && re->stack)
        return pcre2_jit_match(re->code, re->text.ptr, re->text.len, re->from, 0, re->found, re->limits);
    r = pcre2_match(re->code, re->text.ptr, re->text.len, re->from, re->valid ? PCRE2_NO_UTF_CHECK : 0,
                    re->found, re->limits);
    re->valid = true; /* the first search has looked at all of it, and ends everything if it is not */
    return r;
}

static int fitted(struct regex *re)
{
    const size_t *at = pcre2_get_ovector_pointer(re->found);
    /* PCRE2 refuses \K in a lookaround, but not in a group that is called there. */
    if (at[0] < re->from || at[0] > at[1]) {
        re->over = true;
        return REGEX_MOVED;
    }
    re->time->unseen += at[0] - re->from + 1;
    re->from = at[1] > at[0] ? at[1] : after(re, at[1]);
    re->over = re->from > re->text.len || re->whole;
    return REGEX_FOUND;
}

static int failed(int r)
{
    if (r == PCRE2_ERROR_MATCHLIMIT || r == PCRE2_ERROR_HEAPLIMIT || r == PCRE2_ERROR_DEPTHLIMIT ||
        r == PCRE2_ERROR_JIT_STACKLIMIT || r == PCRE2_ERROR_NOMEMORY)
        return REGEX_LIMIT;
    return r <= PCRE2_ERROR_UTF8_ERR1 && r >= PCRE2_ERROR_UTF8_ERR21 ? REGEX_NOT_UTF8 : REGEX_FAILED;
}

int regex_next(struct regex *re)
{
    bool too_long = re->text.len > REGEX_TEXT_MAX;
    while (!re->over) {
        size_t last = re->from + WINDOW;
        int r = too_long || out_of_time(re) ? PCRE2_ERROR_MATCHLIMIT : try(re, last);
        if (r > 0)
            return fitted(re);
        re->over = true;
        if (r != PCRE2_ERROR_NOMATCH)
            return failed(r);
        re->time->unseen += (last < re->text.len ? last : re->text.len) - re->from + 1;
        if (last < re->text.len && !re->whole) {
            re->from = after(re, last);
            re->over = false;
        }
    }
    return REGEX_NONE;
}

int regex_find(struct regex *re, struct weir_slice text, bool valid)
{
    regex_begin(re, text, valid);
    return regex_next(re);
}

int regex_find_within(struct regex *re, struct weir_slice text, bool valid, struct regex_time *time)
{
    int answer;
    regex_begin_within(re, text, valid, time);
    answer = regex_next(re);
    re->time = &re->own; /* it may end before the regex does */
    re->over = true;
    return answer;
}

bool regex_group(const struct regex *re, uint32_t n, struct weir_slice *ret)
{
    const size_t *at = pcre2_get_ovector_pointer(re->found);
    *ret = (struct weir_slice){NULL, 0};
    if (n > re->n_groups || at[2 * n] == PCRE2_UNSET)
        return false;
    *ret = (struct weir_slice){(const char *)re->text.ptr + at[2 * n], at[2 * n + 1] - at[2 * n]};
    return true;
}

const char *regex_error(int answer)
{
    switch (answer) {
    case REGEX_LIMIT:
        return "the regex took more steps than it may";
    case REGEX_NOT_UTF8:
        return "the text is not UTF-8";
    case REGEX_TOO_LONG:
        return "what replacing makes of it is too long";
    case REGEX_MOVED:
        return "the regex's \\K puts the start of a match outside of it";
    default:
        return "the regex failed";
    }
}
