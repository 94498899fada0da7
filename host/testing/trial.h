/* SPDX-License-Identifier: BSD-2-Clause */
/* trial.h - one test, run in a process of its own: so that environment, clock, standard output and a plugin that
 * crashes concern nobody else.  Thread: main. */
#ifndef WEIR_HOST_TRIAL_H
#define WEIR_HOST_TRIAL_H

#include "record/strbuf.h"
#include "script.h"

#define TRIAL_SECONDS 60 /* real ones; a test is over in far less */

enum trial_end { TRIAL_OK, TRIAL_FAILED, TRIAL_UNFIT }; /* UNFIT: it, or its pipeline, has a mistake */

/* Runs the test; what is to be said of it is appended to out, in whole lines. */
enum trial_end trial_run(const struct script *, const struct script_test *, struct strbuf *out);

#endif
