/* SPDX-License-Identifier: BSD-2-Clause */
/* hang.h - a pipeline that has to end, and a callback of a plugin that does not come back.
 *
 * Thread: main, while the pipeline runs. */
#ifndef WEIR_HOST_HANG_H
#define WEIR_HOST_HANG_H

#include "pipeline.h"

#define HANG_STOP_MS                                                                                         \
    1000 /* after the end of a drain a callback was interrupted: it has this long to return */
#define HANG_FAIL_MS  10000 /* the same after a failure, where others may be in the middle of something good */
#define HANG_CLOSE_MS 15000 /* close and destroy bound themselves: ten seconds, says the contract */

/* True, and logs whose callback it is: the pipeline never will be done, and must neither be joined nor freed; its books
 * can be read.  Said once, true ever after. */
bool hang_found(struct pipeline *, int64_t now_ms);

#endif
