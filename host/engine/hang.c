/* SPDX-License-Identifier: BSD-2-Clause */
/* hang.c - looks for callbacks that keep a pipeline from ending (hang.h).
 *
 * Nothing can be done about a thread that is somewhere in a plugin, but the process can end without it: what was not
 * committed is read again.  Before the pipeline has to end nothing is wrong with a callback that takes its time. */
#include "hang.h"

#include "instance/call.h"
#include "report/log.h"

#include <string.h>

/* The time at which all callbacks must have returned; INT64_MAX: there is none yet. */
static int64_t deadline(struct pipeline *p, int64_t now)
{
    struct hang *h = &p->hang;
    if (!h->failed_at && flow_failed(&p->flow))
        h->failed_at = now;
    if (!h->failed_at && flow_ending(&p->flow)) /* dead letters have the time of a drain to arrive */
        h->failed_at = now + p->flow.conf->drain_ms;
    if (!h->stopped_at && atomic_load(&p->stop))
        h->stopped_at = now;
    int64_t at = h->failed_at ? h->failed_at + HANG_FAIL_MS : INT64_MAX;
    int64_t drains = p->only_letters ? HANG_FAIL_MS : p->flow.conf->drain_ms + HANG_STOP_MS;
    int64_t drained = h->stopped_at ? h->stopped_at + drains : INT64_MAX;
    return drained < at ? drained : at;
}

/* Until when a callback that began then may run. */
static int64_t limit(const char *callback, int64_t since, int64_t due)
{
    if (strcmp(callback, "close") == 0 || strcmp(callback, "destroy") == 0)
        return since + HANG_CLOSE_MS;
    if (due == INT64_MAX || since <= due - HANG_STOP_MS)
        return due;
    return since + HANG_FAIL_MS; /* it began after all were interrupted, a last commit perhaps */
}

bool hang_found(struct pipeline *p, int64_t now)
{
    int64_t due = deadline(p, now);
    for (struct instance *i = p->flow.instances; i && !p->hang.found && !pipeline_done(p);
         i = i->next_in_flow) {
        int64_t since;
        const char *callback = call_running(i, &since);
        if (!callback || now < limit(callback, since, due))
            continue;
        p->hang.found = true;
        log_line(
            WEIR_LOG_ERROR, i->who,
            "has not come back from %s for %.1f s, a fault of the plugin %s; weir ends without it, what was "
            "not committed is read again at the next start",
            callback, (double)(now - since) / 1000, i->section->plugin->info.name);
    }
    return p->hang.found;
}
