/* SPDX-License-Identifier: BSD-2-Clause */
/* json_edit.c - changes to a parsed document: set, remove, rename.
 *
 * The tree always shows the state after all edits.  The texts of containers stay as they were read, and flags and
 * origins say where the tree differs from them; json_print.c puts the two together.  With duplicate keys an edit
 * speaks for the member that json_member gives, and takes its namesakes out, as those of every member it lies in: what
 * was removed or replaced must not show up again at a reader that prefers the first.
 *
 * Owns: nothing; new text and nodes lie in the arena.  Thread: the one that edits the document. */
#include "json_private.h"
#include "path.h"

#include <string.h>

/* Follows the first n steps. */
static struct json_node *follow(struct json_node *node, const struct json_path *path, size_t n)
{
    for (size_t i = 0; node != NULL && i < n; i++)
        node = json_step(node, &path->steps[i]);
    return node;
}

static void keep_origin(struct arena *arena, struct json_node *node)
{
    if (node->origin != NULL || node->flags & NODE_ADDED)
        return;
    node->origin = arena_alloc(arena, sizeof *node->origin);
    node->origin->key = node->key;
    node->origin->text = node->text;
}

/* Takes out the child that *link points to. */
static void unlink_at(struct json_node *parent, struct json_node **link)
{
    const struct json_node *node = *link;

    *link = node->next;
    if (node->flags & NODE_ADDED)
        return;
    if (node->next != NULL && !(node->next->flags & NODE_ADDED))
        node->next->flags |= NODE_GAP;
    else
        parent->flags |= NODE_GAP_AT_END;
}

/* Takes out every member of that name but one; one pass, however many there are. */
static void unlink_namesakes(struct json_node *object, const char *key, size_t len,
                             const struct json_node *but)
{
    struct json_node **link = &object->child;

    while (*link != NULL) {
        const struct json_node *m = *link;
        if (m != but && json_key_is(m->key, m->flags, key, len))
            unlink_at(object, link);
        else
            link = &(*link)->next;
    }
}

/* The containers of the first n steps no longer print as their text, and none they lead through has a namesake. */
static void mark_dirty(struct json_doc *doc, const struct json_path *path, size_t n)
{
    struct json_node *node = doc->root;

    doc->edited = true;
    for (size_t i = 0; i < n; i++) {
        const struct json_step *step = &path->steps[i];
        struct json_node *next = json_step(node, step);
        node->flags |= NODE_DIRTY;
        if (step->key != NULL)
            unlink_namesakes(node, step->key, step->len, next);
        node = next;
    }
}

static void unlink_element(struct json_node *array, const struct json_node *element)
{
    struct json_node **link = &array->child;

    while (*link != element)
        link = &(*link)->next;
    unlink_at(array, link);
}

static void put_key(struct arena *arena, struct json_node *node, const char *key, size_t len)
{
    node->key = json_quoted(arena, key, len);
    node->flags &= ~NODE_KEY_ESCAPED;
    if (node->key.len != len + 2)
        node->flags |= NODE_KEY_ESCAPED;
}

static struct json_node *append_member(struct arena *arena, struct json_node *object,
                                       const struct json_step *step)
{
    struct json_node *node = arena_alloc(arena, sizeof *node), **link = &object->child;

    memset(node, 0, sizeof *node);
    node->flags = NODE_ADDED;
    put_key(arena, node, step->key, step->len);
    while (*link != NULL)
        link = &(*link)->next;
    *link = node;
    return node;
}

/* How many steps of the path stay when the others become objects around the value: those up to the first member
 * that is absent, or to a null that stands where an object is to be.  0: there can be none. */
static size_t steps_there(struct json_node *node, const struct json_path *path)
{
    size_t count = path->count, there = 0;

    for (; there < count && node != NULL; there++) {
        if (there > 0 && node->type == WEIR_JSON_NULL)
            break;
        if (node->type != WEIR_JSON_OBJECT && path->steps[there].key != NULL)
            return 0;
        node = json_step(node, &path->steps[there]);
    }
    for (size_t i = there; i < count; i++)
        if (path->steps[i].key == NULL)
            return 0;
    return there;
}

/* The value inside of an object for each step from the first on. */
static struct weir_slice wrapped(struct arena *arena, const struct json_path *path, size_t first,
                                 struct weir_slice value)
{
    size_t n = value.len, at = 0;

    for (size_t i = first; i < path->count; i++)
        n += json_quote(NULL, path->steps[i].key, path->steps[i].len) + 3;
    char *text = arena_alloc(arena, n);
    for (size_t i = first; i < path->count; i++) {
        text[at++] = '{';
        at += json_quote(text + at, path->steps[i].key, path->steps[i].len);
        text[at++] = ':';
    }
    if (value.len > 0)
        memcpy(text + at, value.ptr, value.len);
    memset(text + at + value.len, '}', path->count - first);
    return (struct weir_slice){text, n};
}

bool json_set(struct arena *arena, struct json_doc *doc, const struct json_path *path,
              struct weir_slice value)
{
    size_t count = path->count;
    const struct json_step *last = count > 0 ? &path->steps[count - 1] : NULL;
    struct json_node *parent = last != NULL ? follow(doc->root, path, count - 1) : NULL;
    struct json_node *node = last != NULL ? json_step(parent, last) : doc->root;

    if (node == NULL && count > 1 && (parent == NULL || parent->type == WEIR_JSON_NULL)) {
        count = steps_there(doc->root, path);
        if (count == 0 ||
            !json_check(value.ptr, value.len, NULL, NULL, NULL)) /* alone: "1},{" would close it */
            return false;
        if (count < path->count)
            value = wrapped(arena, path, count, value);
        last = &path->steps[count - 1];
        parent = follow(doc->root, path, count - 1);
        node = json_step(parent, last);
    }
    if (node == NULL && (parent == NULL || parent->type != WEIR_JSON_OBJECT || last->key == NULL))
        return false;
    /* What is printed must be read again: the value may nest only as deep as its place leaves room for. */
    struct json_node *fresh = json_parse_value(arena, arena_copy(arena, value.ptr, value.len), value.len,
                                               JSON_DEPTH_MAX - (unsigned)count, NULL);
    if (fresh == NULL)
        return false;

    if (last != NULL) {
        mark_dirty(doc, path, count - 1);
        parent->flags |= NODE_DIRTY;
        if (node != NULL && last->key != NULL)
            unlink_namesakes(parent, last->key, last->len, node);
    }
    doc->edited = true;
    if (node == NULL)
        node = append_member(arena, parent, last);
    keep_origin(arena, node);
    node->text = fresh->text;
    node->type = fresh->type;
    node->child = fresh->child;
    node->flags = (node->flags & ~(NODE_DIRTY | NODE_GAP_AT_END)) | NODE_NEW_VALUE;
    return true;
}

bool json_remove(struct arena *arena, struct json_doc *doc, const struct json_path *path)
{
    if (path->count == 0)
        return false;

    const struct json_step *last = &path->steps[path->count - 1];
    struct json_node *parent = follow(doc->root, path, path->count - 1);
    struct json_node *node = json_step(parent, last);
    (void)arena; /* nothing is stored for what is gone */
    if (node == NULL)
        return false;

    mark_dirty(doc, path, path->count - 1);
    parent->flags |= NODE_DIRTY;
    if (last->key != NULL)
        unlink_namesakes(parent, last->key, last->len, NULL);
    else
        unlink_element(parent, node);
    return true;
}

bool json_rename(struct arena *arena, struct json_doc *doc, const struct json_path *path,
                 struct weir_slice key)
{
    if (path->count == 0 || path->steps[path->count - 1].key == NULL || !json_utf8_valid(key.ptr, key.len))
        return false;

    const struct json_step *last = &path->steps[path->count - 1];
    struct json_node *parent = follow(doc->root, path, path->count - 1);
    struct json_node *node = json_step(parent, last);
    if (node == NULL)
        return false;
    if (key.len == 0)
        key.ptr = ""; /* memcmp wants an address */

    mark_dirty(doc, path, path->count - 1);
    parent->flags |= NODE_DIRTY;
    unlink_namesakes(parent, last->key, last->len, node);
    unlink_namesakes(parent, key.ptr, key.len, node);
    keep_origin(arena, node);
    put_key(arena, node, key.ptr, key.len);
    node->flags |= NODE_NEW_KEY;
    return true;
}

const char *json_apply(struct arena *arena, struct json_doc *doc, const struct weir_edit *edit)
{
    const struct json_path *path = edit->path->path;
    struct weir_slice value = edit->value;

    switch (edit->op) {
    case WEIR_EDIT_STRING:
        if (!json_utf8_valid(value.ptr, value.len))
            return "a field can't be set: its text is not UTF-8";
        value = json_quoted(arena, value.ptr, value.len);
        /* fall through */
    case WEIR_EDIT_SET:
        return json_set(arena, doc, path, value) ? NULL
                                                 : "a field can't be set: what should hold it is no object, "
                                                   "or its value is not JSON, or nests "
                                                   "too deeply there";
    case WEIR_EDIT_REMOVE:
        return json_remove(arena, doc, path) ? NULL : "a field can't be removed: it is missing";
    case WEIR_EDIT_RENAME:
        return json_rename(arena, doc, path, value) ? NULL
                                                    : "a field can't be renamed: it is missing, or no member "
                                                      "of an object, or its new name is not UTF-8";
    default:
        return "an edit is of no known kind";
    }
}
