/* SPDX-License-Identifier: BSD-2-Clause */
/* faults.h - when the other end of a sink does wrong: requests and records counted against what a test says.
 *
 * Thread: one at a time. */
#ifndef WEIR_HOST_FAULTS_H
#define WEIR_HOST_FAULTS_H

#include "script.h"

struct faults { /* of one sink; a zeroed one has none */
    const struct fault *const *items;
    size_t n;
    uint64_t requests, records; /* so far */
};

/* The next request came: its fault, or NULL. */
const struct fault *faults_request(struct faults *);
/* A record of it came. */
const struct fault *faults_record(struct faults *);

#endif
