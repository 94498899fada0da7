/* SPDX-License-Identifier: BSD-2-Clause */
/* rehearsal.h - a pipeline run for a test, with stand-ins where the world would be.  Thread: main, in a process of its
 * own: environment, clock and standard output are changed. */
#ifndef WEIR_HOST_REHEARSAL_H
#define WEIR_HOST_REHEARSAL_H

#include "record/strbuf.h"
#include "script.h"
#include "trial.h"

/* Runs the test with the empty folder dir and says in out what is not as it should be; mistakes of the test or of its
 * pipeline go to standard error (TRIAL_UNFIT). */
enum trial_end rehearsal(const struct script *, const struct script_test *, const char *dir,
                         struct strbuf *out);

#endif
