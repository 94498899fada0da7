/* SPDX-License-Identifier: BSD-2-Clause */
/* conf.h - a pipeline as its INI file says it: checked, compiled, ready to run.
 *
 * Owns: everything it points to, until conf_free.  Immutable after conf_load, so any thread may read. */
#ifndef WEIR_HOST_CONF_H
#define WEIR_HOST_CONF_H

#include "../plugin/loader.h"
#include "errors.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum conf_order { ORDER_SHARD, ORDER_NONE };
enum conf_fanout { FANOUT_TOGETHER, FANOUT_INDEPENDENT };

struct raw_section;
struct isolate_conf { /* isolate = process: what the process of the plugin is told, and may do */
    const char *path; /* of the pipeline's file, for messages */
    const struct raw_section *raw;
    int64_t memory;  /* bytes it may have in RAM */
    int64_t hung_ms; /* a callback that takes longer never comes back */
};

struct section_conf { /* [source], [transform NAME], [sink NAME], [dead-letter] */
    uint32_t kind;    /* WEIR_SOURCE, ... ; dead-letter is a WEIR_SINK */
    bool dead_letter;
    int line;          /* of its header */
    const char *title; /* "source", "sink es", "transform clean", "dead-letter" */
    const char *name;  /* "es"; without one: the plugin's name */
    const struct plugin *plugin;
    const struct weir_ops *ops; /* of this kind */
    void *conf;                 /* the plugin's struct, filled */
    const struct weir_expr
        *when;     /* host option; NULL: every record.  A plugin with an option `when` has it itself */
    bool part_key; /* host option part = key, of a transform that does not hold */
    int64_t hold_records, hold_bytes, hold_ms; /* of a transform that holds; hold_bytes 0: its share */
    /* sinks: */
    int64_t batch_records, batch_bytes, linger_ms, in_flight;
    bool in_flight_said; /* by the operator: the sink gets no more than that */
    int64_t retry_initial_ms, retry_max_ms, retry_for_ms; /* retry_for_ms -1: for ever */
    int64_t stop_after;                                   /* dead-letter; 0: never */
    struct errors_set errors;                             /* error.NAME */
    const struct isolate_conf *isolate;                   /* NULL: it lives in weir's own process */
};

struct pipeline_conf {
    const char *file, *name;
    const char *state_name; /* of the state file of a redrive; else NULL */
    const char *connector;  /* as dead letters tell it; NULL: name */
    const char *reader; /* "", or the sink that this reader of the source is for (fan-out = independent) */
    const char *label;  /* in logs and books: the name, or NAME.READER */
    enum conf_order order;
    enum conf_fanout fan_out;
    int64_t memory, workers, commit_ms, drain_ms, stuck_after_ms;
    struct section_conf source;
    struct section_conf *transforms, *sinks;
    size_t n_transforms, n_sinks;
    struct section_conf *dead_letter; /* NULL: none */
    bool no_headers;                  /* nobody looks at records' headers: the source may leave them out */
    /* What runs: this pipeline itself, or with fan-out = independent one for each sink, all of one source. */
    struct pipeline_conf *readers;
    size_t n_readers;
    struct conf_store *store; /* private: what keeps the memory */
};

/* Reads, resolves ${...}, loads the plugins named, parses and checks every option, without I/O beyond these files.
 * All mistakes are printed to err, one line each ("web.ini:12: [sink] ..."); NULL then. */
struct pipeline_conf *conf_load(const char *path, FILE *err);
/* The same after change() had a look at the sections as they are written, and may have changed them (sections.h). */
struct sections;
struct pipeline_conf *conf_load_changed(const char *path, void (*change)(void *opaque, struct sections *),
                                        void *opaque, FILE *err);
void conf_free(struct pipeline_conf *);
/* The same of one section alone, as the process of an isolated plugin reads it: it is the source of what is given,
 * whatever its kind is.  path, name: of the pipeline, for messages. */
struct pipeline_conf *conf_load_section(const struct raw_section *, const char *path, const char *name,
                                        FILE *err);
/* Promises of a section under its options. */
uint32_t conf_promises(const struct section_conf *);

/* The *.ini files a list of FILE|DIR arguments names, sorted, without *.test.ini of a DIR; a missing or unreadable one is
 * an error on err.  Returns the count or -1; *ret is freed with conf_files_free. */
int conf_files(char *const *args, int n_args, char ***ret, FILE *err);
/* The same for *.test.ini, which test them. */
int conf_test_files(char *const *args, int n_args, char ***ret, FILE *err);
void conf_files_free(char **, int n);

#endif
