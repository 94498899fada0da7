/* SPDX-License-Identifier: BSD-2-Clause */
/* harness.h - a fake host: one instance of one plugin, driven step by step by a unit test or by `weir plugins check`.
 *
 * It loads NAME.so by the host's loader, parses options with the host's own parser, and implements struct weir_host
 * so strictly that a plugin which breaks a rule of plugin.h is found with a sentence, which ends the test: a batch completed twice or
 * never, a home function called by another thread, a record whose seq does not rise, bytes outside the owner, memory
 * not given back.  Bytes of a batch are poisoned (under ASan: unreadable) as soon as it is complete; the stride of
 * records is larger than the struct, and nothing has a NUL behind it.
 * Threads: the thread that calls harness_load is the home thread.  JSON, templates, expressions and the record
 * format are the host's real modules. */
#ifndef WEIR_HOST_HARNESS_H
#define WEIR_HOST_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_API 1
#include <weir/plugin.h>

#include "rule.h"

struct harness;

/* Loads of this plugin's name find this descriptor and no file: for plugins linked into the test, and fakes. */
void harness_builtin(const struct weir_plugin *);

/* ---- rules ------------------------------------------------------------------------------------------------------- */
/* Told instead of ending the test, on the thread that broke the rule; must not return. */
typedef void harness_broken(const struct harness *, enum rule, const char *text);
void harness_on_broken(harness_broken *);
/* Before harness_create: batches and buffers lie at the end of pages that can't be touched when it isn't time (guard.h),
 * so that a plugin is found by a signal, without ASan.  For batches of hundreds of records, not of thousands. */
void harness_guard(struct harness *);
/* Each emit takes all, and answers AGAIN; or as the limits of the poll say. */
void harness_brimful(struct harness *, bool);
/* Whether those bytes are the host's, by mem, in a batch or a buffer: not for free().  memory: what malloc could have
 * given. */
bool harness_gave(const void *memory);

/* ---- life cycle ---------------------------------------------------------------------------------------------- */
/* load, create and open; anything but success ends the test.  options: lines "key = value" as in an INI file. */
struct harness *harness_start(const char *plugin, uint32_t kind, const char *options);
/* Loads the plugin and parses the options; ends the test when a rule is broken or an option refused. */
struct harness *harness_load(const char *plugin, uint32_t kind, const char *options);
/* What the option parser and ops->check say, one problem per line "option: text"; "" when all is well.
 * Borrowed until the next call. */
const char *harness_check(const char *plugin, uint32_t kind, const char *options);
/* Likewise by ops->probe (check --live) of loaded, valid options. */
const char *harness_probe(struct harness *);
int harness_create(struct harness *);
int harness_open(struct harness *); /* the status, RETRY included */
/* open() until it is OK, with service calls between, at most timeout_ms of real time. */
bool harness_open_within(struct harness *, int timeout_ms);
/* Any thread. */
void harness_interrupt(struct harness *);
/* Any thread: the callback that runs, NULL: none, and since when in ms of CLOCK_MONOTONIC; what the last one returned. */
const char *harness_inside(const struct harness *);
int64_t harness_since(const struct harness *);
int harness_status(const struct harness *);
void harness_close(struct harness *); /* batches still lent become given up */
/* close, destroy; ends the test when memory, buffers or batches were not given back.  Everything borrowed from the
 * harness ends here. */
void harness_free(struct harness *);

/* Before harness_create: what instance() says (budget, batch_records, ...), and the table the plugin sees, for
 * example to shorten struct_size and play an older host. */
struct weir_instance *harness_instance(struct harness *);
struct weir_host *harness_host(struct harness *);
struct weir_ctx *harness_ctx(struct harness *);
const struct weir_ops *harness_ops(const struct harness *);
const void *harness_conf(const struct harness *);
uint32_t harness_promises(const struct harness *);

/* ---- time ---------------------------------------------------------------------------------------------------- */
/* mono_ms and wall_ms run with the real clock until they are stopped; then only harness_advance moves them. */
void harness_stop_clock(struct harness *, int64_t wall_ms);
void harness_advance(struct harness *, int64_t ms);
/* The time the plugin asked for by wake_at, INT64_MAX: none. */
int64_t harness_wake_at(const struct harness *);

/* ---- one step, or many --------------------------------------------------------------------------------------- */
/* Calls service (poll for a source) once if wake, a ready descriptor or the time asks for it; waits at most
 * timeout_ms of real time for that.  False: nothing asked. */
bool harness_step(struct harness *, int timeout_ms);
/* Steps until cond(h, opaque) is true; false: timeout_ms of real time went by. */
bool harness_run_until(struct harness *, bool (*cond)(struct harness *, void *), void *opaque,
                       int timeout_ms);
/* A ready-made cond: all written batches are complete. */
bool harness_idle(struct harness *, void *unused);
/* What service, poll (in a step), open, write, ... returned last when it was negative, by fail(): borrowed. */
const struct weir_result *harness_failure(const struct harness *);

/* ---- sinks and transforms ------------------------------------------------------------------------------------ */
/* A record with that key and value (NULL: absent, tombstone), no time, topic "t", the default lane "t-0". */
struct weir_record harness_record(const char *key, const char *value);
/* A batch of deep copies.  A record without shard belongs to the default lane; seq 0 there means "the next one",
 * offset and next follow from it.  Borrowed until harness_free. */
struct weir_batch *harness_batch(struct harness *, const struct weir_record *, uint32_t n);
/* The same for n values, NUL-terminated. */
struct weir_batch *harness_values(struct harness *, const char *const *values, uint32_t n);
/* Other numbers for the next writes of it: view.attempt. */
void harness_set_attempt(struct weir_batch *, uint32_t attempt);
int harness_write(struct harness *, struct weir_batch *);
int harness_flush(struct harness *);
uint32_t harness_lent(struct harness *); /* batches that it has */
/* Sinks with WEIR_COMMITS: ops->commit with those positions. */
int harness_sink_commit(struct harness *, const struct weir_position *, uint32_t n, const char *source);
/* What the commits say the source's token is. */
void harness_token(struct harness *, const void *bytes, size_t len);
/* Sinks with WEIR_KEEPS_POSITION: ops->abort.  That they called replay() is a line "replay WHY" of the log. */
int harness_abort(struct harness *);
/* Sinks: in_flight gives so many at most; without it no more than instance() says. */
void harness_lend(struct harness *, uint32_t most);
/* How many batches the sink may be lent by now. */
uint32_t harness_in_flight(const struct harness *);
bool harness_completed(const struct weir_batch *);
/* Result of record i of a complete batch; status OK when it was not listed.  Texts are copies. */
struct weir_result harness_result(const struct weir_batch *, uint32_t i);
uint32_t harness_failed(const struct weir_batch *); /* records of it with a negative status */
/* Transforms: process; what comes out is appended to the outputs. */
int harness_process(struct harness *, struct weir_batch *);
/* Transforms with WEIR_HOLDS: has it give away each group for that reason (WEIR_WHY_*), oldest first; for TIME those
 * whose time has come.  How many these were. */
size_t harness_let_go(struct harness *, uint32_t why);
size_t harness_groups(const struct harness *);  /* that it holds */
size_t harness_dropped(const struct harness *); /* records of groups that were given away for nothing */

/* ---- sources ------------------------------------------------------------------------------------------------- */
/* One poll with these limits; what is emitted is appended to the outputs. */
int harness_poll(struct harness *, uint32_t max_records, uint64_t max_bytes, uint32_t timeout_ms,
                 uint32_t flags);
/* Flags and limits of the polls that harness_step makes; at first 1000 records, 1 MiB, 50 ms, 0. */
void harness_set_poll(struct harness *, uint32_t max_records, uint64_t max_bytes, uint32_t timeout_ms,
                      uint32_t flags);
/* Before shard_open asks: where that lane resumes. */
void harness_preset(struct harness *, const char *shard_id, uint64_t next, struct weir_slice data);
/* Takes everything emitted so far as final: position() for each lane that moved, then committed(). */
int harness_commit(struct harness *, bool final);
/* Answers shard_revoke with final positions (all emitted records count as final); NULL: records of it are lost, the
 * positions are where the lanes stood at the last commit. */
int harness_revoked(struct harness *, bool final);

struct harness_shard {
    const struct weir_shard *shard;
    uint64_t next;          /* after the last record emitted or skipped to */
    uint64_t committed;     /* by harness_commit */
    uint64_t begin;         /* by shard_begin; 0: never told */
    uint64_t end;           /* by shard_end; 0: never told */
    struct weir_slice data; /* position() at the last commit */
    bool revoking, closed;
    uint32_t drain_ms;
};
/* NULL: not opened. */
const struct harness_shard *harness_shard(const struct harness *, const char *id);
size_t harness_shard_count(const struct harness *);

/* ---- outputs of poll and process ----------------------------------------------------------------------------- */
enum harness_how { HARNESS_EMIT, HARNESS_BAD, HARNESS_PASS, HARNESS_EDIT, HARNESS_REJECT, HARNESS_HELD };
struct harness_out {
    enum harness_how how;
    struct weir_record record; /* deep copy, each text with a NUL behind it; of REJECT and PASS: the input */
    uint32_t parent; /* transforms: index of the input in its batch, or group; HELD: records it is made of */
    struct weir_result result; /* BAD and REJECT */
};
size_t harness_out_count(const struct harness *);
const struct harness_out *harness_out(const struct harness *,
                                      size_t i);                 /* ends the test when there is none */
const char *harness_out_value(const struct harness *, size_t i); /* its value as text; NULL: tombstone */
void harness_out_clear(struct harness *);

/* ---- what the plugin said ------------------------------------------------------------------------------------ */
/* All log lines as "level text\n"; and how many of them contain the text. */
const char *harness_log(const struct harness *);
size_t harness_logged(const struct harness *, const char *text);
struct harness_health {
    uint32_t state, code, told;
    char why[512];
};
struct harness_health harness_health(const struct harness *);
int64_t harness_metric(const struct harness *, uint32_t row);
/* Durable state of the instance: preset, and look (ptr NULL: no such key). */
void harness_state_set(struct harness *, const char *key, struct weir_slice value);
/* All that another instance put: as after a restart. */
void harness_state_copy(struct harness *, const struct harness *from);
/* From now on it can't be read. */
void harness_state_break(struct harness *);
struct weir_slice harness_state_get(const struct harness *, const char *key);
/* Bytes the plugin holds by mem and buffers. */
size_t harness_held(const struct harness *);

#endif
