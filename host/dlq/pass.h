/* SPDX-License-Identifier: BSD-2-Clause */
/* pass.h - one run of a pipeline through a gate, to the end, with signals taken.  Thread: main. */
#ifndef WEIR_HOST_PASS_H
#define WEIR_HOST_PASS_H

#include "config/conf.h"
#include "engine/gate.h"
#include "monitor/monitor.h"
#include "record/strbuf.h"

#define PASS_PATIENCE_MS 20000

struct passing {
    const struct pipeline_conf *conf;
    struct gate *gate;
    const char *state_dir;
    bool looks;                            /* gives up when the source is in trouble for PASS_PATIENCE_MS */
    bool books;                            /* show progress, print the books */
    const struct monitor_address *metrics; /* --metrics: served while it runs; NULL: nowhere */
    bool (*ready)(struct gate *,
                  struct state *); /* before the start; false: it must not start.  NULL: none */
    bool (*done)(struct gate *,
                 struct state *); /* after it, if it came to its end; false: that failed.  NULL: none */
    struct pipeline *running;     /* for gates that have seen enough: pipeline_stop(running) */
};

enum pass_end { PASS_DONE, PASS_FAILED, PASS_STOPPED, PASS_REFUSED };

/* Before plugins are loaded: signals are taken by the main thread from here on. */
void pass_signals(void);
/* Runs it; REFUSED with a sentence in why: it did not start.  A second signal, or a callback that does not come back
 * once all have to, ends the process with the books. */
enum pass_end pass_run(struct passing *, struct strbuf *why);

#endif
