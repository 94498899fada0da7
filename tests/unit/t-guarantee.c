/* SPDX-License-Identifier: BSD-2-Clause */
/* t-guarantee.c - what follows from the promises of the parts, as weir check prints it. */
#include "config/guarantee.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static const struct plugin kafka = {.info = {.name = "kafka"}}, std = {.info = {.name = "std"}},
                           filter = {.info = {.name = "filter"}}, file = {.info = {.name = "file"}};
static const struct weir_ops replays = {.promises = WEIR_REPLAYABLE}, passes = {.promises = 0},
                             plain = {.promises = WEIR_STREAM}, idempotent = {.promises = WEIR_IDEMPOTENT},
                             exact = {.promises = WEIR_EXACT | WEIR_COMMITS},
                             keeps = {.promises = WEIR_EXACT | WEIR_COMMITS | WEIR_KEEPS_POSITION};

static struct section_conf part(uint32_t kind, const struct plugin *plugin, const char *name,
                                const struct weir_ops *ops)
{
    return (struct section_conf){.kind = kind, .plugin = plugin, .name = name, .ops = ops};
}

static const char *because(const struct pipeline_conf *conf, enum guarantee want)
{
    static struct strbuf why;
    why.len = 0;
    assert_int_equal(guarantee_of(conf, &why), want);
    return why.data;
}

static const char *chain(const struct pipeline_conf *conf, bool utf8)
{
    static struct strbuf out;
    out.len = 0;
    guarantee_chain(conf, utf8, &out);
    return out.data;
}

static void one_sink(void **state)
{
    struct section_conf sink = part(WEIR_SINK, &kafka, "kafka", &plain);
    struct pipeline_conf conf = {
        .source = part(WEIR_SOURCE, &std, "std", &passes), .sinks = &sink, .n_sinks = 1};
    (void)state;
    sink.ops = &exact; /* the source decides first */
    assert_string_equal(because(&conf, AT_MOST_ONCE),
                        "std can not be read again: what was read but not delivered when weir ends is lost");
    conf.source = part(WEIR_SOURCE, &kafka, "kafka", &replays);
    assert_string_equal(
        because(&conf, EXACTLY_ONCE),
        "kafka is read again from the last commit after a crash, and kafka stores records and the "
        "position they lead to in one transaction");
    sink.ops = &idempotent;
    assert_string_equal(
        because(&conf, EFFECTIVELY_ONCE),
        "kafka is read again from the last commit after a crash, and kafka knows each record by its "
        "identity, so that a repeat changes nothing");
    sink.ops = &plain;
    assert_string_equal(
        because(&conf, AT_LEAST_ONCE),
        "kafka is read again from the last commit after a crash, and kafka can not tell a repeat "
        "after a crash from a new record");
}

#define AFTER  "kafka is read again from the last commit after a crash, and "
#define STORES " stores records and the position they lead to in one transaction"
#define FINAL                                                                                                \
    " makes records and the offsets of their source final in one transaction, for readers of what is "       \
    "committed"

/* One row a pair, or several sinks: what they promise, and the sentence in full. */
static void the_weakest_of_several_decides(void **state)
{
    static const struct {
        const struct weir_ops *one, *two, *dead;
        enum conf_fanout fan_out;
        enum guarantee is;
        const char *because;
    } rows[] = {
        {&keeps, NULL, NULL, FANOUT_TOGETHER, EXACTLY_ONCE, AFTER "kafka \"k\"" FINAL},
        {&keeps, NULL, &exact, FANOUT_TOGETHER, EXACTLY_ONCE,
         AFTER "kafka \"k\"" FINAL "; dead letters arrive at least once"},
        {&exact, NULL, &exact, FANOUT_TOGETHER, EXACTLY_ONCE, AFTER "kafka \"k\"" STORES},
        {&exact, &exact, NULL, FANOUT_TOGETHER, EXACTLY_ONCE,
         AFTER "kafka \"k\"" STORES " (exactly once) and file \"archive\"" STORES " (exactly once)"},
        {&exact, &plain, NULL, FANOUT_TOGETHER, AT_LEAST_ONCE,
         AFTER "kafka \"k\"" STORES
               " (exactly once) and file \"archive\" can not tell a repeat after a crash from a "
               "new record (at least once)"},
        {&keeps, &exact, NULL, FANOUT_TOGETHER, AT_LEAST_ONCE,
         AFTER "kafka \"k\"" FINAL
               " (exactly once) and file \"archive\" commits before kafka \"k\", so that a crash in "
               "between repeats records (at least once)"},
        {&keeps, &idempotent, NULL, FANOUT_TOGETHER, EFFECTIVELY_ONCE,
         AFTER "kafka \"k\"" FINAL
               " (exactly once) and file \"archive\" knows each record by its identity, so that a "
               "repeat changes nothing (effectively once)"},
        {&keeps, &exact, &exact, FANOUT_INDEPENDENT, EXACTLY_ONCE,
         "kafka is read again from the last commit after a crash, for each sink by itself, and kafka "
         "\"k\"" FINAL " (exactly once) and file \"archive\"" STORES
         " (exactly once); dead letters arrive at least once"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct section_conf sinks[] = {part(WEIR_SINK, &kafka, "k", rows[i].one),
                                       part(WEIR_SINK, &file, "archive", rows[i].two)};
        struct section_conf dead = part(WEIR_SINK, &file, "file", rows[i].dead);
        struct pipeline_conf conf = {.source = part(WEIR_SOURCE, &kafka, "kafka", &replays),
                                     .sinks = sinks,
                                     .n_sinks = rows[i].two ? 2 : 1,
                                     .fan_out = rows[i].fan_out,
                                     .dead_letter = rows[i].dead ? &dead : NULL};
        dead.dead_letter = true;
        assert_string_equal(because(&conf, rows[i].is), rows[i].because);
    }
}

static void each_sink_with_its_own_reader_stands_alone(void **state)
{
    struct section_conf sinks[] = {part(WEIR_SINK, &kafka, "k", &exact),
                                   part(WEIR_SINK, &file, "archive", &plain)};
    struct pipeline_conf conf = {.source = part(WEIR_SOURCE, &kafka, "kafka", &replays),
                                 .sinks = sinks,
                                 .n_sinks = 2,
                                 .fan_out = FANOUT_INDEPENDENT};
    (void)state;
    assert_string_equal(
        because(&conf, AT_LEAST_ONCE),
        "kafka is read again from the last commit after a crash, for each sink by itself, and kafka \"k\" "
        "stores "
        "records and the position they lead to in one transaction (exactly once) and file \"archive\" can "
        "not tell a repeat after a crash from a new record (at least once)");
    assert_string_equal(chain(&conf, false),
                        "kafka -> kafka \"k\" + file \"archive\", each with a reader of its own");
}

static void dead_letters_are_named_when_weaker(void **state)
{
    struct section_conf sink = part(WEIR_SINK, &kafka, "kafka", &idempotent);
    struct section_conf dead = part(WEIR_SINK, &file, "file", &plain);
    struct pipeline_conf conf = {.source = part(WEIR_SOURCE, &kafka, "kafka", &replays),
                                 .sinks = &sink,
                                 .n_sinks = 1,
                                 .dead_letter = &dead};
    (void)state;
    assert_non_null(strstr(because(&conf, EFFECTIVELY_ONCE), "; dead letters arrive at least once"));
    dead.ops = &idempotent;
    assert_null(strstr(because(&conf, EFFECTIVELY_ONCE), "dead letters"));
}

static void chains(void **state)
{
    struct section_conf sinks[] = {part(WEIR_SINK, &kafka, "kafka", &plain),
                                   part(WEIR_SINK, &file, "archive", &plain)};
    struct section_conf transform = part(WEIR_TRANSFORM, &filter, "clean", &passes);
    struct section_conf dead = part(WEIR_SINK, &file, "file", &plain);
    struct pipeline_conf conf = {.source = part(WEIR_SOURCE, &std, "std", &passes),
                                 .transforms = &transform,
                                 .n_transforms = 1,
                                 .sinks = sinks,
                                 .n_sinks = 1};
    (void)state;
    assert_string_equal(chain(&conf, true), "std \xe2\x86\x92 filter \"clean\" \xe2\x86\x92 kafka");
    conf.n_sinks = 2;
    conf.dead_letter = &dead;
    dead.dead_letter = true;
    assert_string_equal(chain(&conf, false),
                        "std -> filter \"clean\" -> kafka + file \"archive\" (dead letters -> file)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sink),
        cmocka_unit_test(the_weakest_of_several_decides),
        cmocka_unit_test(each_sink_with_its_own_reader_stands_alone),
        cmocka_unit_test(dead_letters_are_named_when_weaker),
        cmocka_unit_test(chains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
