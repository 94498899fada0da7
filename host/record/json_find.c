/* SPDX-License-Identifier: BSD-2-Clause */
/* json_find.c - looking values up in a parsed document.
 *
 * Owns: nothing.  Thread: any, while nobody edits the document. */
#include "json_private.h"
#include "json_scan.h"
#include "path.h"

struct json_node *json_member(const struct json_node *object, const char *key, size_t len)
{
    struct json_node *last = NULL;

    if (object == NULL || object->type != WEIR_JSON_OBJECT)
        return NULL;
    for (struct json_node *m = object->child; m != NULL; m = m->next)
        if (json_key_is(m->key, m->flags, key, len))
            last = m;
    return last;
}

struct json_node *json_element(const struct json_node *array, int64_t index)
{
    if (array == NULL || array->type != WEIR_JSON_ARRAY)
        return NULL;
    if (index < 0)
        for (const struct json_node *e = array->child; e != NULL; e = e->next)
            index++;
    if (index < 0)
        return NULL;
    struct json_node *e = array->child;
    while (e != NULL && index-- > 0)
        e = e->next;
    return e;
}

struct json_node *json_step(const struct json_node *node, const struct json_step *step)
{
    return step->key != NULL ? json_member(node, step->key, step->len) : json_element(node, step->index);
}

struct json_node *json_find(const struct json_node *root, const struct json_path *path)
{
    for (size_t i = 0; root != NULL && i < path->count; i++)
        root = json_step(root, &path->steps[i]);
    /* Readers and writers share one lookup; who may write is a matter of who holds the document. */
    return (struct json_node *)(uintptr_t)root;
}

static bool leads_on(const struct json_node *node, const struct json_step *step, size_t n)
{
    if (n == 0)
        return true;
    if (step->key == NULL) {
        const struct json_node *element = json_element(node, step->index);
        return element != NULL && leads_on(element, step + 1, n - 1);
    }
    if (node->type != WEIR_JSON_OBJECT)
        return false;
    for (const struct json_node *m = node->child; m != NULL; m = m->next)
        if (json_key_is(m->key, m->flags, step->key, step->len) && leads_on(m, step + 1, n - 1))
            return true;
    return false;
}

bool json_is_hidden(const struct json_node *root, const struct json_path *path)
{
    return path->count > 1 && leads_on(root, path->steps, path->count);
}
