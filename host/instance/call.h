/* SPDX-License-Identifier: BSD-2-Clause */
/* call.h - every call of a running instance's callback, so that it is known which one runs, and since when.
 *
 * A crash is told with it (report/crash.h), and a callback that does not come back is found by it.  Home thread of
 * the instance, except call_interrupt (any thread) and call_running (any thread).  A callback that the plugin does not
 * have must not be called here, unless said otherwise. */
#ifndef WEIR_HOST_CALL_H
#define WEIR_HOST_CALL_H

#include <stdint.h>

#include <weir/plugin.h>

struct instance;

int call_create(struct instance *);
int call_open(struct instance *); /* no such callback: OK */
int call_poll(struct instance *, struct weir_emitter *, const struct weir_poll *);
int call_position(struct instance *, const struct weir_shard *, uint64_t next, void *out, size_t cap,
                  size_t *ret_len);
int call_committed(struct instance *, const struct weir_position *, uint32_t n, uint32_t stride,
                   uint32_t final);
int call_revoked(struct instance *, const struct weir_position *, uint32_t n, uint32_t stride);
int call_process(struct instance *, const struct weir_batch *, struct weir_emitter *);
int call_write(struct instance *, struct weir_batch *);
int call_service(struct instance *, uint32_t why);
int call_flush(struct instance *);
int call_commit(struct instance *, const struct weir_commit *);
int call_abort(struct instance *);
int call_token(struct instance *, void *out, size_t cap, size_t *ret_len);
int call_rewind(struct instance *);
int call_release(struct instance *, struct weir_emitter *, struct weir_batch *group, void *opaque,
                 uint32_t why);
int call_serve(struct instance *, struct weir_emitter *, uint32_t why);
void call_interrupt(struct instance *);
void call_close(struct instance *);
void call_destroy(struct instance *);

/* The callback that runs just now, and since when in mono ms; NULL: none.  interrupt is not counted. */
const char *call_running(struct instance *, int64_t *ret_since_ms);

#endif
