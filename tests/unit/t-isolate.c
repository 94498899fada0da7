/* SPDX-License-Identifier: BSD-2-Clause */
/* t-isolate.c - the line to a plugin's process: what is packed comes out the same, and nothing that comes is trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "isolate/pack.h"
#include "isolate/setup.h"
#include "isolate/wire.h"
#include "report/clock.h"
#include "report/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct weir_slice text(const char *s)
{
    return (struct weir_slice){s, strlen(s)};
}

static void assert_slice(struct weir_slice a, struct weir_slice b)
{
    assert_int_equal(a.ptr == NULL, b.ptr == NULL);
    assert_int_equal(a.len, b.len);
    if (b.len)
        assert_memory_equal(a.ptr, b.ptr, b.len);
}

static const struct weir_header headers[] = {{{"a", 1}, {"1", 1}}, {{"", 0}, {NULL, 0}}};

static struct weir_record sample(void)
{
    return (struct weir_record){.key = {"", 0},
                                .value = {"{\"a\":1}", 7},
                                .topic = {"t", 1},
                                .headers = headers,
                                .n_headers = 2,
                                .time_ms = WEIR_NO_TIME,
                                .offset = -1,
                                .partition = -1,
                                .sub = 3,
                                .seq = UINT64_MAX - 1,
                                .next = UINT64_MAX};
}

static void a_record_comes_out_as_it_went_in(void **state)
{
    struct strbuf bytes = {0};
    struct arena arena = {0};
    struct weir_record in = sample(), out;
    uint64_t shard;
    bool same;
    (void)state;
    pack_record(&bytes, &in, 77, false);
    in.value = (struct weir_slice){NULL, 0}; /* a tombstone */
    in.n_headers = 0;
    pack_record(&bytes, &in, 78, true);
    struct unpack from = {bytes.data, bytes.data + bytes.len, false};
    assert_true(unpack_record(&from, &arena, &out, &shard, &same));
    struct weir_record want = sample();
    assert_int_equal(shard, 77);
    assert_false(same);
    assert_slice(out.key, want.key);
    assert_slice(out.value, want.value);
    assert_slice(out.topic, want.topic);
    assert_int_equal(out.n_headers, 2);
    for (int i = 0; i < 2; i++) {
        assert_slice(out.headers[i].name, headers[i].name);
        assert_slice(out.headers[i].value, headers[i].value);
    }
    assert_true(out.time_ms == want.time_ms && out.offset == -1 && out.partition == -1 && out.sub == 3 &&
                out.seq == want.seq && out.next == want.next);
    assert_true(unpack_record(&from, &arena, &out, &shard, &same));
    assert_true(same && shard == 78 && !out.value.ptr && !out.n_headers);
    assert_ptr_equal(from.at, from.end);
    strbuf_free(&bytes);
    arena_free(&arena);
}

static void results_shards_and_texts_too(void **state)
{
    struct strbuf bytes = {0};
    const struct weir_result in = {.index = WEIR_ALL, .status = WEIR_SPLIT, .code = 413, .why = ""};
    const struct weir_shard shard = {
        .struct_size = sizeof shard, .partition = -1, .id = {"a/0", 3}, .topic = {"a", 1}};
    struct weir_result out;
    struct weir_shard other;
    uint64_t number;
    (void)state;
    pack_result(&bytes, &in);
    pack_shard(&bytes, &shard, 5);
    struct unpack from = {bytes.data, bytes.data + bytes.len, false};
    assert_true(unpack_result(&from, &out));
    assert_true(out.index == WEIR_ALL && out.status == WEIR_SPLIT && out.code == 413 && !out.type);
    assert_string_equal(out.why, "");
    assert_true(unpack_shard(&from, &other, &number));
    assert_true(number == 5 && other.partition == -1);
    assert_slice(other.id, shard.id);
    assert_slice(other.topic, shard.topic);
    strbuf_free(&bytes);
}

/* Reads everything that there is from exactly these bytes; a sanitizer sees the first one too far. */
static void read_all(const char *bytes, size_t n)
{
    char *copy = malloc(n ? n : 1);
    struct arena arena = {0};
    struct weir_record r;
    struct weir_result result;
    struct weir_shard s;
    struct setup setup;
    uint64_t number;
    bool same;
    assert_non_null(copy);
    memcpy(copy, bytes, n);
    for (int what = 0; what < 4; what++) {
        struct unpack from = {copy, copy + n, false};
        bool good = true;
        while (good && from.at < from.end)
            good = what == 0   ? unpack_record(&from, &arena, &r, &number, &same)
                   : what == 1 ? unpack_result(&from, &result)
                   : what == 2 ? unpack_shard(&from, &s, &number)
                               : setup_unpack(&from, &arena, &setup);
    }
    arena_free(&arena);
    free(copy);
}

static void what_is_cut_or_garbled_is_refused(void **state)
{
    struct strbuf bytes = {0};
    struct arena arena = {0};
    const struct weir_record in = sample();
    (void)state;
    pack_record(&bytes, &in, 77, false);
    for (size_t n = 0; n < bytes.len; n++) {
        struct unpack from = {bytes.data, bytes.data + n, false};
        struct weir_record r;
        uint64_t shard;
        bool same;
        assert_false(unpack_record(&from, &arena, &r, &shard, &same));
        read_all(bytes.data, n);
    }
    srandom(1);
    for (int round = 0; round < 20000; round++) {
        char garbled[512];
        size_t n = bytes.len < sizeof garbled ? bytes.len : sizeof garbled;
        memcpy(garbled, bytes.data, n);
        for (int k = 0; k < 3; k++)
            garbled[(size_t)random() % n] = (char)random();
        read_all(garbled, n);
    }
    strbuf_free(&bytes);
    arena_free(&arena);
}

static void a_section_comes_out_as_it_went_in(void **state)
{
    struct raw_key keys[] = {
        {.key = (char *)(uintptr_t) "plugin", .value = (char *)(uintptr_t) "file", .line = 3},
        {.key = (char *)(uintptr_t) "path", .value = (char *)(uintptr_t) "${env:X}", .line = 4}};
    const struct setup in = {.section = {.kind = SECTION_SINK,
                                         .line = 2,
                                         .title = (char *)(uintptr_t) "sink es",
                                         .name = "es",
                                         .keys = keys,
                                         .n_keys = 2},
                             .path = "a.ini",
                             .pipeline = "a",
                             .who = "a [sink es]",
                             .reader = "",
                             .commit_ms = 50,
                             .batch_bytes = 1 << 20};
    struct strbuf bytes = {0};
    struct arena arena = {0};
    struct setup out;
    (void)state;
    setup_pack(&bytes, &in);
    struct unpack from = {bytes.data, bytes.data + bytes.len, false};
    assert_true(setup_unpack(&from, &arena, &out));
    assert_string_equal(out.section.title, "sink es");
    assert_int_equal(out.section.n_keys, 2);
    assert_string_equal(out.section.keys[1].value, "${env:X}");
    assert_int_equal(out.section.keys[1].len, 8);
    assert_true(out.source == NULL && out.commit_ms == 50 && out.batch_bytes == 1 << 20);
    strbuf_free(&bytes);
    arena_free(&arena);
}

/* ---- the line ---- */

#define BIG ((size_t)8 << 20) /* more than both sockets hold */

struct ends {
    struct line weir, plugin;
};

static struct ends *ends_new(void)
{
    struct ends *e = xcalloc(1, sizeof *e);
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    line_init(&e->weir, fds[0]);
    line_init(&e->plugin, fds[1]);
    return e;
}

static void ends_free(struct ends *e)
{
    line_free(&e->weir);
    line_free(&e->plugin);
    free(e);
}

static bool send_big(struct line *l, uint64_t id)
{
    char *body = xcalloc(1, BIG);
    body[BIG - 1] = (char)id;
    const struct frame f = {.type = WIRE_WRITE, .id = id, .len = BIG};
    bool stuck, ok = line_send(l, &f, body, 20000, &stuck);
    free(body);
    return ok;
}

static struct message *receive(struct line *l)
{
    struct message *m;
    while ((m = line_next(l)) == NULL && !l->dead) {
        assert_true(line_wait(l, clock_mono_ms() + 20000));
        line_fill(l);
    }
    return m;
}

static void *plugin_side(void *arg)
{
    struct ends *e = arg;
    for (uint64_t i = 0; i < 4; i++)
        if (!send_big(&e->plugin, i))
            return NULL;
    return arg;
}

/* Both send more than there is room for, and the plugin reads nothing before it is through with that. */
static void neither_side_holds_up_the_other(void **state)
{
    struct ends *e = ends_new();
    pthread_t thread;
    void *ok;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, plugin_side, e), 0);
    const struct frame small = {.type = WIRE_PING, .id = 9};
    bool stuck;
    for (uint64_t i = 0; i < 4; i++) {
        struct message *m = receive(&e->weir);
        assert_non_null(m);
        assert_true(m->frame.id == i && m->frame.len == BIG && m->body[BIG - 1] == (char)i);
        message_free(m);
        assert_true(line_send(&e->weir, &small, NULL, 20000, &stuck));
    }
    assert_int_equal(pthread_join(thread, &ok), 0);
    assert_non_null(ok);
    ends_free(e);
}

static void *plugin_reads(void *arg)
{
    struct ends *e = arg;
    for (uint64_t i = 0; i < 2; i++)
        if (!send_big(&e->plugin, i))
            return NULL;
    struct message *m = receive(&e->plugin);
    bool ok = m && m->frame.id == 7 && m->frame.len == BIG;
    message_free(m);
    return ok ? arg : NULL;
}

/* weir has to send, the plugin sends itself first: weir takes in what comes while it waits for room. */
static void waiting_for_room_takes_in_what_comes(void **state)
{
    struct ends *e = ends_new();
    pthread_t thread;
    void *ok;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, plugin_reads, e), 0);
    assert_true(send_big(&e->weir, 7));
    assert_int_equal(pthread_join(thread, &ok), 0);
    assert_non_null(ok);
    for (uint64_t i = 0; i < 2; i++) {
        struct message *m = receive(&e->weir);
        assert_true(m && m->frame.id == i);
        message_free(m);
    }
    ends_free(e);
}

static void no_room_in_time_is_the_end(void **state)
{
    struct ends *e = ends_new();
    char *body = xcalloc(1, BIG);
    const struct frame f = {.type = WIRE_WRITE, .len = BIG}, next = {.type = WIRE_PING};
    bool stuck;
    (void)state;
    assert_false(line_send(&e->weir, &f, body, 20, &stuck));
    assert_true(stuck);
    assert_false(line_send(&e->weir, &next, NULL, 20, &stuck)); /* half a frame is on its way */
    free(body);
    ends_free(e);
}

static _Atomic int64_t asked;

/* Once a part of what is sent is there. */
static void *interrupts(void *arg)
{
    struct ends *e = arg;
    (void)line_wait(&e->plugin, INT64_MAX);
    atomic_store(&asked, clock_mono_ms());
    return NULL;
}

static _Atomic bool told;

/* As a lane that has to end is interrupted: again and again, until it does. */
static void *interrupts_again_and_again(void *arg)
{
    struct ends *e = arg;
    (void)line_wait(&e->plugin, INT64_MAX);
    for (int i = 0; i < 12000 && !atomic_load(&told); i++) {
        atomic_store(&asked, clock_mono_ms());
        (void)poll(NULL, 0, 5);
    }
    (void)shutdown(e->plugin.fd, SHUT_RDWR);
    return NULL;
}

/* Nobody reads, and somebody wants the sender back long before its patience is at its end. */
static void interrupted_by(void *(*who)(void *), int64_t patience_ms)
{
    struct ends *e = ends_new();
    char *body = xcalloc(1, BIG);
    const struct frame f = {.type = WIRE_WRITE, .len = BIG};
    pthread_t thread;
    bool stuck;
    atomic_store(&asked, 1); /* one of long ago is of no concern */
    atomic_store(&told, false);
    e->weir.interrupted_ms = &asked;
    e->weir.patience_ms = patience_ms;
    assert_int_equal(pthread_create(&thread, NULL, who, e), 0);
    assert_false(line_send(&e->weir, &f, body, 3600 * 1000, &stuck));
    atomic_store(&told, true);
    assert_true(stuck && atomic_load(&asked) > 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    free(body);
    ends_free(e);
}

static void an_interrupt_ends_the_wait_for_room(void **state)
{
    (void)state;
    interrupted_by(interrupts, 50);
}

static void the_first_of_many_interrupts_counts(void **state)
{
    (void)state;
    interrupted_by(interrupts_again_and_again, 200);
}

/* So many small frames, in one piece. */
static void flood(struct ends *e, uint32_t n)
{
    struct frame *all = xcalloc(n, sizeof *all);
    for (uint32_t i = 0; i < n; i++)
        all[i].type = WIRE_LOG;
    assert_int_equal(write(e->plugin.fd, all, n * sizeof *all), n * sizeof *all);
    free(all);
}

static uint32_t came(struct line *l)
{
    struct message *m;
    uint32_t n = 0;
    for (; (m = line_next(l)) != NULL; n++)
        message_free(m);
    return n;
}

/* However much is there: what is taken in at once is looked at before more comes, ... */
static void so_many_frames_are_taken_at_once(void **state)
{
    struct ends *e = ends_new();
    (void)state;
    flood(e, 600);
    line_fill(&e->weir);
    assert_int_equal(came(&e->weir), 256);
    line_fill(&e->weir);
    assert_int_equal(came(&e->weir), 256);
    line_fill(&e->weir);
    assert_int_equal(came(&e->weir), 88);
    assert_false(e->weir.dead);
    ends_free(e);
}

/* ... and where nobody looks, as while there is no room to send, there is an end to it. */
static void so_many_frames_wait_at_most(void **state)
{
    struct ends *e = ends_new();
    (void)state;
    for (uint32_t n = 0; n < WIRE_WAITING_MOST; n += 256) {
        flood(e, 256);
        line_fill(&e->weir);
    }
    assert_false(e->weir.dead);
    flood(e, 2);
    line_fill(&e->weir);
    assert_true(e->weir.dead && e->weir.flooded);
    assert_int_equal(came(&e->weir), WIRE_WAITING_MOST + 1);
    ends_free(e);
}

static void what_is_no_frame_ends_the_line(void **state)
{
    static const struct frame bad[] = {
        {.type = 0}, {.type = WIRE_LAST}, {.type = UINT32_MAX}, {.type = WIRE_LOG, .len = WIRE_BODY_MAX + 1}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ends *e = ends_new();
        assert_int_equal(write(e->plugin.fd, &bad[i], sizeof bad[i]), sizeof bad[i]);
        assert_null(receive(&e->weir));
        assert_true(e->weir.dead);
        ends_free(e);
    }
}

/* Frames in pieces, and an end in the middle of one. */
static void pieces_become_whole(void **state)
{
    struct ends *e = ends_new();
    const struct frame f = {.type = WIRE_LOG, .id = 3, .len = 5};
    char bytes[sizeof f + 5];
    (void)state;
    memcpy(bytes, &f, sizeof f);
    memcpy(bytes + sizeof f, "hello", 5);
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_null(line_next(&e->weir));
        assert_int_equal(write(e->plugin.fd, bytes + i, 1), 1);
        line_fill(&e->weir);
    }
    struct message *m = line_next(&e->weir);
    assert_non_null(m);
    assert_slice((struct weir_slice){m->body, (size_t)m->frame.len}, text("hello"));
    message_free(m);
    assert_int_equal(write(e->plugin.fd, bytes, sizeof f + 2), sizeof f + 2);
    close(e->plugin.fd);
    e->plugin.fd = -1;
    assert_null(receive(&e->weir));
    assert_true(e->weir.dead);
    ends_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_comes_out_as_it_went_in),
        cmocka_unit_test(results_shards_and_texts_too),
        cmocka_unit_test(a_section_comes_out_as_it_went_in),
        cmocka_unit_test(what_is_cut_or_garbled_is_refused),
        cmocka_unit_test(neither_side_holds_up_the_other),
        cmocka_unit_test(waiting_for_room_takes_in_what_comes),
        cmocka_unit_test(no_room_in_time_is_the_end),
        cmocka_unit_test(an_interrupt_ends_the_wait_for_room),
        cmocka_unit_test(the_first_of_many_interrupts_counts),
        cmocka_unit_test(so_many_frames_are_taken_at_once),
        cmocka_unit_test(so_many_frames_wait_at_most),
        cmocka_unit_test(what_is_no_frame_ends_the_line),
        cmocka_unit_test(pieces_become_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
