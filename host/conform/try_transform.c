/* SPDX-License-Identifier: BSD-2-Clause */
/* try_transform.c - trials of a transform: records of all sorts, and two instances in turn. */
#include "hostile.h"
#include "trial.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define PLAIN 40 /* records of a usual batch */

bool transform_work(struct harness *h)
{
    bool good = harness_process(h, hostile_plain(h, PLAIN)) != WEIR_FATAL &&
                harness_process(h, hostile_odd(h)) != WEIR_FATAL;
    (void)harness_let_go(h, WEIR_WHY_END);
    return good;
}

void try_transform(void)
{
    struct harness *h = trial_start();
    if (!transform_work(h) || harness_process(h, hostile_huge(h)) == WEIR_FATAL)
        trial_unable("process says FATAL: %s",
                     harness_failure(h)->why ? harness_failure(h)->why : "no reason is given");
    if (!(harness_promises(h) & WEIR_ONE_TO_ONE))
        trial_skip(RULE_PROMISES, "it does not promise WEIR_ONE_TO_ONE");
    trial_end(h);
}

/* ---- two at one time ----------------------------------------------------------------------------------------- */

static void add(uint64_t *digest, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *digest = (*digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
}

static void add_slice(uint64_t *digest, struct weir_slice s)
{
    add(digest, &s.len, sizeof s.len);
    add(digest, s.ptr ? s.ptr : "", s.ptr ? s.len : 1);
}

/* Of all that came out of it. */
static uint64_t digest_of(const struct harness *h)
{
    uint64_t digest = 0xcbf29ce484222325u;
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct harness_out *o = harness_out(h, i);
        add(&digest, &o->how, sizeof o->how);
        add(&digest, &o->parent, sizeof o->parent);
        add_slice(&digest, o->record.key);
        add_slice(&digest, o->record.value);
        add_slice(&digest, o->record.topic);
    }
    return digest;
}

/* What one makes that is alone in its process. */
static uint64_t digest_alone(void)
{
    uint64_t digest = 0;
    int ends[2];
    pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child < 0)
        trial_unable("there is no process for another instance");
    if (child == 0) {
        struct harness *h = trial_start();
        (void)transform_work(h);
        digest = digest_of(h);
        _exit(write(ends[1], &digest, sizeof digest) == sizeof digest ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    (void)close(ends[1]);
    if (read(ends[0], &digest, sizeof digest) != sizeof digest)
        trial_unable("an instance that is alone does not come to its end");
    (void)close(ends[0]);
    (void)waitpid(child, NULL, 0);
    return digest;
}

void try_transform_pair(void)
{
    uint64_t alone = digest_alone();
    if (digest_alone() != alone) {
        trial_skip(RULE_INSTANCES, "it does not make the same of the same twice");
        return;
    }
    struct harness *a = trial_start(), *b = trial_start();
    (void)harness_process(a, hostile_plain(a, PLAIN));
    (void)harness_process(b, hostile_plain(b, PLAIN));
    (void)harness_process(b, hostile_odd(b));
    (void)harness_process(a, hostile_odd(a));
    (void)harness_let_go(a, WEIR_WHY_END);
    (void)harness_let_go(b, WEIR_WHY_END);
    if (digest_of(a) != alone || digest_of(b) != alone)
        trial_broken(RULE_INSTANCES,
                     "two instances in turn make of the same records what one alone does not");
    trial_end(b);
    trial_end(a);
}
