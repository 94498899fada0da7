/* SPDX-License-Identifier: BSD-2-Clause */
/* budget.c - counts the bytes of one pipeline.  Any thread. */
#include "budget.h"

void budget_charge(struct budget *b, size_t n)
{
    size_t now = atomic_fetch_add_explicit(&b->used, n, memory_order_relaxed) + n;
    size_t peak = atomic_load_explicit(&b->peak, memory_order_relaxed);
    while (now > peak && !atomic_compare_exchange_weak_explicit(&b->peak, &peak, now, memory_order_relaxed,
                                                                memory_order_relaxed))
        ;
}

/* Room is worth a wake-up from three quarters down, so that reader and sinks do not take turns byte by byte. */
static bool roomy(const struct budget *b, size_t used)
{
    size_t limit = atomic_load_explicit(&b->limit, memory_order_relaxed);
    return used <= limit - limit / 4;
}

static void tell(struct budget *b, size_t used)
{
    if (roomy(b, used) && atomic_load(&b->waiting) && atomic_exchange(&b->waiting, false) && b->on_room)
        b->on_room(b->arg);
}

void budget_release(struct budget *b, size_t n)
{
    size_t now = atomic_fetch_sub(&b->used, n) - n;
    tell(b, now);
}

void budget_widen(struct budget *b, size_t n)
{
    size_t was = atomic_load(&b->limit);
    while (n > was && !atomic_compare_exchange_weak(&b->limit, &was, n))
        ;
    tell(b, atomic_load(&b->used));
}

bool budget_full(const struct budget *b)
{
    return atomic_load_explicit(&b->used, memory_order_relaxed) >=
           atomic_load_explicit(&b->limit, memory_order_relaxed);
}

bool budget_wait(struct budget *b)
{
    atomic_store(&b->waiting, true);
    if (!roomy(b, atomic_load(&b->used)))
        return false;
    atomic_store(&b->waiting, false);
    return true;
}
