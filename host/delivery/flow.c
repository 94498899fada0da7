/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.c - shares out memory, and tells the end of a pipeline once.  Any thread. */
#include "flow.h"

#include "isolate/isolate.h"
#include "report/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* memory is divided once: half flows, a quarter is the source's prefetch, a quarter the sinks' bodies and queues */
static uint64_t share(const struct pipeline_conf *c, const struct section_conf *s)
{
    uint64_t quarter = (uint64_t)c->memory / 4;
    if (s->kind != WEIR_SINK)
        return quarter;
    uint64_t instances = c->n_sinks * (uint64_t)c->workers + (c->dead_letter != NULL);
    return quarter / (instances ? instances : 1);
}

void flow_init(struct flow *f, const struct pipeline_conf *conf, struct pipeline *p,
               const struct weir_host *host)
{
    memset(f, 0, sizeof *f);
    f->conf = conf;
    f->pipeline = p;
    f->host = host;
    f->around = (struct weir_around){.struct_size = sizeof f->around,
                                     .source = conf->source.plugin->info.name,
                                     .source_conf = conf->source.conf,
                                     .commit_ms = conf->commit_ms};
    f->budget.limit = (size_t)conf->memory / 2;
    f->budget.record_max = (size_t)conf->memory / 4;
    ledger_init(&f->ledger);
}

void flow_free(struct flow *f)
{
    ledger_free(&f->ledger);
    free(atomic_load(&f->failure));
}

static void tell(struct flow *f, const char *format, va_list ap)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, ap);
    log_line(WEIR_LOG_ERROR, f->conf->label, "%s", text);
    char *none = NULL, *copy = xstrdup(text);
    if (!atomic_compare_exchange_strong(&f->failure, &none, copy))
        free(copy); /* the first one is the reason of the others */
    f->on_fail(f);
}

void flow_fail(struct flow *f, const char *format, ...)
{
    va_list ap;
    if (atomic_exchange(&f->failed, true))
        return;
    va_start(ap, format);
    tell(f, format, ap);
    va_end(ap);
}

void flow_end(struct flow *f, const char *format, ...)
{
    va_list ap;
    if (atomic_exchange(&f->ending, true) || flow_failed(f))
        return;
    va_start(ap, format);
    tell(f, format, ap);
    va_end(ap);
}

bool flow_ending(const struct flow *f)
{
    return atomic_load(&f->ending) || flow_failed(f);
}

void flow_abandon(struct flow *f)
{
    if (!atomic_exchange(&f->failed, true))
        f->on_fail(f);
}

bool flow_failed(const struct flow *f)
{
    return atomic_load(&f->failed);
}

struct instance *flow_instance(struct flow *f, const struct section_conf *s, struct loop *loop,
                               uint32_t worker)
{
    const struct instance_place place = {.pipeline = f->pipeline,
                                         .conf = f->conf,
                                         .host = f->host,
                                         .loop = loop,
                                         .worker = worker,
                                         .budget = share(f->conf, s)};
    struct instance *i = instance_new(s, &place);
    i->next_in_flow = f->instances;
    f->instances = i;
    if (s->kind == WEIR_SINK)
        i->info.around = &f->around;
    if (s->isolate)
        isolate_begin(i);
    return i;
}
