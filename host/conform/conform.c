/* SPDX-License-Identifier: BSD-2-Clause */
/* conform.c - the trials, one process each, and what came of them by rule (conform.h). */
#include "conform.h"
#include "trial.h"

#include "../config/describe.h"
#include "../report/clock.h"
#include "../report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIAL_SECONDS 60 /* it limits itself to less: this is for one that does not let it */
#define ALL_KINDS     (TRIAL_SOURCE | TRIAL_TRANSFORM | TRIAL_SINK)
#define R             TRIAL_RULE
#define RULES_OF_LIFE                                                                                        \
    (R(RULE_STATUS) | R(RULE_CALLS) | R(RULE_CLOSED) | R(RULE_MEMORY) | R(RULE_CONF) | R(RULE_CRASH))
#define RULES_OF_BATCHES                                                                                     \
    (R(RULE_THREADS) | R(RULE_TIME) | R(RULE_BOUNDS) | R(RULE_IMMUTABLE) | R(RULE_BORROWED) | R(RULE_RESULTS))

#define COMPARING (R(RULE_AGAIN) | R(RULE_RESUME))

/* Those that others build upon come first. */
static const struct trial_row trials[] = {
    {ALL_KINDS, false, RULES_OF_LIFE, try_life},
    {TRIAL_SINK, true, RULES_OF_BATCHES | R(RULE_COMPLETE), try_sink},
    {TRIAL_SINK, true, R(RULE_CLOSE) | R(RULE_BORROWED) | R(RULE_COMPLETE), try_sink_close},
    {TRIAL_SINK, true, R(RULE_INTERRUPT), try_sink_interrupt},
    {TRIAL_SINK, true, R(RULE_INSTANCES), try_sink_pair},
    {TRIAL_TRANSFORM, true,
     RULES_OF_BATCHES | R(RULE_EMITTER) | R(RULE_OUTCOME) | R(RULE_PROMISES) | R(RULE_BUFFER), try_transform},
    {TRIAL_TRANSFORM, true, R(RULE_INSTANCES), try_transform_pair},
    {TRIAL_SOURCE, true,
     R(RULE_THREADS) | R(RULE_TIME) | R(RULE_CLOSE) | R(RULE_EMITTER) | R(RULE_LANES) | R(RULE_SEQ) |
         R(RULE_BUFFER) | R(RULE_END),
     try_source},
    {TRIAL_SOURCE, true, R(RULE_INSTANCES), try_source_pair},
    {TRIAL_SOURCE, true, R(RULE_AGAIN), try_source_small},
    {TRIAL_SOURCE, true, R(RULE_PAUSED), try_source_paused},
    {TRIAL_SOURCE, true, R(RULE_INTERRUPT), try_source_interrupt},
    {TRIAL_SOURCE, true, R(RULE_RESUME), try_source_resume},
    {ALL_KINDS, true, R(RULE_LEAK) | R(RULE_THREADS), try_leak},
    {ALL_KINDS, true, R(RULE_ALLOCATION), try_allocation},
};

/* ---- what came of it ----------------------------------------------------------------------------------------- */

enum verdict { UNTRIED, KEPT, BROKEN };
struct outcome {
    enum verdict verdict;
    char *why; /* untried: why not */
};
struct report { /* of one kind */
    const struct conform *of;
    uint32_t kind;
    struct outcome rules[RULES];
    char *unable; /* why nothing can be opened */
};

static enum rule rule_named(const char *name, size_t n)
{
    enum rule rule = 0;
    while (rule < RULES && (strlen(rule_rows[rule].name) != n || strncmp(rule_rows[rule].name, name, n) != 0))
        rule++;
    return rule;
}

static void set_why(char **why, const char *text)
{
    free(*why);
    *why = xstrdup(text);
}

static void break_rule(struct report *r, enum rule rule, const char *text)
{
    if (r->rules[rule].verdict != BROKEN)
        fprintf(stderr, "%s: %s: %s [%s]\n", r->of->file, describe_kind(r->kind), text, rule_rows[rule].name);
    r->rules[rule].verdict = BROKEN;
}

static void skip_rule(struct report *r, enum rule rule, const char *why)
{
    if (r->rules[rule].verdict == UNTRIED)
        set_why(&r->rules[rule].why, why);
}

static void skip_all(struct report *r, uint64_t rules, const char *why)
{
    for (enum rule rule = 0; rule < RULES; rule++)
        if (rules & R(rule))
            skip_rule(r, rule, why);
}

static void keep_all(struct report *r, uint64_t rules)
{
    for (enum rule rule = 0; rule < RULES; rule++)
        if ((rules & R(rule)) && r->rules[rule].verdict == UNTRIED)
            r->rules[rule].verdict = KEPT;
}

/* ---- one process --------------------------------------------------------------------------------------------- */

/* All that the child says until it ends, or its time does. */
static void listen_to(int fd, pid_t child, struct strbuf *said, bool *ret_late)
{
    int64_t end = clock_mono_ms() + TRIAL_SECONDS * 1000;
    char part[4096];
    *ret_late = false;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = end - clock_mono_ms();
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t n = ready > 0 ? read(fd, part, sizeof part) : 0;
        *ret_late = ready == 0;
        if (n <= 0)
            break;
        strbuf_add(said, part, (size_t)n);
    }
    (void)kill(-child, SIGKILL); /* what it started ends with it */
    if (*ret_late)
        (void)kill(child, SIGKILL);
}

struct ended {
    struct strbuf said;
    bool late;
    int status;
};

/* False: there is no process to be had. */
static bool run_child(const struct report *r, const struct trial_row *row, struct ended *ret)
{
    int ends[2];
    *ret = (struct ended){0};
    fflush(NULL);
    pid_t child = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
    if (child < 0)
        return false;
    if (child == 0) {
        const struct strbuf *options = &r->of->options[r->kind];
        const struct trial_subject subject = {r->of->file, options->len ? options->data : "", r->kind,
                                              ends[1]};
        (void)close(ends[0]);
        trial_child(&subject, row);
    }
    (void)close(ends[1]);
    listen_to(ends[0], child, &ret->said, &ret->late);
    (void)close(ends[0]);
    while (waitpid(child, &ret->status, 0) < 0 && errno == EINTR)
        ;
    return true;
}

/* The words behind the first of a line. */
static const char *after(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) == 0 && (line[n] == ' ' || !line[n]) ? line + n + (line[n] == ' ') : NULL;
}

/* One line of the child; false when it is the last. */
static bool take_line(struct report *r, const struct trial_row *row, const char *line)
{
    const char *rest;
    if ((rest = after(line, "broken")) || (rest = after(line, "skip"))) {
        size_t n = strcspn(rest, " ");
        enum rule rule = rule_named(rest, n);
        if (rule < RULES && line[0] == 'b')
            break_rule(r, rule, rest + n + 1);
        else if (rule < RULES)
            skip_rule(r, rule, rest + n + 1);
        return line[0] != 'b';
    }
    if ((rest = after(line, "unable"))) {
        skip_all(r, row->rules, rest);
        if (row->opens || strncmp(rest, "its options", 11) == 0)
            set_why(&r->unable, rest);
        return false;
    }
    return !after(line, "kept");
}

static void say_end(struct report *r, const struct trial_row *row, const struct ended *e)
{
    enum rule rule = row->rules == R(RULE_ALLOCATION) ? RULE_ALLOCATION : RULE_CRASH;
    char text[160];
    if (e->late)
        snprintf(text, sizeof text, "it does not end within %d s", TRIAL_SECONDS);
    else if (WIFSIGNALED(e->status))
        snprintf(text, sizeof text, "it ends the process: %s", strsignal(WTERMSIG(e->status)));
    else
        snprintf(text, sizeof text, "it ends the process with status %d", WEXITSTATUS(e->status));
    break_rule(r, e->late ? RULE_TIME : rule, text);
}

static void run_trial(struct report *r, const struct trial_row *row)
{
    struct ended e;
    bool told = false;
    if (!run_child(r, row, &e)) {
        skip_all(r, row->rules, "there is no process for it");
        return;
    }
    uint64_t skipped = 0;
    for (char *line = e.said.len ? e.said.data : NULL, *next; line && *line && !told; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        told = !take_line(r, row, line);
        const char *skip = after(line, "skip");
        if (skip)
            skipped |= R(rule_named(skip, strcspn(skip, " ")));
        if (told && after(line, "kept"))
            keep_all(r, row->rules & ~skipped);
        else if (told && after(line, "broken"))
            skip_all(r, row->rules, "what is broken came first");
    }
    if (!told)
        say_end(r, row, &e);
    strbuf_free(&e.said);
}

/* What was found takes its time in every other trial too. */
static bool waits_in_vain(const struct report *r)
{
    static const enum rule rules[] = {RULE_TIME, RULE_CLOSE, RULE_INTERRUPT, RULE_END, RULE_COMPLETE};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (r->rules[rules[i]].verdict == BROKEN)
            return true;
    return false;
}

static void run_trials(struct report *r)
{
    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        const struct trial_row *row = &trials[i];
        bool opens = row->opens && r->kind != WEIR_TRANSFORM;
        if (!(row->kinds & 1u << r->kind))
            continue;
        if (r->unable)
            skip_all(r, row->rules, r->unable);
        else if (opens && !r->of->may_open)
            skip_all(r, row->rules, "give --set, --conf or --kind, and it is opened and used");
        else if (waits_in_vain(r))
            skip_all(r, row->rules, "what is broken came first");
        else if (r->rules[RULE_INSTANCES].verdict == BROKEN && row->rules & COMPARING)
            skip_all(r, row->rules, "instances are compared for it, which are not alike");
        else
            run_trial(r, row);
    }
}

/* ---- the table ----------------------------------------------------------------------------------------------- */

static void print_row(const struct report *r, const char *verdict, const char *rules, const char *why)
{
    printf("  %-10s %-10s %s%s%s\n", describe_kind(r->kind), verdict, rules, why ? ": " : "", why ? why : "");
}

static bool of_kind(const struct report *r, enum rule rule)
{
    return rule_rows[rule].kinds & 1u << r->kind;
}

/* All rules that were not tried for the same reason as this one, which is the first of them. */
static void print_untried(const struct report *r, enum rule first)
{
    struct strbuf names = {0};
    const char *why = r->rules[first].why ? r->rules[first].why : "nothing came to it";
    for (enum rule rule = 0; rule < RULES; rule++) {
        const char *other = r->rules[rule].why ? r->rules[rule].why : "nothing came to it";
        if (!of_kind(r, rule) || r->rules[rule].verdict != UNTRIED || strcmp(other, why) != 0)
            continue;
        if (rule < first)
            break; /* they stand there already */
        strbuf_printf(&names, "%s%s", names.len ? ", " : "", rule_rows[rule].name);
    }
    if (names.len)
        print_row(r, "not tried", names.data, why);
    strbuf_free(&names);
}

/* False: a rule is broken. */
static bool print_report(const struct report *r)
{
    bool good = true;
    for (enum rule rule = 0; rule < RULES; rule++) {
        if (!of_kind(r, rule) || r->rules[rule].verdict == UNTRIED)
            continue;
        print_row(r, r->rules[rule].verdict == KEPT ? "kept" : "broken", rule_rows[rule].name, NULL);
        good = good && r->rules[rule].verdict == KEPT;
    }
    for (enum rule rule = 0; rule < RULES; rule++)
        if (of_kind(r, rule) && r->rules[rule].verdict == UNTRIED)
            print_untried(r, rule);
    return good;
}

static void report_free(struct report *r)
{
    for (enum rule rule = 0; rule < RULES; rule++)
        free(r->rules[rule].why);
    free(r->unable);
}

/* 1 << kind of what it is; 0: it can not be said. */
static uint32_t kinds_of(const struct conform *c)
{
    const struct report scout = {.of = c};
    struct ended e;
    if (!run_child(&scout, NULL, &e))
        return 0;
    const char *said = e.said.len ? after(e.said.data, "kinds") : NULL;
    uint32_t kinds = said ? (uint32_t)strtoul(said, NULL, 10) : 0;
    strbuf_free(&e.said);
    return kinds;
}

enum conformed conform_run(const struct conform *c)
{
    uint32_t kinds = kinds_of(c);
    bool good = kinds != 0;
    if (c->kind && !(kinds & 1u << c->kind)) {
        fprintf(stderr, "%s: it is no %s\n", c->file, describe_kind(c->kind));
        return CONFORM_USAGE;
    }
    if (c->given && !c->kind && (kinds & (kinds - 1))) {
        fprintf(stderr, "%s: it is of several kinds: say by --kind which one is meant\n", c->file);
        return CONFORM_USAGE;
    }
    for (uint32_t kind = WEIR_SOURCE; kind <= WEIR_SINK; kind++) {
        struct report r = {.of = c, .kind = kind};
        if (!(kinds & 1u << kind) || (c->kind && c->kind != kind))
            continue;
        run_trials(&r);
        good = print_report(&r) && good;
        report_free(&r);
    }
    return good ? CONFORM_GOOD : CONFORM_BROKEN;
}

void conform_print_rules(void)
{
    for (enum rule rule = 0; rule < RULES; rule++)
        printf("%-12s %s\n", rule_rows[rule].name, rule_rows[rule].text);
}
