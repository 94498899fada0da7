/* SPDX-License-Identifier: BSD-2-Clause */
/* errors.c - what each error of a request and of an item means, as data: the first row that fits holds.
 *
 * Decided by status first and by the type of the error second: Elasticsearch and OpenSearch agree on the statuses but
 * name some errors differently.  Thread: immutable. */
#include "es.h"

#include <stdlib.h>

static const char *const where_names[] = {"request", "record", "index",   "create",
                                          "update",  "delete", "version", NULL};

#define ANY UINT32_MAX
#define ROW(type, low, high, where, means, health, help)                                                     \
    {                                                                                                        \
        type, NULL, low, high, where, means, 0, 0, health, 0, help                                           \
    }
/* Tried on slowly: somebody has to act before it can succeed. */
#define WAIT(type, low, high, where, health, help)                                                           \
    {                                                                                                        \
        type, NULL, low, high, where, WEIR_CLASS_RETRY, 0, ES_SLOW_MS, health, 0, help                       \
    }
/* The record may be the cause, so it is not tried for ever. */
#define LIMITED(low, high, help)                                                                             \
    {                                                                                                        \
        NULL, NULL, low, high, ES_RECORD, WEIR_CLASS_RETRY, ES_ATTEMPTS, 0, 0, 0, help                       \
    }

static const struct weir_error rows[] = {
    ROW(NULL, 0, 0, ES_REQUEST, WEIR_CLASS_RETRY, WEIR_CONNECTING, "No answer, or one that was cut off"),
    ROW(NULL, 200, 200, ES_REQUEST, WEIR_CLASS_OK, 0, "The answer says it record by record"),
    WAIT(NULL, 401, 401, ES_REQUEST, WEIR_DENIED, "Not authenticated"),
    WAIT("cluster_block_exception", 403, 403, ES_REQUEST, WEIR_DEGRADED, "Writing is blocked"),
    WAIT(NULL, 403, 403, ES_REQUEST, WEIR_DENIED, "Not allowed"),
    ROW(NULL, 413, 413, ES_REQUEST, WEIR_CLASS_SPLIT, 0, "The request is too large"),
    ROW(NULL, 408, 408, ES_REQUEST, WEIR_CLASS_RETRY, WEIR_DEGRADED, "Timed out"),
    ROW(NULL, 429, 429, ES_REQUEST, WEIR_CLASS_RETRY, WEIR_DEGRADED, "The cluster is overloaded"),
    WAIT(NULL, 404, 406, ES_REQUEST, WEIR_DEGRADED, "There is no bulk interface at this address"),
    ROW(NULL, 400, 499, ES_REQUEST, WEIR_CLASS_SPLIT, 0, "One of the records makes the request unreadable"),
    ROW(NULL, 500, 599, ES_REQUEST, WEIR_CLASS_RETRY, WEIR_DEGRADED, "A fault of the server or of a proxy"),
    WAIT(NULL, 0, ANY, ES_REQUEST, WEIR_DEGRADED, "Something else answers at this address"),

    ROW(NULL, 200, 299, ES_RECORD, WEIR_CLASS_OK, 0, "Written"),
    ROW("", 404, 404, ES_OP_DELETE, WEIR_CLASS_OK, 0, "Deleted before"),
    ROW(NULL, 409, 409, ES_OP_CREATE | ES_OP_VERSION, WEIR_CLASS_DUPLICATE, 0,
        "There already, or a newer version is"),
    LIMITED(409, 409, "Another writer changed the document meanwhile"),
    WAIT("cluster_block_exception", 429, 429, ES_RECORD, WEIR_DEGRADED,
         "The index is blocked, the disk may be full"),
    ROW(NULL, 429, 429, ES_RECORD, WEIR_CLASS_RETRY, WEIR_DEGRADED, "The node is overloaded"),
    WAIT("cluster_block_exception", 403, 403, ES_RECORD, WEIR_DEGRADED, "Writing to the index is blocked"),
    WAIT("index_create_block_exception", 403, 403, ES_RECORD, WEIR_DEGRADED, "Creating indices is blocked"),
    WAIT(NULL, 401, 401, ES_RECORD, WEIR_DENIED, "Not authenticated"),
    WAIT("security_exception", 403, 403, ES_RECORD, WEIR_DENIED, "The user may not write to the index"),
    WAIT("index_not_found_exception", 404, 404, ES_RECORD, WEIR_DEGRADED,
         "The index does not exist and is not created"),
    WAIT("index_closed_exception", 400, 400, ES_RECORD, WEIR_DEGRADED, "The index is closed"),
    {"illegal_argument_exception", "pipeline with id [", 400, 400, ES_RECORD, WEIR_CLASS_RETRY, 0, ES_SLOW_MS,
     WEIR_DEGRADED, 0, "The ingest pipeline does not exist"},
    ROW("document_missing_exception", 404, 404, ES_OP_UPDATE, WEIR_CLASS_REJECT, 0,
        "There is no document to update"),
    ROW(NULL, 408, 408, ES_RECORD, WEIR_CLASS_RETRY, WEIR_DEGRADED, "Timed out"),
    ROW(NULL, 400, 499, ES_RECORD, WEIR_CLASS_REJECT, 0, "The document does not fit the index"),
    ROW(NULL, 502, 504, ES_RECORD, WEIR_CLASS_RETRY, WEIR_DEGRADED, "The shard is not available"),
    LIMITED(0, ANY, "A fault of the server; the document may cause it"),
};

/* Names are open: servers and their plugins add new ones.  Statuses of success are no errors. */
static int known(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
    char *end;
    unsigned long status = strtoul(name, &end, 10);
    if (end != name)
        return *end == '\0' && status >= 300 && status <= 599;
    return name[n] == '\0' && n > 0 && n < ES_TYPE_MAX;
}

const struct weir_errors es_errors = {
    sizeof es_errors, sizeof rows[0], sizeof rows / sizeof rows[0], 0, rows, where_names, "status", known};
