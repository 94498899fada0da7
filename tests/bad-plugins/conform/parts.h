/* SPDX-License-Identifier: BSD-2-Clause */
/* parts.h - what the plugins that break a rule while they run share. */
#ifndef WEIR_TESTS_CONFORM_PARTS_H
#define WEIR_TESTS_CONFORM_PARTS_H

#define WEIR_API 1
#include <weir/helpers.h>

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct conf {
    int64_t count;
};
static const struct weir_option rows[] = {
    WEIR_OPT_INT(struct conf, count, "count", 0, "20", 0, 1000, "How many records there are", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);

/* What an optimizer must not see through. */
extern volatile size_t total;
extern char *volatile leaked;
extern volatile int *volatile nowhere;
__attribute__((visibility("hidden"))) volatile size_t total;
__attribute__((visibility("hidden"))) char *volatile leaked;
__attribute__((visibility("hidden"))) volatile int *volatile nowhere;

#endif
