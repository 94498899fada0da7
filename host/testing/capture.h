/* SPDX-License-Identifier: BSD-2-Clause */
/* capture.h - stands in for a sink in a test: keeps what the sink would be given, its templates rendered.
 *
 * Faults mean what the real sink's table of errors and error.NAME of the section say.  One instance, on a thread that
 * is the sink's own. */
#ifndef WEIR_HOST_CAPTURE_H
#define WEIR_HOST_CAPTURE_H

#include "config/conf.h"
#include "faults.h"
#include "outputs.h"

struct capture {
    struct weir_ops ops;    /* of the stand-in */
    struct section_conf of; /* the section as it was */
    struct outputs *to;
    struct faults *faults; /* NULL: none */
};

/* Puts the stand-in into the section; both are borrowed. */
void capture_put(struct section_conf *, struct capture *, struct outputs *to, struct faults *);

#endif
