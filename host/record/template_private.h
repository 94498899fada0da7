/* SPDX-License-Identifier: BSD-2-Clause */
/* template_private.h - a compiled template, shared by template*.c and by nobody else. */
#ifndef WEIR_HOST_TEMPLATE_PRIVATE_H
#define WEIR_HOST_TEMPLATE_PRIVATE_H

#include "arena.h"
#include "path.h"
#include "strbuf.h"

#include <stdbool.h>

#include <weir/plugin.h>

enum template_kind {
    PART_TEXT,
    PART_PATH,
    PART_KEY,
    PART_TOPIC,
    PART_PARTITION,
    PART_OFFSET,
    PART_HEADER,
    PART_TIME
};

struct template_part {
    enum template_kind kind;
    bool has_fallback;
    struct weir_slice text;     /* the literal, the header's name, the time's format */
    struct weir_slice fallback; /* behind `|` */
    struct weir_slice written;  /* the field with its braces, for messages */
    struct json_path *path;
};

struct weir_template {
    struct arena arena;
    uint32_t flags;
    size_t count;
    struct template_part *parts; /* no two literals in a row */
};

/* template_time.c: whether %c is known; the letters as a sentence's list. */
bool time_format_knows(char c);
#define TIME_FORMAT_LETTERS "%Y %y %m %d %H %M %S %L %j %G %V %u %s %F %T and %%"
/* Appends the UTC time; the format holds only letters that are known.  False when the year is not 1 to 9999. */
bool time_format_print(struct strbuf *out, struct weir_slice format, int64_t ms);

/* NULL, or what is wrong with these bytes as (part of) a name. */
const char *template_name_fault(struct weir_slice);

#endif
