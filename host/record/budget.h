/* SPDX-License-Identifier: BSD-2-Clause */
/* budget.h - the bytes of one pipeline: what flows is charged here, the source stops reading at the limit.
 *
 * Threads: any. */
#ifndef WEIR_HOST_BUDGET_H
#define WEIR_HOST_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct budget {
    _Atomic size_t used, peak;
    _Atomic size_t limit;       /* of records that flow */
    size_t record_max;          /* one record may hold at most this much */
    _Atomic bool waiting;       /* the source waits for room */
    void (*on_room)(void *arg); /* called once when room comes back */
    void *arg;
};

void budget_charge(struct budget *, size_t n);
void budget_release(struct budget *, size_t n);
bool budget_full(const struct budget *);
/* Says that the caller waits for room; true when there is some already. */
bool budget_wait(struct budget *);
/* The limit is n from now on, if it was lower. */
void budget_widen(struct budget *, size_t n);

#endif
