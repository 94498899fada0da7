/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-subject.h - a record with parts of the input, for what is compiled once and run on records. */
#ifndef WEIR_TESTS_FUZZ_SUBJECT_H
#define WEIR_TESTS_FUZZ_SUBJECT_H

#include "fuzz.h"

#include "record/subject.h"

static struct arena fuzz_docs, fuzz_scratch;

static struct json_doc *fuzz_doc(const struct subject *s, const char **ret_why)
{
    struct json_error error;
    struct json_doc *doc = json_parse(&fuzz_docs, s->record->value.ptr, s->record->value.len, &error);
    if (!doc)
        *ret_why = error.why;
    return doc;
}

/* Key, a header and the topic are short parts, the value is the rest. */
struct fuzz_subject {
    char *key, *topic, *value;
    struct weir_header header;
    struct weir_record record;
    struct subject subject;
};

static inline void fuzz_subject_take(struct fuzz_subject *f, const uint8_t *data, size_t size)
{
    int64_t number = 0;
    if (size >= sizeof number) {
        memcpy(&number, data, sizeof number);
        data += sizeof number;
        size -= sizeof number;
    }
    memset(f, 0, sizeof *f);
    f->key = fuzz_text(&data, &size);
    f->topic = fuzz_text(&data, &size);
    f->value = fuzz_rest(data, size);
    f->header = (struct weir_header){{"h", 1}, {f->key, strlen(f->key)}};
    f->record = (struct weir_record){.key = {f->key, strlen(f->key)},
                                     .topic = {f->topic, strlen(f->topic)},
                                     .value = {size > 0 ? f->value : NULL, size},
                                     .headers = &f->header,
                                     .n_headers = 1,
                                     .time_ms = number,
                                     .offset = number,
                                     .partition = (int32_t)(number & 0xffff)};
    f->subject = (struct subject){&f->record, fuzz_doc, NULL, &fuzz_scratch};
}

static inline void fuzz_subject_end(struct fuzz_subject *f)
{
    arena_reset(&fuzz_docs);
    arena_reset(&fuzz_scratch);
    free(f->key);
    free(f->topic);
    free(f->value);
}

#endif
