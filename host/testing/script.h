/* SPDX-License-Identifier: BSD-2-Clause */
/* script.h - a test file as it is written: tests, the records each gives, and what it expects of them.
 *
 * Owns: copies of everything, until script_free; constant after script_read.  Thread: the caller's. */
#ifndef WEIR_HOST_SCRIPT_H
#define WEIR_HOST_SCRIPT_H

#include "config/problem.h"
#include "record/arena.h"

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

#define SCRIPT_TESTS_MAX   256
#define SCRIPT_RECORDS_MAX 10000 /* inputs, and expected outputs, of one test */

/* The clock of a test that sets none: 2000-01-01T00:00:00Z. */
#define SCRIPT_CLOCK       INT64_C(946684800000)

struct given { /* one input */
    int line;
    struct weir_record record; /* shard, seq and next are left 0 */
    uint32_t said;             /* 1 << GIVEN_*: what the test says of it, the rest is as the source would */
    bool whole;                /* nothing more is said of it */
};
enum { GIVEN_TOPIC, GIVEN_PARTITION, GIVEN_OFFSET, GIVEN_TIME };

struct wanted { /* one expected output */
    int line;
    const char *sink; /* by name; NULL: of the only one, or a dead letter */
    bool dead;
    struct weir_slice body;
    struct weir_slice with; /* JSON object of what is compared beside the body; ptr NULL: nothing */
    bool has_value;         /* with says what the body is: one of several lines, of no text, or none */
    const char *because;    /* of a dead letter: stands in its reason; NULL: any */
};

struct fault { /* what the other end of a sink does wrong */
    int line;
    const char *sink; /* NULL: the only one */
    bool cut;         /* no answer */
    bool of_records;  /* first and last count records; else requests */
    uint32_t code;    /* 0: none */
    const char *type; /* "": none */
    uint64_t first, last;
};

struct script_pair {
    const char *name, *value;
};

struct script_test {
    int line;
    const char *name, *pipeline; /* pipeline: a path as the program opens it */
    int64_t clock_ms;            /* wall clock, stands still */
    const char *fails; /* stands in the reason with which the pipeline has to fail; NULL: it must not */
    struct given *given;
    struct wanted *wanted;
    struct fault *faults;
    struct script_pair *env, *files; /* ${env:NAME}, ${file:NAME} */
    const char **ignore;             /* names of sinks whose output is not looked at */
    size_t n_given, n_wanted, n_faults, n_env, n_files, n_ignore;
};

struct script {
    const char *file;
    struct script_test *tests;
    size_t n;
    struct arena arena;
};

/* Reads a test file; every mistake goes to problems.  False: it has some. */
bool script_read(const char *path, struct script *ret, struct problems *);
void script_free(struct script *);

/* script_text.c: values of keys.  False and a sentence in why[cap]. */
/* A JSON object of a record's parts, into *ret (NULL: any object will do) and *ret_said; a value that it does not name
 * stays.  A timestamp written as text is made a number in *json. */
bool script_with(struct arena *, struct weir_slice *json, struct weir_record *ret, uint32_t *ret_said,
                 char *why, size_t cap);
/* The JSON object has that member. */
bool script_names(struct arena *, struct weir_slice json, const char *member);
/* 2026-01-31T23:59:59Z, with milliseconds or without. */
bool script_time(const char *text, int64_t *ret_ms);
/* "429 at request 1", "400 mapper_parsing_exception at records 2-3", "cut at request 1". */
bool script_fault(struct arena *, const char *text, struct fault *ret, char *why, size_t cap);

#endif
