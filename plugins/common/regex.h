/* SPDX-License-Identifier: BSD-2-Clause */
/* regex.h - regular expressions of operators: PCRE2, with limits that no regex and no text gets around.
 *
 * Used by the plugins that have regexes among their options; each links libpcre2-8.  A struct regex belongs to one
 * thread at a time (the home thread): it holds what the last match found.  Of ctx only host->mem is used, so check can
 * compile too.
 *
 * Patterns and texts are UTF-8; \w, \d, \s and \b mean ASCII unless the pattern begins with (*UCP).  $ fits at the end
 * and before a last line feed, . fits all but a line feed; (?i), (?s), (?m) and (?x) work as everywhere.  Refused are
 * \C, which would take a character apart, and \G, for a search goes in steps.
 *
 * Bounds.  For each place at which a match may begin, a search takes at most REGEX_STEPS (what PCRE2 counts: about one
 * try each); in a text so long that those could read more than REGEX_READ bytes, as many fewer as keep them below it (a
 * step reads the text once at most): six seconds on the machine of 2026-11-22, for a regex made to do that.  What it
 * remembers to go back to has 4 MiB with the JIT compiler and 16 MiB without.  All searches in one text together, or
 * in all texts that share a struct regex_time, get REGEX_CPU_MS of the thread's CPU time, which is looked at after every
 * 200 places; the machine's load makes no difference.  Beyond any of it the answer is REGEX_LIMIT, which is not "it does
 * not fit". */
#ifndef WEIR_PLUGINS_REGEX_H
#define WEIR_PLUGINS_REGEX_H

#include <weir/plugin.h>

#include <stdbool.h>

#define REGEX_PATTERN_MAX 65535u      /* bytes of a pattern */
#define REGEX_TEXT_MAX    (16u << 20) /* bytes of a text: a longer one is REGEX_LIMIT */
#define REGEX_STEPS       500000u
#define REGEX_READ        ((uint64_t)8 << 30)
#define REGEX_CPU_MS      500

/* What a search says. */
enum {
    REGEX_NONE = 0,      /* it does not fit */
    REGEX_FOUND = 1,     /* regex_group says where */
    REGEX_LIMIT = -1,    /* it took too many steps or too much memory, or the text is too long */
    REGEX_NOT_UTF8 = -2, /* the text is not UTF-8 */
    REGEX_FAILED = -3,   /* PCRE2 failed at something else: (*MARK)s, callouts; no regex should come here */
    REGEX_TOO_LONG = -4, /* regex_replace alone: the result is longer than max */
    REGEX_MOVED = -5     /* \K in a group that a lookaround calls put the match's start outside of it */
};

/* Of regex_compile. */
#define REGEX_ANY_CASE   0x1u /* as (?i) */
#define REGEX_WHOLE      0x2u /* it fits only the whole text (what Java calls matches) */
#define REGEX_SAME_NAMES 0x4u /* several groups may have one name, as (?J) */
#define REGEX_ECMA                                                                                           \
    0x8u /* as ECMA-262: $ fits at the very end alone, \uABCD is a character, [] fits nothing */

struct regex;
struct regex_name {
    const char *name;
    uint32_t group;
};

/* Compiles a pattern.  NULL: it is none, and why (cap bytes, cut there) is a phrase with the column, counted in characters
 * from 1: "column 7: missing closing parenthesis".  Free it with regex_free (of the same ctx's host). */
struct regex *regex_compile(struct weir_ctx *, const char *pattern, uint32_t flags, char *why, size_t cap);
void regex_free(struct regex *); /* NULL: nothing */

/* Its groups: numbers 1 to regex_groups.  The named ones by rising number, borrowed for the regex's life. */
uint32_t regex_groups(const struct regex *);
const struct regex_name *regex_names(const struct regex *, size_t *ret_count);
/* The number of the (first) group with that name of len bytes, 0: there is none. */
uint32_t regex_named(const struct regex *, const char *name, size_t len);

/* Searches text for the first place where it fits.  text is borrowed until the last regex_group or regex_next of it;
 * ptr NULL counts as empty.  valid: the caller knows that it is UTF-8 (what json_string gave), else that is looked at,
 * once for all searches in it. */
int regex_find(struct regex *, struct weir_slice text, bool valid);
/* The same for one of many texts and regexes that belong to one record: all that share a time, which is REGEX_TIME at the
 * start, get REGEX_CPU_MS together.  No regex_next follows. */
struct regex_time {
    size_t unseen;  /* places that were tried since the last look at the clock */
    int64_t cpu_ms; /* of the thread at the first look; -1: there was none */
};
#define REGEX_TIME ((struct regex_time){0, -1})
int regex_find_within(struct regex *, struct weir_slice text, bool valid, struct regex_time *);
/* As regex_find in two steps: every place where it fits, by regex_next until it is not REGEX_FOUND.  A next one begins
 * where the last one ended, one character on if it was empty: as Java's Matcher.find. */
void regex_begin(struct regex *, struct weir_slice text, bool valid);
/* With a time that is shared as above; it stays until the last regex_next. */
void regex_begin_within(struct regex *, struct weir_slice text, bool valid, struct regex_time *);
int regex_next(struct regex *);
/* After REGEX_FOUND: what group n fitted (0: the regex as a whole), a part of text; false: it took no part, or there is
 * none (*ret is empty with ptr NULL then). */
bool regex_group(const struct regex *, uint32_t n, struct weir_slice *ret);
/* What a negative answer means, as a phrase for a record's error: "the regex took more steps than it may". */
const char *regex_error(int answer);

/* ---- replacing ------------------------------------------------------------------------------------------------- */
/* What is put in the place of a match: text with $1, ${1}, $name and ${name} for groups (nothing for one that took no
 * part), $0 for the match, $$ or \$ for a dollar sign and \\ for a backslash; other backslashes are an error.  As Java's
 * replaceAll, $12 is group 12 if there is one, else group 1 and a 2.  (In weir's files ${name} is written $${name}, for
 * ${ is taken there; so $name is there too.) */
struct regex_subst;
/* NULL: it is wrong, and why says so as regex_compile does.  It borrows the regex, which must live as long. */
struct regex_subst *regex_subst_compile(struct regex *, struct weir_ctx *, const char *replacement, char *why,
                                        size_t cap);
void regex_subst_free(struct regex_subst *); /* NULL: nothing */
/* Replaces the first `most` matches (0: all) in text.  REGEX_FOUND: *ret is the new text, borrowed until the next call
 * with this regex_subst; REGEX_NONE: it does not fit anywhere, *ret is text itself.  max: bytes the result may have. */
int regex_replace(struct regex_subst *, struct weir_slice text, bool valid, uint32_t most, size_t max,
                  struct weir_slice *ret);

#endif
