/* SPDX-License-Identifier: BSD-2-Clause */
/* file_source.h - what the tests of the file source share: waiting for records, and a restart. */
#ifndef WEIR_TESTS_FILE_SOURCE_H
#define WEIR_TESTS_FILE_SOURCE_H

#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "scratch.h"

#define WAIT_MS 60000 /* far longer than anything here takes */

static inline bool has_outputs(struct harness *h, void *n)
{
    return harness_out_count(h) >= *(size_t *)n;
}

static inline struct harness *start(const char *options)
{
    return harness_start("file", WEIR_SOURCE, scratch_options(options));
}

/* Waits for n outputs in all, and that there are no more than that. */
static inline void expect_count(struct harness *h, size_t n)
{
    assert_true(harness_run_until(h, has_outputs, &n, WAIT_MS));
    for (int i = 0; i < 3; i++)
        (void)harness_poll(h, 1000, 1 << 20, 0, 0);
    assert_int_equal(harness_out_count(h), n);
}

static inline void expect_values(struct harness *h, size_t first, const char *const *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_string_equal(harness_out_value(h, first + i), values[i]);
}

/* That this value came exactly once. */
static inline void expect_once(struct harness *h, const char *value)
{
    size_t found = 0;
    for (size_t i = 0; i < harness_out_count(h); i++)
        found += !strcmp(harness_out_value(h, i), value);
    if (found != 1)
        print_error("\"%s\" came %zu times\n", value, found);
    assert_int_equal(found, 1);
}

/* Reads to the end as --until-end does. */
static inline void read_to_end(struct harness *h)
{
    int r;
    do
        r = harness_poll(h, 1000, 1 << 20, 0, WEIR_POLL_TO_END);
    while (r == WEIR_OK || r == WEIR_AGAIN);
    assert_int_equal(r, WEIR_END);
}

/* ---- a restart: positions and state of one harness go into the next --------------------------------------------- */

#define KEPT 16
static struct kept {
    char id[64], data[1024], row[4096];
    size_t data_len, row_len;
    uint64_t next;
} kept[KEPT];
static size_t n_kept;

/* Commits what came out, and keeps it. */
static inline void keep(struct harness *h)
{
    assert_int_equal(harness_commit(h, false), WEIR_OK);
    for (size_t i = 0; i < harness_out_count(h); i++) {
        const struct weir_slice id = harness_out(h, i)->record.shard->id;
        const struct harness_shard *lane;
        struct weir_slice row;
        char text[64], key[sizeof text + 2];
        struct kept *k = kept;
        (void)snprintf(text, sizeof text, "%.*s", (int)id.len, (const char *)id.ptr);
        while (k < kept + n_kept && strcmp(k->id, text) != 0)
            k++;
        if (k == kept + n_kept)
            n_kept++;
        assert_true(n_kept <= KEPT);
        lane = harness_shard(h, text);
        (void)snprintf(k->id, sizeof k->id, "%.63s", text);
        (void)snprintf(key, sizeof key, "g/%s", text);
        k->next = lane->committed;
        k->data_len = lane->data.len;
        memcpy(k->data, lane->data.ptr, lane->data.len);
        row = harness_state_get(h, key);
        k->row_len = row.len;
        if (row.ptr)
            memcpy(k->row, row.ptr, row.len);
    }
}

static inline struct harness *stop_and_start(struct harness *old, const char *options)
{
    struct harness *h;
    keep(old);
    harness_free(old);
    h = harness_load("file", WEIR_SOURCE, scratch_options(options));
    harness_state_set(h, "started", (struct weir_slice){"1", 1});
    for (size_t i = 0; i < n_kept; i++) {
        char key[sizeof kept[0].id + 2];
        (void)snprintf(key, sizeof key, "g/%.63s", kept[i].id);
        if (kept[i].row_len)
            harness_state_set(h, key, (struct weir_slice){kept[i].row, kept[i].row_len});
        harness_preset(h, kept[i].id, kept[i].next, (struct weir_slice){kept[i].data, kept[i].data_len});
    }
    assert_int_equal(harness_create(h), WEIR_OK);
    assert_int_equal(harness_open(h), WEIR_OK);
    return h;
}

static inline int setup(void **state)
{
    n_kept = 0;
    return scratch_make(state);
}

#endif
