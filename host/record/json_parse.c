/* SPDX-License-Identifier: BSD-2-Clause */
/* json_parse.c - the grammar of JSON, written once: json_check runs it without building the tree.
 *
 * Owns: nothing; the tree lies in the caller's arena.  No recursion: nesting lives in an explicit stack of
 * JSON_DEPTH_MAX.  Thread: any. */
#include "json_private.h"
#include "json_scan.h"

struct reader {
    struct scan scan;
    const uint8_t *start, *end;
    unsigned depth_max;
    bool newlines;
    /* building only: */
    struct arena *arena;
    struct json_node *root;
};

static inline const uint8_t *skip_space(struct reader *r, const uint8_t *p)
{
    while (p < r->end && *p <= ' ') {
        if (!scan_is_space(*p))
            break;
        r->newlines |= *p == '\n' || *p == '\r';
        p++;
    }
    return p;
}

/* One value that holds no other.  NULL on failure. */
static inline __attribute__((always_inline)) const uint8_t *read_scalar(struct reader *r, const uint8_t *p,
                                                                        uint32_t *ret_type)
{
    bool escaped;

    switch (*p) {
    case '"':
        *ret_type = WEIR_JSON_STRING;
        return scan_short(&r->scan, p + 1, r->end, &escaped);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        *ret_type = WEIR_JSON_NUMBER;
        return scan_number(&r->scan, p, r->end);
    case 't':
        *ret_type = WEIR_JSON_TRUE;
        return scan_literal(&r->scan, p, r->end, "true", 4);
    case 'f':
        *ret_type = WEIR_JSON_FALSE;
        return scan_literal(&r->scan, p, r->end, "false", 5);
    case 'n':
        *ret_type = WEIR_JSON_NULL;
        return scan_literal(&r->scan, p, r->end, "null", 4);
    default:
        return scan_fail(&r->scan, p, "this can not start a value");
    }
}

/* What of a node is known when its first byte is seen. */
struct name {
    const uint8_t *ptr;
    size_t len;
    uint32_t flags;
};

/* A member's name and the colon; gives the value's first byte, or NULL. */
static inline __attribute__((always_inline)) const uint8_t *read_name(struct reader *r, const uint8_t *p,
                                                                      struct name *ret)
{
    bool escaped;

    if (p == r->end || *p != '"')
        return scan_fail(&r->scan, p,
                         p == r->end ? "the text ends inside an object" : "a name in quotes is missing");
    ret->ptr = p;
    p = scan_short(&r->scan, p + 1, r->end, &escaped);
    if (p == NULL)
        return NULL;
    ret->len = (size_t)(p - ret->ptr);
    ret->flags = escaped ? NODE_KEY_ESCAPED : 0;
    p = skip_space(r, p);
    if (p == r->end || *p != ':')
        return scan_fail(&r->scan, p, "a colon is missing behind a name");
    return skip_space(r, p + 1);
}

static inline struct json_node *new_node(struct reader *r, const uint8_t *p, const struct name *name)
{
    struct json_node *node = arena_alloc(r->arena, sizeof *node);

    node->text.ptr = p;
    node->key.ptr = name->ptr;
    node->key.len = name->len;
    node->next = NULL;
    node->child = NULL;
    node->flags = name->flags;
    node->origin = NULL;
    return node;
}

static inline void finish_node(struct json_node *node, uint32_t type, const uint8_t *end)
{
    node->type = type;
    node->text.len = (size_t)(end - (const uint8_t *)node->text.ptr);
}

static const uint8_t *fail_behind(struct reader *r, const uint8_t *p, uint8_t close)
{
    if (p == r->end)
        return scan_fail(&r->scan, p,
                         close == '}' ? "the text ends inside an object" : "the text ends inside an array");
    return scan_fail(&r->scan, p, close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
}

struct nest { /* the containers around the place of reading */
    uint8_t close[JSON_DEPTH_MAX];
    struct json_node *node[JSON_DEPTH_MAX]; /* when building */
};

/* Reads one value from p on with all it holds; gives the byte behind it, or NULL. */
static inline __attribute__((always_inline)) const uint8_t *read_value(struct reader *r, const uint8_t *p,
                                                                       uint32_t *ret_type, const bool build)
{
    struct nest nest;
    struct json_node *node = NULL, **link = &r->root;
    struct name name = {NULL, 0, 0};
    uint32_t type, depth = 0;

value:
    if (p == r->end)
        return scan_fail(&r->scan, p, "the text ends where a value must stand");
    if (build)
        *link = node = new_node(r, p, &name);
    if (*p == '{' || *p == '[') {
        if (depth == r->depth_max)
            return scan_fail(&r->scan, p, "nested deeper than weir reads");
        if (build) {
            nest.node[depth] = node;
            link = &node->child;
        }
        nest.close[depth++] = (uint8_t)(*p + 2); /* in ASCII the bracket that closes it */
        p = skip_space(r, p + 1);
        if (p < r->end && *p == nest.close[depth - 1])
            goto closed;
        goto item;
    }
    p = read_scalar(r, p, &type);

done: /* with a value of that type */
    if (p == NULL)
        return NULL;
    if (build) {
        finish_node(node, type, p);
        link = &node->next;
    }
    *ret_type = type;
    if (depth == 0)
        return p;
    p = skip_space(r, p);
    if (p < r->end && *p == ',') {
        p = skip_space(r, p + 1);
        goto item;
    }
    if (p == r->end || *p != nest.close[depth - 1])
        return fail_behind(r, p, nest.close[depth - 1]);

closed:
    type = nest.close[--depth] == '}' ? WEIR_JSON_OBJECT : WEIR_JSON_ARRAY;
    p++;
    if (build)
        node = nest.node[depth];
    goto done;

item: /* of the innermost container */
    name = (struct name){NULL, 0, 0};
    if (nest.close[depth - 1] == '}' && (p = read_name(r, p, &name)) == NULL)
        return NULL;
    goto value;
}

/* The whole text: white space, one value, white space. */
static inline __attribute__((always_inline)) bool read_text(struct reader *r, const void *text, size_t n,
                                                            uint32_t *ret_type, const bool build)
{
    const uint8_t *p = text;

    r->start = p;
    r->end = p + n;
    if (n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0) {
        scan_fail(&r->scan, p, "a byte order mark, which JSON does not allow");
        return false;
    }
    p = skip_space(r, p);
    if (p == r->end) {
        scan_fail(&r->scan, p, "empty");
        return false;
    }
    p = read_value(r, p, ret_type, build);
    if (p == NULL)
        return false;
    p = skip_space(r, p);
    if (p < r->end)
        scan_fail(&r->scan, p, "something stands behind the value");
    return p == r->end;
}

static void tell(const struct reader *r, struct json_error *error)
{
    if (error == NULL)
        return;
    error->offset = (size_t)(r->scan.at - r->start);
    error->why = r->scan.why;
}

bool json_check(const void *p, size_t n, uint32_t *ret_type, bool *ret_newlines, struct json_error *error)
{
    struct reader r = {.depth_max = JSON_DEPTH_MAX};
    uint32_t type;

    if (!read_text(&r, n > 0 ? p : "", n, &type, false)) {
        tell(&r, error);
        return false;
    }
    if (ret_type != NULL)
        *ret_type = type;
    if (ret_newlines != NULL)
        *ret_newlines = r.newlines;
    return true;
}

struct json_node *json_parse_value(struct arena *arena, const void *p, size_t n, unsigned depth_max,
                                   struct json_error *error)
{
    struct reader r = {.depth_max = depth_max, .arena = arena};
    uint32_t type;

    if (read_text(&r, n > 0 ? p : "", n, &type, true))
        return r.root;
    tell(&r, error);
    return NULL;
}

struct json_doc *json_parse(struct arena *arena, const void *p, size_t n, struct json_error *error)
{
    struct json_node *root = json_parse_value(arena, p, n, JSON_DEPTH_MAX, error);
    if (root == NULL)
        return NULL;

    struct json_doc *doc = arena_alloc(arena, sizeof *doc);
    doc->root = root;
    doc->source = (struct weir_slice){p, n};
    doc->edited = false;
    return doc;
}
