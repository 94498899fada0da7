/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-parse.c - texts for the formats of the transform parse: a byte that says which format, a byte of options, a JSON
 * object that the fields are set beside, NUL, the text. */
#include "fuzz.h"

#include "record/json.h"

#include "../../plugins/common/jsonscan.h"
#include "../../plugins/parse/beside.h"
#include "../../plugins/parse/parse.h"
#include "../../plugins/parse/text.h"

static const struct weir_path *const some_path = (const void *)"never looked at";
static struct fuzz_host host;

static struct parse_conf conf_of(int format, unsigned bits)
{
    static const char *const columns[] = {"a", "b", "a", "d"};
    struct parse_conf c = {.format = format, .columns = {columns, 1 + (bits & 3)}, .zone = "UTC"};
    c.field = bits & 4 ? some_path : NULL;
    c.delimiter = bits & 8 ? "\"" : "comma";
    c.quote = bits & 8 ? "none" : "double";
    c.syslog = bits >> 4 & 1;
    c.pattern =
        format == FORMAT_GROK ? "%{IPORHOST:a} %{NUMBER:b:number} %{QS:c}" : "(?<a>\\w+) (?<b>[^x]*)(?<c>x)?";
    return c;
}

/* Names of members, decoded, stand once. */
static void must_differ(struct weir_slice object)
{
    struct weir_slice key, value, other;
    char *name = malloc(object.len), *second = malloc(object.len);
    const char *at = (const char *)object.ptr + 1, *end = (const char *)object.ptr + object.len;
    FUZZ_MUST(name && second);
    for (int i = 0; i < 20 && jsonscan_member(&at, end, &key, &value); i++) {
        size_t n = text_unescape((struct weir_slice){(const char *)key.ptr + 1, key.len - 2}, name);
        for (const char *p = at; jsonscan_member(&p, end, &other, &value);) {
            size_t m = text_unescape((struct weir_slice){(const char *)other.ptr + 1, other.len - 2}, second);
            FUZZ_MUST(m != n || memcmp(name, second, n) != 0);
        }
    }
    free(name);
    free(second);
}

static bool is_json(struct weir_slice s, uint32_t want)
{
    uint32_t type;
    return json_check(s.ptr, s.len, &type, NULL, NULL) && (!want || type == want);
}

/* What was read beside the members of another object is an object still. */
static void set_beside(struct members *m, struct weir_slice object, bool drop)
{
    struct beside b;
    struct weir_slice key, field = {NULL, 0}, made;
    const char *at = object.ptr, *end = at + object.len;
    bool gone;
    while (*at++ != '{')
        continue;
    object = (struct weir_slice){at - 1, (size_t)(end - at + 1)};
    (void)jsonscan_member(&at, end, &key, &field);
    beside_init(&b, &host.ctx);
    made = beside_set(&b, object, m, field.ptr ? field : object, drop, &gone);
    FUZZ_MUST(is_json(made, WEIR_JSON_OBJECT));
    FUZZ_MUST(!drop || !field.ptr || gone);
    beside_free(&b);
}

static void try_text(const struct parse_conf *conf, unsigned bits, struct weir_slice text,
                     struct weir_slice object)
{
    const struct parse_format *format = parse_formats[conf->format];
    static const struct weir_pair names[] = {{"a", "integer"}, {"b", "number"}, {"procid", "boolean"}};
    struct weir_map map = {names, bits & 32 ? 3 : 0};
    struct weir_record rec = {.time_ms = bits & 64 ? WEIR_NO_TIME : 1767312000000, .value = text};
    struct types types;
    struct members *m = malloc(sizeof *m);
    void *state = NULL;
    FUZZ_MUST(m);
    if (!format->prepare || format->prepare(&host.ctx, conf, NULL, &state)) {
        types_init(&types, &host.ctx, &map, bits >> 7 & 1);
        members_init(m, &host.ctx, &types);
        members_begin(m);
        if (!format->parse(state, &rec, text, m)) {
            FUZZ_MUST(m->why[0]);
        } else {
            struct weir_slice made = members_end(m);
            FUZZ_MUST(is_json(made, m->whole.ptr ? 0 : WEIR_JSON_OBJECT));
            if (!m->whole.ptr) {
                must_differ(made);
                set_beside(m, object, bits & 1);
            }
        }
        members_free(m);
        types_free(&types, &host.ctx);
        if (format->release && state)
            format->release(&host.ctx, state);
    }
    free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int formats = 0;
    if (size < 2)
        return 0;
    fuzz_host_init(&host);
    while (parse_format_names[formats])
        formats++;
    struct parse_conf conf = conf_of(data[0] % formats, data[1]);
    unsigned bits = data[1];
    data += 2;
    size -= 2;
    char *object = fuzz_text(&data, &size), *text = fuzz_rest(data, size);
    struct weir_slice beside = {object, strlen(object)};
    if (!is_json(beside, WEIR_JSON_OBJECT))
        beside = (struct weir_slice){"{ \"a\" : \"x\" , \"b\":{\"c\":[1]},\"\\u0068ost\":null}", 45};
    try_text(&conf, bits, (struct weir_slice){text, size}, beside);
    free(object);
    free(text);
    return 0;
}
