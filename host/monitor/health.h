/* SPDX-License-Identifier: BSD-2-Clause */
/* health.h - what /health/live and /health/ready say: an HTTP status and a JSON body with who and why.
 *
 * Live: every thread of weir's turns, and no callback of a plugin hangs, except where a sink may block (WEIR_BLOCKS).
 * Ready: live, and every source, transform and sink is open and well, no pipeline failed or is stuck, positions can
 * be stored.  Any thread; reads numbers and takes no lock but those of told and stuck, which no record waits for. */
#ifndef WEIR_HOST_HEALTH_H
#define WEIR_HOST_HEALTH_H

#include "monitor.h"

#define HEALTH_GOOD 200u
#define HEALTH_BAD  503u

/* Each returns the status and appends the body to out (NULL: only the status is wanted). */
unsigned health_live(const struct monitor *, struct strbuf *out);
unsigned health_ready(const struct monitor *, struct strbuf *out);
/* "starting", "running", "draining", "ended" or "failed" */
const char *health_pipeline_state(const struct pipeline *);

#endif
