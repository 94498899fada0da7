/* SPDX-License-Identifier: BSD-2-Clause */
/* equal.c - are two JSON values the same; are two of an array. */
#define WEIR_API 1
#include "judge.h"

#include <stdlib.h>
#include <string.h>

/* One step; false: there are none left. */
static bool step(struct judge *j)
{
    if (j->steps == 0) {
        j->stop = "it takes too many steps to compare its values";
        return false;
    }
    j->steps--;
    return true;
}

static struct weir_slice string_of(struct judge *j, struct weir_slice text)
{
    return jsontree_string(text, j->memory, j->opaque);
}

/* The member of that name, looked for from `from` on and round: members mostly stand in one order. */
static const struct jsontree *find_member(struct judge *j, const struct jsontree *object,
                                          const struct jsontree *from, struct weir_slice key)
{
    const struct jsontree *v = from;
    for (uint32_t i = 0; i < object->count && step(j); i++) {
        v = v ? v : object->child;
        if (jsontree_same_string(v->key, key))
            return v;
        v = v->next;
    }
    return NULL;
}

static bool equal_objects(struct judge *j, const struct jsontree *a, const struct jsontree *b)
{
    const struct jsontree *from = b->child;
    for (const struct jsontree *v = a->child; v; v = v->next) {
        const struct jsontree *w = find_member(j, b, from, v->key);
        if (!w || !judge_equal(j, v, w))
            return false;
        from = w->next;
    }
    return true;
}

bool judge_equal(struct judge *j, const struct jsontree *a, const struct jsontree *b)
{
    if (!step(j) || a->type != b->type || a->count != b->count)
        return false;
    if (a->type == WEIR_JSON_NUMBER) {
        struct number x = number_read(a->text), y = number_read(b->text);
        return number_compare(&x, &y) == 0;
    }
    if (a->type == WEIR_JSON_STRING)
        return jsontree_same_string(a->text, b->text);
    if (a->type == WEIR_JSON_OBJECT)
        return equal_objects(j, a, b);
    for (a = a->child, b = b->child; a; a = a->next, b = b->next)
        if (!judge_equal(j, a, b))
            return false;
    return true;
}

static uint64_t hash_string(struct judge *j, struct weir_slice text)
{
    struct weir_slice s = string_of(j, text);
    const unsigned char *p = s.ptr;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ p[i]) * 1099511628211u;
    return hash;
}

/* Values that are equal have equal hashes: those of members are summed up, for their order makes no difference. */
static uint64_t hash_value(struct judge *j, const struct jsontree *v)
{
    uint64_t hash = v->type + 1;
    if (v->type == WEIR_JSON_NUMBER) {
        struct number n = number_read(v->text);
        return hash * 31 + number_hash(&n);
    }
    if (v->type == WEIR_JSON_STRING)
        return hash * 31 + hash_string(j, v->text);
    for (const struct jsontree *w = v->child; w; w = w->next)
        hash = v->type == WEIR_JSON_OBJECT ? hash + (hash_string(j, w->key) | 1) * hash_value(j, w)
                                           : hash * 31 + hash_value(j, w);
    return hash;
}

struct hashed {
    uint64_t hash;
    const struct jsontree *value;
    uint32_t index;
};

static int by_hash(const void *a, const void *b)
{
    const struct hashed *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

bool judge_find_twins(struct judge *j, const struct jsontree *array, uint32_t *ret_first,
                      uint32_t *ret_second)
{
    uint32_t n = 0;
    struct hashed *all = array->count > 1 ? j->memory(j->opaque, array->count * sizeof *all) : NULL;
    if (!all)
        return false;
    for (const struct jsontree *v = array->child; v; v = v->next, n++)
        all[n] = (struct hashed){hash_value(j, v), v, n};
    qsort(all, n, sizeof *all, by_hash);
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = i + 1; k < n && all[k].hash == all[i].hash && !j->stop; k++)
            if (judge_equal(j, all[i].value, all[k].value)) {
                *ret_first = all[i].index;
                *ret_second = all[k].index;
                return true;
            }
    return false;
}
