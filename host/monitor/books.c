/* SPDX-License-Identifier: BSD-2-Clause */
/* books.c - prints the account of a pipeline.  Main thread, when the pipeline's threads have ended. */
#include "books.h"

#include <inttypes.h>

/* A sink has one outlet per worker; people think of it as one. */
static void print_sink(const struct pipeline *p, const struct section_conf *s, FILE *f)
{
    struct outlet_sum sum = {0};
    for (uint32_t i = 0; i < p->n_outlets; i++) {
        struct outlet_sum one = outlet_books_sum(p->outlets[i]);
        if (p->outlets[i]->conf != s)
            continue;
        sum.in += one.in;
        sum.delivered += one.delivered;
        sum.duplicate += one.duplicate;
        sum.dead += one.dead;
    }
    uint64_t ended = sum.delivered + sum.duplicate + sum.dead;
    fprintf(f,
            "  %s: in %" PRIu64 " = delivered %" PRIu64 " + duplicate %" PRIu64 " + dead-lettered %" PRIu64,
            s->dead_letter ? "dead-letter" : s->name, sum.in, sum.delivered, sum.duplicate, sum.dead);
    if (ended < sum.in)
        fprintf(f, " + undelivered %" PRIu64, sum.in - ended);
    fputc('\n', f);
}

bool books_print(struct pipeline *p, FILE *f)
{
    struct books b = ledger_books(&p->flow.ledger);
    bool balanced = b.read == b.delivered + b.dead + b.dropped + b.open;
    fprintf(f,
            "%s: read %" PRIu64 " = delivered %" PRIu64 " + dead-lettered %" PRIu64 " + dropped %" PRIu64
            " + undelivered %" PRIu64 "\n",
            p->flow.conf->label, b.read, b.delivered, b.dead, b.dropped, b.open);
    for (size_t i = 0; i < p->flow.conf->n_sinks; i++)
        print_sink(p, &p->flow.conf->sinks[i], f);
    if (p->flow.conf->dead_letter && !p->letters)
        print_sink(p, p->flow.conf->dead_letter, f);
    if (b.returned)
        fprintf(f, "  given back at a rebalance, read again by their new owner: %" PRIu64 "\n", b.returned);
    if (!balanced)
        fprintf(f, "  these books do not balance: a fault of weir, please report it\n");
    return balanced;
}

bool books_print_all(const struct readers *r, FILE *f)
{
    bool balanced = true;
    for (size_t i = 0; i < r->n; i++)
        balanced &= books_print(r->list[i], f);
    if (r->letters) {
        fprintf(f, "%s: dead letters of all its sinks\n", r->conf->name);
        print_sink(r->letters, r->conf->dead_letter, f);
    }
    return balanced;
}
