/* SPDX-License-Identifier: BSD-2-Clause */
/* find.h - the built-in patterns: where in a text card numbers, mail addresses and the like stand.
 *
 * Looked for by code and not by regexes: sums are checked (Luhn, ISO 13616), any bytes can be looked through, UTF-8 or
 * not, and the time is bounded by the text's length.  In doubt more is found than less.  Home thread only. */
#ifndef WEIR_PLUGINS_REDACT_FIND_H
#define WEIR_PLUGINS_REDACT_FIND_H

#include <weir/helpers.h>

struct match {
    size_t at, len;
};
struct matches {
    struct weir_ctx *ctx;
    struct match *items;
    size_t count, room;
};

enum { FIND_CARD, FIND_MAIL, FIND_IP, FIND_IBAN, FIND_TOKEN };
/* Their names in that order, NULL-terminated. */
extern const char *const find_names[];

/* Appends all that is found; which: bits 1 << FIND_*. */
void find_in(uint32_t which, struct weir_slice text, struct matches *to);
void find_cards(struct weir_slice text, struct matches *to);
void find_ibans(struct weir_slice text, struct matches *to);
void find_mails(struct weir_slice text, struct matches *to);
void find_ips(struct weir_slice text, struct matches *to);
void find_tokens(struct weir_slice text, struct matches *to);

void matches_add(struct matches *, size_t at, size_t len);
/* By rising place, and those that overlap made one. */
void matches_tidy(struct matches *);
void matches_free(struct matches *);

static inline int is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline int is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline int is_alnum(char c)
{
    return is_digit(c) || is_letter(c);
}

#endif
