/* SPDX-License-Identifier: BSD-2-Clause */
/* every-option.c - a plugin of somebody else that is in order: each type of option, with the ways to write them. */
#include "plugin.h"

static const char *const colours[] = {"red", "green", NULL};

struct every {
    const char *text, *set, *old;
    int64_t whole, bounded, yes, bytes, wait, colour;
    double number;
    struct weir_list list, listed;
    struct weir_map group, words;
    const struct weir_secret *secret;
    const struct weir_template *name;
    const struct weir_expr *keep;
    const struct weir_path *field;
    struct weir_paths fields;
    struct weir_fields made, named, coloured;
};

static const struct weir_option rows[] = {
    WEIR_OPT_STRING(struct every, text, "text", WEIR_F_REQUIRED, NULL, "Any text",
                    "With \"quotes\", a \\ and\n.dots"),
    WEIR_OPT_STRING(struct every, set, "text.set", 0, "", "Text that is empty", NULL),
    WEIR_OPT_STRING(struct every, old, "old", WEIR_F_DEPRECATED, NULL, "What nobody needs", NULL),
    WEIR_OPT_INT(struct every, whole, "whole", 0, "007", 0, 0, "Whole number without limits", NULL),
    WEIR_OPT_INT(struct every, bounded, "bounded", 0, "-3", -5, 5, "Whole number with limits", NULL),
    WEIR_OPT_BOOL(struct every, yes, "yes", 0, "yes", "Whether", NULL),
    WEIR_OPT_DOUBLE(struct every, number, "number", 0, ".5", 0, 1, "Share of the whole", NULL),
    WEIR_OPT_SIZE(struct every, bytes, "bytes", 0, "64K", 1024, 1 << 30, "Room", NULL),
    WEIR_OPT_DURATION(struct every, wait, "wait", WEIR_F_ADVANCED, "1m", 10, 3600000, "Patience", NULL),
    WEIR_OPT_ENUM(struct every, colour, "colour", 0, "green", colours, "Colour", NULL),
    WEIR_OPT_LIST(struct every, list, "list", 0, NULL, "Things", NULL),
    WEIR_OPT_LIST(struct every, listed, "listed", 0, "one , two", "Things that are there", NULL),
    WEIR_OPT_MAP(struct every, group, "group.", 0, "Passed on", NULL),
    WEIR_ROW_(struct every, words, struct weir_map, WEIR_T_MAP, 0, "word.", NULL, 0, 0, colours,
              "Colour of a word", NULL),
    WEIR_OPT_SECRET(struct every, secret, "secret", 0, "Not to be shown", NULL),
    WEIR_OPT_TEMPLATE(struct every, name, "name", WEIR_F_NAME, "{topic}-{.id|none}", "Name of the target",
                      NULL),
    WEIR_OPT_EXPR(struct every, keep, "keep", 0, ".a == 1", "What is kept", NULL),
    WEIR_OPT_PATH(struct every, field, "field", 0, ".user.name", "Which field", NULL),
    WEIR_OPT_PATHS(struct every, fields, "fields", 0, ".a, .b", "Which fields", NULL),
    WEIR_OPT_FIELDS(struct every, made, "made.", 0, NULL, "Text of a field", NULL),
    WEIR_ROW_(struct every, named, struct weir_fields, WEIR_T_FIELDS, WEIR_F_TEXT, "named.", NULL, 0, 0, NULL,
              "Name of a field", NULL),
    WEIR_OPT_FIELDS(struct every, coloured, "coloured.", 0, colours, "Colour of a field", NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct every, rows);

static int a_process(void *self, const struct weir_batch *batch, struct weir_emitter *to)
{
    (void)self;
    (void)batch;
    (void)to;
    return WEIR_OK;
}

static const struct weir_ops source = {SOURCE_OPERATIONS, .options = &options};
static const struct weir_ops transform = {.struct_size = sizeof(struct weir_ops),
                                          .kind = WEIR_TRANSFORM,
                                          .options = &options,
                                          .create = a_create,
                                          .process = a_process,
                                          .destroy = an_end};
static const struct weir_ops sink = {SINK_OPERATIONS, .options = &options};
static const struct weir_ops *const all_ops[] = {&source, &transform, &sink, NULL};
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "every-option", "1.2.3", "Has every option",
                                          "BSD-2-Clause",   NULL,           all_ops};
WEIR_PLUGIN(plugin);
