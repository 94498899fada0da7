/* SPDX-License-Identifier: BSD-2-Clause */
/* host_options.h - the options every section has beside its plugin's, as tables of the plugins' own type.
 *
 * Constant data. */
#ifndef WEIR_HOST_HOST_OPTIONS_H
#define WEIR_HOST_HOST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/plugin.h>

enum section_kind { SECTION_PIPELINE, SECTION_SOURCE, SECTION_TRANSFORM, SECTION_SINK, SECTION_DEAD_LETTER };
#define SECTION_KINDS 5

struct host_pipeline { /* [pipeline] */
    const char *name;  /* NULL: from the file's name */
    int64_t order, memory, workers, fan_out, commit_ms, drain_ms, stuck_after_ms;
};

struct host_section { /* all others; what a kind lacks stays 0 */
    const char *plugin;
    const struct weir_expr *when;
    int64_t part; /* of a transform; enum */
    int64_t batch_records, batch_bytes, linger_ms, in_flight;
    int64_t retry_initial_ms, retry_max_ms, retry_for_ms; /* retry_for_ms has no default: preset it */
    int64_t stop_after;
    int64_t hold_records, hold_bytes, hold_ms; /* of a transform that holds; hold_bytes 0: its share */
    struct weir_map errors;
    int64_t isolate, isolate_memory; /* enum; 0: by default */
};
#define ISOLATE_PROCESS 1 /* index of its word */
#define PART_KEY        1 /* likewise */

/* in-flight by default where a batch is what was read at one time and is answered later: several fill one request. */
#define IN_FLIGHT_MAX   64
#define IN_FLIGHT_LATER 4
bool host_answers_later(const struct weir_ops *);

extern const struct weir_options host_options[SECTION_KINDS];
/* The same for one plugin: a transform that holds records has more, and no part = key; nor has one that chooses records
 * by a `when` of its own.  ops NULL: nothing is known of it. */
const struct weir_options *host_options_of(enum section_kind, const struct weir_ops *);
/* Why a section of that plugin has no such option, though others have it: a sentence; NULL: it is not known at all. */
const char *host_options_lack(enum section_kind, const struct weir_ops *, const char *option);
extern const char *const host_section_words[SECTION_KINDS + 1]; /* "pipeline", ...; NULL at the end */

#endif
