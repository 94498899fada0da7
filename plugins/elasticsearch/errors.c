/* SPDX-License-Identifier: BSD-2-Clause */
/* errors.c - what each outcome of a request and of an item means, as data: the first rule that fits holds.
 *
 * Decided by status first and by the type of the error second: Elasticsearch and OpenSearch agree on the statuses but
 * name some errors differently.  docs/elasticsearch.md shows both tables; a test compares them.
 * Thread: immutable, pure functions. */
#include "es.h"

#include <strings.h>

static const struct es_rule items[] = {
    {200, 299, NULL, NULL, ES_OP_ANY, ES_DONE, "written"},
    {404, 404, "", NULL, ES_OP_DELETE, ES_DONE, "deleted before"},
    {409, 409, NULL, NULL, ES_OP_CREATE | ES_OP_EXTERNAL, ES_CONFLICT,
     "there already, or a newer version is"},
    {409, 409, NULL, NULL, ES_OP_ANY, ES_LIMITED, "another writer changed the document meanwhile"},
    {429, 429, "cluster_block_exception", NULL, ES_OP_ANY, ES_WAIT,
     "the index is blocked, the disk may be full"},
    {429, 429, NULL, NULL, ES_OP_ANY, ES_RETRY, "the node is overloaded"},
    {403, 403, "cluster_block_exception", NULL, ES_OP_ANY, ES_WAIT, "writing to the index is blocked"},
    {403, 403, "index_create_block_exception", NULL, ES_OP_ANY, ES_WAIT, "creating indices is blocked"},
    {401, 401, NULL, NULL, ES_OP_ANY, ES_DENIED, "not authenticated"},
    {403, 403, "security_exception", NULL, ES_OP_ANY, ES_DENIED, "the user may not write to the index"},
    {404, 404, "index_not_found_exception", NULL, ES_OP_ANY, ES_WAIT,
     "the index does not exist and is not created"},
    {400, 400, "index_closed_exception", NULL, ES_OP_ANY, ES_WAIT, "the index is closed"},
    {400, 400, "illegal_argument_exception", "pipeline with id [", ES_OP_ANY, ES_WAIT,
     "the ingest pipeline does not exist"},
    {404, 404, "document_missing_exception", NULL, ES_OP_UPDATE, ES_REJECT, "there is no document to update"},
    {408, 408, NULL, NULL, ES_OP_ANY, ES_RETRY, "timed out"},
    {400, 499, NULL, NULL, ES_OP_ANY, ES_REJECT, "the document does not fit the index"},
    {502, 504, NULL, NULL, ES_OP_ANY, ES_RETRY, "the shard is not available"},
    {0, UINT16_MAX, NULL, NULL, ES_OP_ANY, ES_LIMITED, "a fault of the server; the document may cause it"},
};

static const struct es_rule wholes[] = {
    {0, 0, NULL, NULL, ES_OP_ANY, ES_RETRY, "no answer, or one that was cut off"},
    {200, 200, NULL, NULL, ES_OP_ANY, ES_DONE, "the answer says it item by item"},
    {401, 401, NULL, NULL, ES_OP_ANY, ES_DENIED, "not authenticated"},
    {403, 403, "cluster_block_exception", NULL, ES_OP_ANY, ES_WAIT, "writing is blocked"},
    {403, 403, NULL, NULL, ES_OP_ANY, ES_DENIED, "not allowed"},
    {413, 413, NULL, NULL, ES_OP_ANY, ES_SPLIT, "the request is too large"},
    {408, 408, NULL, NULL, ES_OP_ANY, ES_RETRY, "timed out"},
    {429, 429, NULL, NULL, ES_OP_ANY, ES_RETRY, "the cluster is overloaded"},
    {400, 400, NULL, NULL, ES_OP_ANY, ES_SPLIT, "one of the records makes the request unreadable"},
    {500, 599, NULL, NULL, ES_OP_ANY, ES_RETRY, "a fault of the server or of a proxy"},
    {0, UINT16_MAX, NULL, NULL, ES_OP_ANY, ES_WAIT, "no bulk interface at this address"},
};

static bool fits(const struct es_rule *rule, const struct es_error *e, uint32_t ops)
{
    size_t n;
    if (e->status < rule->low || e->status > rule->high || !(rule->ops & ops))
        return false;
    if (rule->type && (strlen(rule->type) != e->type.len ||
                       (e->type.len > 0 && memcmp(rule->type, e->type.ptr, e->type.len) != 0)))
        return false;
    if (!rule->reason)
        return true;
    n = strlen(rule->reason);
    return e->reason.len >= n && strncasecmp(e->reason.ptr, rule->reason, n) == 0;
}

static const struct es_rule *find(const struct es_rule *rules, size_t n, const struct es_error *e,
                                  uint32_t ops)
{
    size_t i = 0;
    while (i < n - 1 && !fits(&rules[i], e, ops))
        i++;
    return &rules[i];
}

const struct es_rule *errors_item(const struct es_error *e, uint32_t ops)
{
    return find(items, sizeof items / sizeof items[0], e, ops);
}

const struct es_rule *errors_whole(const struct es_error *e)
{
    return find(wholes, sizeof wholes / sizeof wholes[0], e, ES_OP_ANY);
}

const struct es_rule *errors_table(bool of_items, size_t *ret_n)
{
    *ret_n = of_items ? sizeof items / sizeof items[0] : sizeof wholes / sizeof wholes[0];
    return of_items ? items : wholes;
}

const char *errors_action_name(enum es_action action)
{
    static const char *const names[] = {
        [ES_DONE] = "done",   [ES_CONFLICT] = "duplicate",   [ES_RETRY] = "retry",
        [ES_WAIT] = "wait",   [ES_DENIED] = "wait (denied)", [ES_LIMITED] = "5 tries, then reject",
        [ES_SPLIT] = "halve", [ES_REJECT] = "reject",
    };
    return names[action];
}
