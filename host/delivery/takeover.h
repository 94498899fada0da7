/* SPDX-License-Identifier: BSD-2-Clause */
/* takeover.h - positions go with a pipeline when its fan-out changes.
 *
 * Together there is one reader, "", independent there is one for each sink, and each has rows of its own.  Readers that
 * part begin where the one stood; the one begins where the last of them stood, shard by shard, so nothing is left out.
 * Thread: main, before the pipeline is built. */
#ifndef WEIR_HOST_TAKEOVER_H
#define WEIR_HOST_TAKEOVER_H

#include "config/conf.h"
#include "state.h"

/* Makes the state fit the fan-out, in one transaction, and logs what it did.  *ret_moved: positions are another reader's
 * of before.  False: nothing was changed, why says what is wrong. */
bool takeover(const struct state *, const struct pipeline_conf *, bool *ret_moved, struct strbuf *why);

#endif
