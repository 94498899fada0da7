/* SPDX-License-Identifier: BSD-2-Clause */
/* try_sink.c - trials of a sink: batches of all sorts, completed once; closed, interrupted, two of them. */
#include "../report/clock.h"
#include "hostile.h"
#include "trial.h"

#include <string.h>

#define PLAIN 40 /* records of a usual batch */

static uint32_t in_flight(struct harness *h)
{
    return harness_instance(h)->in_flight;
}

static bool below_limit(struct harness *h, void *unused)
{
    (void)unused;
    return harness_lent(h) < in_flight(h);
}

/* Waits for batches to be complete. */
static void wait_for(struct harness *h, bool (*cond)(struct harness *, void *))
{
    (void)harness_flush(h);
    if (harness_run_until(h, cond, NULL, TRIAL_TROUBLE_MS))
        return;
    trial_far_end(h);
    if (!harness_run_until(h, cond, NULL, TRIAL_ANSWER_MS - TRIAL_TROUBLE_MS))
        trial_broken(RULE_COMPLETE, "a batch is not complete %d s after flush", TRIAL_ANSWER_MS / 1000);
}

static const char *reason(const struct harness *h)
{
    return harness_failure(h)->why ? harness_failure(h)->why : "no reason is given";
}

/* Offers the batch as the host does: never too many, again after AGAIN.  False: the instance can not go on. */
static bool offer(struct harness *h, struct weir_batch *b)
{
    int64_t end = clock_mono_ms() + TRIAL_ANSWER_MS;
    wait_for(h, below_limit);
    int status;
    while ((status = harness_write(h, b)) == WEIR_AGAIN && clock_mono_ms() < end)
        (void)harness_step(h, 50);
    if (status == WEIR_AGAIN)
        trial_far_end(h);
    if (status == WEIR_AGAIN)
        trial_broken(RULE_COMPLETE, "write says AGAIN for %d s", TRIAL_ANSWER_MS / 1000);
    return status != WEIR_FATAL;
}

static void finish(struct harness *h)
{
    wait_for(h, harness_idle);
    if ((harness_promises(h) & WEIR_COMMITS) && trial_ops()->commit)
        (void)harness_sink_commit(h, NULL, 0, "check");
}

bool sink_work(struct harness *h)
{
    bool good = offer(h, hostile_plain(h, PLAIN)) && offer(h, hostile_odd(h));
    finish(h);
    return good;
}

void try_sink(void)
{
    struct harness *h = trial_start();
    if (!sink_work(h) || !offer(h, hostile_plain(h, 1)) || !offer(h, hostile_huge(h)))
        trial_unable("write says FATAL: %s", reason(h));
    finish(h);
    trial_end(h);
}

void try_sink_close(void)
{
    struct harness *h = trial_start();
    for (uint32_t i = 0; i < in_flight(h); i++)
        if (harness_write(h, hostile_plain(h, PLAIN)) != WEIR_OK)
            break;
    trial_end(h);
}

void try_sink_interrupt(void)
{
    struct harness *h = trial_start();
    if (!trial_ops()->interrupt)
        trial_skip(RULE_INTERRUPT, "it has no interrupt, and nothing blocked");
    (void)harness_write(h, hostile_plain(h, PLAIN));
    harness_interrupt(h);
    (void)harness_write(h, hostile_plain(h, PLAIN));
    trial_end(h);
}

void try_sink_pair(void)
{
    char why[TRIAL_TEXT_MAX];
    struct harness *a = trial_start(), *b = trial_load();
    if (harness_promises(a) & WEIR_SINGLE) {
        trial_skip(RULE_INSTANCES, "it promises WEIR_SINGLE: one instance owns the target");
    } else if (!trial_open(b, why)) {
        trial_skip(RULE_INSTANCES, "a second one does not open: %s", why);
    } else {
        (void)(offer(a, hostile_plain(a, PLAIN)) && offer(b, hostile_plain(b, PLAIN)) &&
               offer(b, hostile_odd(b)) && offer(a, hostile_odd(a)));
        finish(a);
        finish(b);
    }
    trial_end(b);
    trial_end(a);
}
