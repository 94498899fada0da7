/* SPDX-License-Identifier: BSD-2-Clause */
/* call.c - callbacks of a running instance, each noted for as long as it runs (call.h). */
#include "call.h"

#include "instance.h"
#include "report/clock.h"
#include "report/crash.h"

static struct crash_place note(const struct instance *i, const char *callback)
{
    const struct crash_place now = {
        .plugin = i->section->plugin->info.name, .callback = callback, .who = i->who};
    return crash_enter(now);
}

static struct crash_place begin(struct instance *i, const char *callback)
{
    atomic_store_explicit(&i->calling_since, clock_mono_ms(), memory_order_relaxed);
    atomic_store_explicit(&i->calling, callback, memory_order_release);
    return note(i, callback);
}

static void end(struct instance *i, struct crash_place was)
{
    crash_leave(was);
    atomic_store_explicit(&i->calling, NULL, memory_order_release);
}

const char *call_running(struct instance *i, int64_t *ret_since_ms)
{
    const char *callback = atomic_load_explicit(&i->calling, memory_order_acquire);
    *ret_since_ms = atomic_load_explicit(&i->calling_since, memory_order_relaxed);
    return callback;
}

int call_create(struct instance *i)
{
    struct crash_place was = begin(i, "create");
    int status = i->ops->create(&i->ctx, i->section->conf, &i->self);
    end(i, was);
    return status;
}

int call_open(struct instance *i)
{
    if (!i->ops->open)
        return WEIR_OK;
    struct crash_place was = begin(i, "open");
    int status = i->ops->open(i->self);
    end(i, was);
    return status;
}

int call_poll(struct instance *i, struct weir_emitter *e, const struct weir_poll *p)
{
    struct crash_place was = begin(i, "poll");
    int status = i->ops->poll(i->self, e, p);
    end(i, was);
    return status;
}

int call_position(struct instance *i, const struct weir_shard *shard, uint64_t next, void *out, size_t cap,
                  size_t *ret_len)
{
    struct crash_place was = begin(i, "position");
    int status = i->ops->position(i->self, shard, next, out, cap, ret_len);
    end(i, was);
    return status;
}

int call_committed(struct instance *i, const struct weir_position *positions, uint32_t n, uint32_t stride,
                   uint32_t final)
{
    struct crash_place was = begin(i, "committed");
    int status = i->ops->committed(i->self, positions, n, stride, final);
    end(i, was);
    return status;
}

int call_revoked(struct instance *i, const struct weir_position *positions, uint32_t n, uint32_t stride)
{
    struct crash_place was = begin(i, "revoked");
    int status = i->ops->revoked(i->self, positions, n, stride);
    end(i, was);
    return status;
}

int call_process(struct instance *i, const struct weir_batch *batch, struct weir_emitter *e)
{
    struct crash_place was = begin(i, "process");
    int status = i->ops->process(i->self, batch, e);
    end(i, was);
    return status;
}

int call_write(struct instance *i, struct weir_batch *batch)
{
    struct crash_place was = begin(i, "write");
    int status = i->ops->write(i->self, batch);
    end(i, was);
    return status;
}

int call_service(struct instance *i, uint32_t why)
{
    struct crash_place was = begin(i, "service");
    int status = i->ops->service(i->self, why);
    end(i, was);
    return status;
}

int call_flush(struct instance *i)
{
    struct crash_place was = begin(i, "flush");
    int status = i->ops->flush(i->self);
    end(i, was);
    return status;
}

int call_commit(struct instance *i, const struct weir_commit *commit)
{
    struct crash_place was = begin(i, "commit");
    int status = i->ops->commit(i->self, commit);
    end(i, was);
    return status;
}

int call_abort(struct instance *i)
{
    struct crash_place was = begin(i, "abort");
    int status = i->ops->abort(i->self);
    end(i, was);
    return status;
}

int call_token(struct instance *i, void *out, size_t cap, size_t *ret_len)
{
    struct crash_place was = begin(i, "token");
    int status = i->ops->token(i->self, out, cap, ret_len);
    end(i, was);
    return status;
}

int call_rewind(struct instance *i)
{
    struct crash_place was = begin(i, "rewind");
    int status = i->ops->rewind(i->self);
    end(i, was);
    return status;
}

/* On another thread than the rest, often while another callback runs. */
int call_release(struct instance *i, struct weir_emitter *e, struct weir_batch *group, void *opaque,
                 uint32_t why)
{
    struct crash_place was = begin(i, "release");
    int status = i->ops->release(i->self, e, group, opaque, why);
    end(i, was);
    return status;
}

int call_serve(struct instance *i, struct weir_emitter *e, uint32_t why)
{
    struct crash_place was = begin(i, "serve");
    int status = i->ops->serve(i->self, e, why);
    end(i, was);
    return status;
}

void call_interrupt(struct instance *i)
{
    struct crash_place was = note(i, "interrupt");
    i->ops->interrupt(i->self);
    crash_leave(was);
}

void call_close(struct instance *i)
{
    struct crash_place was = begin(i, "close");
    i->ops->close(i->self);
    end(i, was);
}

void call_destroy(struct instance *i)
{
    struct crash_place was = begin(i, "destroy");
    i->ops->destroy(i->self);
    end(i, was);
}
