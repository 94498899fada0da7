/* SPDX-License-Identifier: BSD-2-Clause */
/* json-bench.c - what the JSON module costs per record: run it, read ns/record.
 *
 * Arguments: none, or files with one record each.  Every figure is the best of several rounds over a batch of
 * records that lie one behind the other in memory, as a fetch from Kafka leaves them.  `flat` is a batch of records
 * that differ in length and values, as real ones do, so that the processor can not learn them by heart; the others
 * are copies of one text and come out better than life. */
#include "record/json.h"
#include "record/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH  4000
#define ROUNDS 100

struct input {
    const char *name, *text; /* text NULL: flat records, made up */
    size_t len;
};

static const char nested[] = "{\"id\":\"evt_1NG8Du2eZvKYlo2CUI79vXWy\",\"type\":\"invoice.paid\",\"created\":"
                             "1679090539,\"live\":false,"
                             "\"request\":{\"id\":\"req_Xb3vNMB3Y1kOoZ\",\"idempotency\":null,\"ip\":\"203.0."
                             "113.7\"},\"data\":{\"object\":{"
                             "\"customer\":{\"id\":\"cus_9s6XKzkNRiz8i3\",\"name\":\"Grace "
                             "Hopper\",\"address\":{\"city\":\"Arlington\","
                             "\"lines\":[\"Main Street 1\",\"3rd "
                             "floor\"],\"zip\":\"22201\"}},\"currency\":\"eur\",\"lines\":[{\"sku\":"
                             "\"SKU-0001\",\"qty\":2,\"price\":19.99},{\"sku\":\"SKU-0417\",\"qty\":1,"
                             "\"price\":249.5},{\"sku\":\"SKU-0009\","
                             "\"qty\":12,\"price\":0.35}],\"total\":293.68,\"paid\":true,\"attempts\":[1,2,3,"
                             "5,8,13,21,34]}},\"tags\":["
                             "\"eu-west-1\",\"priority\",\"b2b\"]}";
static const char text[] = "{\"lang\":\"multi\",\"de\":\"Größenänderung über Nacht\",\"ru\":\"Съешь же ещё "
                           "этих мягких французских булок\","
                           "\"ja\":\"いろはにほへとちりぬるを\",\"emoji\":\"😀😃😄\",\"quoted\":\"say "
                           "\\\"hi\\\"\\n\\tC:\\\\temp \\u00e9\"}";
static const char pretty[] =
    "{\n  \"name\": \"weir\",\n  \"tags\": [\n    \"a\",\n    \"b\"\n  ],\n  \"deep\": {\n    \"x\": 1,\n    "
    "\"y\": {\n"
    "      \"z\": [1, 2, 3]\n    }\n  },\n  \"note\": \"the white space of a pretty printer\"\n}\n";

static char *records;            /* one behind the other */
static size_t starts[BATCH + 1]; /* of each in records, and the end */
static struct arena arena;
static struct json_path *path;
static char *out;
static volatile size_t sink;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(const char *p, size_t n)
{
    sink += json_check(p, n, NULL, NULL, NULL);
}

static void parse(const char *p, size_t n)
{
    sink += json_parse(&arena, p, n, NULL) != NULL;
}

static void set_print(const char *p, size_t n)
{
    struct json_doc *doc = json_parse(&arena, p, n, NULL);
    json_set(&arena, doc, path, (struct weir_slice){"\"eu-1\"", 6});
    size_t size = json_printed_size(doc);
    json_print(doc, out);
    sink += size;
}

static void minify(const char *p, size_t n)
{
    sink += json_minify(out, p, n);
}

static void quote(const char *p, size_t n)
{
    sink += json_quote(out, p, n);
}

static void utf8(const char *p, size_t n)
{
    sink += json_utf8_valid(p, n);
}

static void measure(const struct input *in, const char *what, void (*run)(const char *, size_t))
{
    double best = 1e18;

    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (size_t i = 0; i < BATCH; i++)
            run(records + starts[i], starts[i + 1] - starts[i]);
        double took = (now_ns() - start) / BATCH;
        best = took < best ? took : best;
        arena_reset(&arena);
    }
    double len = (double)starts[BATCH] / BATCH;
    printf("%-10s %7.0f bytes  %-18s %8.1f ns/record  %6.2f GB/s\n", in->name, len, what, best, len / best);
}

static unsigned below(unsigned limit)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (unsigned)((uint64_t)(state >> 8) * limit >> 24);
}

/* A log record of about 233 bytes. */
static size_t make_flat(char *to, size_t room)
{
    static const char *const levels[] = {"INFO", "DEBUG", "WARNING", "ERROR"};
    static const char *const services[] = {"checkout", "cart", "payment-gateway", "auth", "search"};
    static const char words[] =
        "order placed by the customer could not be shipped today because of heavy weather";
    unsigned from = below(20), n = 5 + below(50);

    return (size_t)snprintf(to, room,
                            "{\"@timestamp\":\"2026-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"level\":\"%s\","
                            "\"service\":\"%s\",\"host\":\"web-%u\","
                            "\"trace\":\"%08x%08x\",\"user_id\":%u,\"duration_ms\":%u.%u,\"status\":%u,"
                            "\"ok\":%s,\"message\":\"%.*s\"}",
                            1 + below(12), 10 + below(18), below(24), below(60), below(60), below(1000),
                            levels[below(4)], services[below(5)], below(2000), below(1u << 24),
                            below(1u << 24), below(1u << (1 + below(23))), below(5000), below(100),
                            200 + below(304), below(3) ? "true" : "false", (int)n, words + from);
}

static void fill(const struct input *in)
{
    size_t room = in->text != NULL ? in->len : 512, used = 0;

    records = malloc(room * BATCH + 1);
    out = malloc(room * 6 + 64);
    if (records == NULL || out == NULL)
        abort();
    for (size_t i = 0; i < BATCH; i++) {
        starts[i] = used;
        if (in->text == NULL) {
            used += make_flat(records + used, room);
        } else {
            memcpy(records + used, in->text, in->len);
            used += in->len;
        }
    }
    starts[BATCH] = used;
}

static void bench(const struct input *in)
{
    fill(in);
    if (!json_check(records, starts[1], NULL, NULL, NULL)) {
        fprintf(stderr, "json-bench: %s is not JSON.\n", in->name);
        exit(1);
    }
    measure(in, "check", check);
    measure(in, "parse", parse);
    measure(in, "parse, set, print", set_print);
    measure(in, "minify", minify);
    measure(in, "quote", quote);
    measure(in, "utf8_valid", utf8);
    free(records);
    free(out);
}

static struct input read_file(const char *name)
{
    static char bytes[1 << 20];
    FILE *f = fopen(name, "rb");

    if (f == NULL) {
        perror(name);
        exit(1);
    }
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return (struct input){name, bytes, n};
}

int main(int argc, char **argv)
{
    const struct input own[] = {{"flat", NULL, 0},
                                {"nested", nested, sizeof nested - 1},
                                {"text", text, sizeof text - 1},
                                {"pretty", pretty, sizeof pretty - 1}};

    path = path_compile(".region", 7, NULL, NULL);
    for (size_t i = 0; argc == 1 && i < sizeof own / sizeof own[0]; i++)
        bench(&own[i]);
    for (int i = 1; i < argc; i++) {
        struct input in = read_file(argv[i]);
        bench(&in);
    }
    path_free(path);
    arena_free(&arena);
    return 0;
}
