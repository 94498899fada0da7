/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-group.c - what a member of a Kafka group says it holds: bytes of another program, through the broker. */
#include "fuzz.h"

#include "../../plugins/kafka/group.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const items[] = {"web", "^a.*"};
    static const struct weir_list names = {items, 2};
    struct group_topics t;
    char *bytes = fuzz_rest(data, size);
    const unsigned char *at = (const unsigned char *)bytes;
    rd_kafka_topic_partition_list_t *foreign = rd_kafka_topic_partition_list_new(1);
    FUZZ_MUST(topics_init(&t, &names));
    (void)group_holds((struct group_bytes){at, at + size, false}, &t, foreign);
    FUZZ_MUST((size_t)foreign->cnt <= size);
    rd_kafka_topic_partition_list_destroy(foreign);
    topics_free(&t);
    free(bytes);
    return 0;
}
