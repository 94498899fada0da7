/* SPDX-License-Identifier: BSD-2-Clause */
/* members.h - the JSON object that a format makes of a text, written member by member into one buffer.
 *
 * Home thread only.  The buffer is used again for each record.  Of members of one name the last one stays, in its own
 * place, as it is the one that is meant (docs/json.md).  What fails says why once; the format then gives false. */
#ifndef WEIR_PLUGINS_PARSE_MEMBERS_H
#define WEIR_PLUGINS_PARSE_MEMBERS_H

#include <weir/helpers.h>

#include <stdbool.h>

#include "types.h"

enum { MEMBERS_MAX = 1000, MEMBERS_LEVELS = 4 }; /* in one record, and objects within each other */

struct member {
    size_t at, end; /* in the text: from its name's quote on */
    uint32_t name;  /* bytes of the quoted name */
    uint32_t hash;
    bool gone; /* one of the same name came later */
};

struct members {
    struct weir_ctx *ctx;
    const struct types *types;
    char *text;
    size_t len, room;
    struct member list[MEMBERS_MAX];
    uint32_t n;
    struct members_level {
        uint32_t first; /* its members in the list */
        uint64_t seen;  /* a bit for each hash there was */
        bool gone;      /* one of them is */
    } levels[MEMBERS_LEVELS];
    uint32_t level;
    char *scratch; /* of members_scratch */
    size_t scratch_room;
    struct weir_slice whole; /* of members_whole */
    char why[256];
};

/* types is borrowed. */
void members_init(struct members *, struct weir_ctx *, const struct types *);
void members_free(struct members *);
void members_begin(struct members *);
/* The object; borrowed until the next begin. */
struct weir_slice members_end(struct members *);

/* Adds a member: text as types say (a string without), or always as a string unless types.NAME says so; JSON text,
 * which is not looked at; or text of that type, whatever types say.  False: it can't be, and why says so. */
bool members_text(struct members *, struct weir_slice name, struct weir_slice text);
bool members_string(struct members *, struct weir_slice name, struct weir_slice text);
bool members_typed(struct members *, struct weir_slice name, struct weir_slice text, int type); /* TYPE_* */
bool members_raw(struct members *, struct weir_slice name, struct weir_slice json);
/* The same where it is known how the host quotes the name. */
bool members_raw_as(struct members *, struct weir_slice name, struct weir_slice quoted,
                    struct weir_slice json);
/* The member is an object of its own: what is added until close stands in it. */
bool members_open(struct members *, struct weir_slice name);
void members_close(struct members *);
/* There is no object: this JSON text, which is borrowed, is the result. */
void members_whole(struct members *, struct weir_slice json);

/* Room for that many bytes, until it is asked for again. */
char *members_scratch(struct members *, size_t n);
/* Says why, and gives false.  Bytes of the text are shown by members_shown. */
WEIR_PRINTF(2, 3) bool members_fail(struct members *, const char *why, ...);
/* The beginning of a text as a sentence may hold it: 40 bytes, whole characters, no controls. */
enum { MEMBERS_SHOWN = 48 };
const char *members_shown(struct weir_slice, char room[MEMBERS_SHOWN]);

/* Whether a member of that name is there; quoted: the name as it stands in JSON.  After end. */
bool members_has(const struct members *, struct weir_slice name, struct weir_slice quoted);

#endif
