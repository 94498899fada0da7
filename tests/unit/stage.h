/* SPDX-License-Identifier: BSD-2-Clause */
/* stage.h - a transform whose code is the test's, in a rig; and how often JSON was parsed and printed meanwhile. */
#ifndef WEIR_TESTS_STAGE_H
#define WEIR_TESTS_STAGE_H

#include "rig.h"

/* Linked with --wrap: every parse and print of the program goes through here. */
struct json_doc *__real_json_parse(struct arena *, const void *p, size_t n, struct json_error *error);
struct json_doc *__wrap_json_parse(struct arena *, const void *p, size_t n, struct json_error *error);
void __real_json_print(const struct json_doc *, char *out);
void __wrap_json_print(const struct json_doc *, char *out);
static int parses, prints;

struct json_doc *__wrap_json_parse(struct arena *a, const void *p, size_t n, struct json_error *error)
{
    parses++;
    return __real_json_parse(a, p, n, error);
}

void __wrap_json_print(const struct json_doc *doc, char *out)
{
    prints++;
    __real_json_print(doc, out);
}

struct stage { /* conf and self of the fake transform */
    struct weir_ctx *ctx;
    int (*process)(struct stage *, const struct weir_batch *, struct weir_emitter *);
    int calls;
};

static int stage_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    struct stage *s = (struct stage *)(uintptr_t)conf;
    s->ctx = ctx;
    *self = s;
    return WEIR_OK;
}

static int stage_process(void *self, const struct weir_batch *in, struct weir_emitter *e)
{
    struct stage *s = self;
    s->calls++;
    return s->process(s, in, e);
}

static const struct weir_ops stage_any = {.struct_size = sizeof stage_any,
                                          .kind = WEIR_TRANSFORM,
                                          .create = stage_create,
                                          .process = stage_process,
                                          .destroy = rig_destroy};
static const struct weir_ops stage_one = {.struct_size = sizeof stage_one,
                                          .kind = WEIR_TRANSFORM,
                                          .promises = WEIR_ONE_TO_ONE,
                                          .create = stage_create,
                                          .process = stage_process,
                                          .destroy = rig_destroy};

#endif
