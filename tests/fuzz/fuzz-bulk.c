/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-bulk.c - the answer to a bulk request: each record ends at most once, and what makes no sense is no success.
 *
 * Input: number of records, HTTP status / 100, bits (external version, on-conflict, attempt), then the body. */
#include "fuzz.h"

#include "../../plugins/elasticsearch/es.h"
#include "record/json.h"

static struct fuzz_host host;
static struct es_sink_conf conf;
static struct es_conf endpoint;
static struct es_node node = {.url = "http://es:9200"};
static struct es_sink sink;
static struct es_slot slot;
static uint32_t records[256];

static void prepare(void)
{
    fuzz_host_init(&host);
    host.errors = &es_errors;
    sink.ctx = &host.ctx;
    sink.conf = &conf;
    sink.http.nodes.list = &node;
    sink.http.nodes.count = 1;
    slot.sink = &sink;
    slot.records = records;
    slot.call.conf = &endpoint;
    slot.call.easy = curl_easy_init();
    FUZZ_MUST(slot.call.easy);
    for (uint32_t i = 0; i < 256; i++)
        records[i] = 2 * i;
}

static bool says_all(const char *p, size_t n)
{
    return n > 0 && memmem(p, n, "\"errors\":false", 14) != NULL;
}

static void judge(const char *body, size_t size, long status)
{
    uint8_t ended[512] = {0};
    slot.call.reply = (char *)(uintptr_t)body;
    slot.call.reply_len = size;
    slot.call.code = status ? CURLE_OK : CURLE_RECV_ERROR;
    slot.call.status = status;
    reply_judge(&slot);
    FUZZ_MUST(slot.out.count <= slot.items);
    for (uint32_t i = 0; i < slot.out.count; i++) {
        const struct es_outcome *o = &slot.out.list[i];
        FUZZ_MUST(o->index < 2 * slot.items && o->index % 2 == 0 && !ended[o->index]++);
        FUZZ_MUST(o->status <= WEIR_OK && o->status >= WEIR_SPLIT);
        FUZZ_MUST(o->status != WEIR_OK || o->code == WEIR_DUPLICATE);
        FUZZ_MUST(o->type <= slot.out.text.len && o->why <= slot.out.text.len);
    }
    /* Success needs an answer that says so, to its end. */
    if (slot.out.count < slot.items)
        FUZZ_MUST(status == 200 && (says_all(body, size) || json_check(body, size, NULL, NULL, NULL)));
    outcome_clear(&host.ctx, &slot.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!host.ctx.host)
        prepare();
    if (size < 3)
        return 0;
    slot.items = data[0];
    slot.attempt = data[2] >> 4;
    conf.version = data[2] & 1 ? (const void *)&conf : NULL; /* whether there is one is all that counts */
    conf.on_conflict = data[2] & 2 ? ES_CONFLICT_REJECT : ES_CONFLICT_OK;
    char *body = fuzz_rest(data + 3, size - 3);
    if (slot.items > 0)
        judge(body, size - 3, 100 * (data[1] % 7) + (data[1] % 7 == 4 ? data[1] / 7 : 0));
    free(body);
    return 0;
}
