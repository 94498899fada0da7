/* SPDX-License-Identifier: BSD-2-Clause */
/* json-simdjson.cc - the JSON module against simdjson: the same texts must be accepted, and mean the same.
 *
 *   json-simdjson [-s SECONDS] [-n TEXTS] [-r SEED] FILE...
 *
 * makes texts from a seed (from a grammar, or out of the FILEs; then mutated) and compares both readers: accepted or
 * refused, every value, the text without white space, UTF-8.  At the first difference it prints the seed and the
 * text and exits 1.  With -DWEIR_LIBFUZZER it is a libFuzzer target instead.
 *
 * Differences that are meant, each recognised by its cause in the text:
 *   - weir refuses more than JSON_DEPTH_MAX levels; simdjson is run with a higher limit;
 *   - simdjson refuses integers beyond 64 bits and numbers beyond a double, weir keeps any number's text;
 *   - simdjson refuses escapes of half a surrogate pair, weir accepts them. */
extern "C" {
#include "record/json.h"
}

#include <chrono>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <simdjson.h>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using simdjson::dom::element;
using simdjson::dom::element_type;

namespace {

struct arena memory;
const char *problem; /* of the text at hand */

std::string_view view(struct weir_slice s)
{
    return std::string_view(static_cast<const char *>(s.ptr), s.len);
}

bool fail(const char *why)
{
    problem = why;
    return false;
}

/* ---- the causes of meant differences ---- */

/* Whether some escape in the text is half a surrogate pair. */
bool has_lone_surrogate(const std::string &text)
{
    for (size_t i = 0; i + 5 < text.size(); i++) {
        if (text[i] != '\\')
            continue;
        if (text[i + 1] != 'u') {
            i++;
            continue;
        }
        unsigned long high = std::stoul(text.substr(i + 2, 4), nullptr, 16), low = 0;
        i += 5;
        if (high < 0xd800 || high > 0xdfff)
            continue;
        if (i + 6 < text.size() && text[i + 1] == '\\' && text[i + 2] == 'u')
            low = std::stoul(text.substr(i + 3, 4), nullptr, 16);
        if (high >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return true;
        i += 6;
    }
    return false;
}

bool is_big(std::string_view number)
{
    if (number.find_first_of(".eE") != number.npos)
        return std::isinf(std::strtod(std::string(number).c_str(), nullptr));
    errno = 0;
    if (number[0] == '-')
        (void)std::strtoll(std::string(number).c_str(), nullptr, 10);
    else
        (void)std::strtoull(std::string(number).c_str(), nullptr, 10);
    return errno == ERANGE;
}

bool has_big_number(const struct json_node *node)
{
    if (node->type == WEIR_JSON_NUMBER)
        return is_big(view(node->text));
    for (const struct json_node *c = node->child; c; c = c->next)
        if (has_big_number(c))
            return true;
    return false;
}

/* ---- comparing ---- */

bool same_value(const struct json_node *ours, element theirs);

bool same_object(const struct json_node *ours, simdjson::dom::object theirs)
{
    const struct json_node *c = ours->child;

    for (auto member : theirs) {
        if (!c || view(json_string(&memory, c->key)) != member.key)
            return fail("an object's names differ");
        if (!same_value(c, member.value))
            return false;
        c = c->next;
    }
    return c ? fail("an object has members too many") : true;
}

bool same_array(const struct json_node *ours, simdjson::dom::array theirs)
{
    const struct json_node *c = ours->child;

    for (element e : theirs) {
        if (!c || c->key.ptr)
            return fail("an array's elements differ");
        if (!same_value(c, e))
            return false;
        c = c->next;
    }
    return c ? fail("an array has elements too many") : true;
}

bool same_value(const struct json_node *ours, element theirs)
{
    switch (theirs.type()) {
    case element_type::OBJECT:
        return ours->type == WEIR_JSON_OBJECT ? same_object(ours, theirs.get_object()) : fail("types differ");
    case element_type::ARRAY:
        return ours->type == WEIR_JSON_ARRAY ? same_array(ours, theirs.get_array()) : fail("types differ");
    case element_type::STRING:
        if (ours->type != WEIR_JSON_STRING || view(json_string(&memory, ours->text)) != theirs.get_string())
            return fail("strings differ");
        return true;
    case element_type::BOOL:
        return ours->type == (bool(theirs) ? WEIR_JSON_TRUE : WEIR_JSON_FALSE) ? true : fail("types differ");
    case element_type::NULL_VALUE:
        return ours->type == WEIR_JSON_NULL ? true : fail("types differ");
    default:
        if (ours->type != WEIR_JSON_NUMBER || json_number(ours->text) != double(theirs))
            return fail("numbers differ");
        return true;
    }
}

bool same_minified(const char *text, size_t n)
{
    std::unique_ptr<char[]> ours(new char[n]), theirs(new char[n + simdjson::SIMDJSON_PADDING]);
    size_t size = json_minify(ours.get(), text, n), size2 = 0;

    if (simdjson::minify(text, n, theirs.get(), size2) != simdjson::SUCCESS)
        return fail("simdjson can not minify it");
    if (size != size2 || memcmp(ours.get(), theirs.get(), size) != 0)
        return fail("the texts without white space differ");
    bool newlines;
    if (!json_check(ours.get(), size, nullptr, &newlines, nullptr) || newlines)
        return fail("the text without white space is not one line of JSON");
    return true;
}

bool same_print(const struct json_doc *doc, const char *text, size_t n)
{
    std::unique_ptr<char[]> out(new char[n]);

    if (json_printed_size(doc) != n)
        return fail("the printed size differs");
    json_print(doc, out.get());
    return memcmp(out.get(), text, n) == 0 ? true : fail("the printed text differs");
}

/* The two readers on one text. */
bool compare(const std::string &input, bool &ret_accepted)
{
    static simdjson::dom::parser parser;
    static bool ready = parser.allocate(1 << 16, 4 * JSON_DEPTH_MAX) == simdjson::SUCCESS;
    const size_t n = input.size();
    std::unique_ptr<char[]> exact(new char[n]); /* no byte behind it, for a sanitizer to see */
    const char *text = exact.get();
    struct json_error error = {0, nullptr};

    if (!ready)
        return fail("simdjson has no memory");
    memcpy(exact.get(), input.data(), n);
    bool checked = json_check(text, n, nullptr, nullptr, nullptr);
    struct json_doc *doc = json_parse(&memory, text, n, &error);
    ret_accepted = checked;
    if (checked != (doc != nullptr))
        return fail("json_check and json_parse differ");
    if (json_utf8_valid(text, n) != simdjson::validate_utf8(text, n))
        return fail("they differ over UTF-8");

    element theirs;
    simdjson::error_code code = parser.parse(text, n).get(theirs);
    if (doc == nullptr)
        return code != simdjson::SUCCESS || strstr(error.why, "nested deeper")
                   ? true
                   : fail("only simdjson accepts it");
    if (!same_print(doc, text, n))
        return false;
    if (code != simdjson::SUCCESS) {
        if (has_big_number(doc->root) || has_lone_surrogate(input))
            return true;
        return fail("only weir accepts it");
    }
    return same_value(doc->root, theirs) && same_minified(text, n);
}

bool run(const std::string &text, bool &ret_accepted)
{
    bool same = compare(text, ret_accepted);
    arena_reset(&memory);
    return same;
}

void show(const std::string &text)
{
    fprintf(stderr, "json-simdjson: %s: %zu bytes: ", problem, text.size());
    for (unsigned char c : text)
        fprintf(stderr, c >= 0x20 && c < 0x7f && c != '\\' ? "%c" : c == '\\' ? "\\\\" : "\\x%02x", c);
    fprintf(stderr, "\n");
}

/* ---- making texts ---- */

class maker {
    std::mt19937_64 random;
    const std::vector<std::string> &corpus;

  public:
    maker(uint64_t seed, const std::vector<std::string> &texts) : random(seed), corpus(texts)
    {
    }

    size_t below(size_t limit)
    {
        return random() % limit;
    }

    std::string space()
    {
        static const char *const kinds[] = {"",  "",   "",   "",       "",
                                            " ", "  ", "\n", "\r\n\t", "                 "};
        return kinds[below(10)];
    }

    std::string string()
    {
        /* The last two are half surrogate pairs, and rare: simdjson refuses them. */
        static const char *const parts[] = {"a",
                                            "key",
                                            "plain text of some length ",
                                            "\xc3\xa9",
                                            "\xe2\x82\xac",
                                            "\\n",
                                            "\xf0\x9f\x98\x80",
                                            "\\u00e9",
                                            "\\ud83d\\ude00",
                                            "\\ud800\\udc00",
                                            "\\uDBFF\\uDFFF",
                                            "\\\\",
                                            "\\\"",
                                            "\\/",
                                            "0",
                                            " ",
                                            "\\u0000",
                                            "\x7f",
                                            "\xed\x9f\xbf",
                                            "\xe0\xa0\x80",
                                            "\xf4\x8f\xbf\xbf",
                                            "\xc2\x80",
                                            "\\udead",
                                            "\\ud800"};
        std::string s = "\"";
        for (size_t n = below(6); n > 0; n--)
            s += parts[below(below(40) ? 22 : 24)];
        return s + "\"";
    }

    std::string digits(size_t most)
    {
        std::string s;
        for (size_t n = 1 + below(most); n > 0; n--)
            s += char('0' + below(10));
        return s;
    }

    std::string number()
    {
        std::string s = below(3) ? "" : "-", whole = digits(below(30) ? 8 : 25);
        s += below(4) ? std::to_string(1 + below(9)) + whole : "0";
        if (below(2))
            s += "." + digits(below(20) ? 6 : 40);
        if (below(4) == 0)
            s += std::string(below(2) ? "e" : "E") +
                 (below(2)   ? "-"
                  : below(2) ? "+"
                             : "") +
                 digits(below(10) ? 2 : 4);
        return s;
    }

    std::string value(int depth)
    {
        static const char *const words[] = {"true", "false", "null"};
        size_t kind = below(depth > 0 ? 10 : 5);

        if (kind < 2)
            return string();
        if (kind < 4)
            return number();
        if (kind == 4)
            return words[below(3)];
        std::string s = kind < 8 ? "{" : "[";
        for (size_t n = below(5), i = 0; i < n; i++)
            s += (i ? "," : "") + space() + (kind < 8 ? string() + space() + ":" + space() : "") +
                 value(depth - 1) + space();
        return s + space() + (kind < 8 ? "}" : "]");
    }

    std::string nest()
    {
        static const char *const pairs[][2] = {{"[", "]"}, {"{\"k\":", "}"}, {"[1,", "]"}};
        std::string open, close, inner = value(1);
        for (size_t n = below(2) ? below(20) : JSON_DEPTH_MAX - 5 + below(10); n > 0; n--) {
            size_t k = below(3);
            open += pairs[k][0];
            close = pairs[k][1] + close;
        }
        return open + inner + close;
    }

    void mutate(std::string &s)
    {
        static const char bytes[] = "{}[]\",:\\ut01-+.eE \n\t\x01\x7f\x80\xc3\xa9\xed\xf0\xff/a\0";
        size_t at = s.empty() ? 0 : below(s.size());

        switch (below(6)) {
        case 0:
            s.insert(at, 1, bytes[below(sizeof bytes)]);
            break;
        case 1:
            s.erase(at, 1 + below(3));
            break;
        case 2:
            s.resize(at);
            break;
        case 3:
            s.insert(at, s.substr(s.empty() ? 0 : below(s.size()), below(12)));
            break;
        case 4:
            if (!corpus.empty()) {
                const std::string &other = corpus[below(corpus.size())];
                s.insert(at, other.substr(other.empty() ? 0 : below(other.size()), below(20)));
            }
            break;
        default:
            if (!s.empty())
                s[at] = below(3) ? bytes[below(sizeof bytes)] : char(below(256));
        }
    }

    std::string text()
    {
        size_t kind = below(20);
        std::string s = kind == 0                     ? nest()
                        : kind < 8 && !corpus.empty() ? corpus[below(corpus.size())]
                                                      : space() + value(4) + space();
        if (below(3))
            for (size_t n = 1 + below(3); n > 0; n--)
                mutate(s);
        return s;
    }
};

} // namespace

#ifdef WEIR_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    std::string text(reinterpret_cast<const char *>(data), size);
    bool accepted;

    if (!run(text, accepted)) {
        show(text);
        abort();
    }
    return 0;
}
#else
int main(int argc, char **argv)
{
    double seconds = 0;
    uint64_t texts = 0, seed = std::random_device()(), done = 0, accepted = 0;
    std::vector<std::string> corpus;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0' && strchr("snr", argv[i][1]) && i + 1 < argc) {
            if (argv[i][1] == 's')
                seconds = strtod(argv[i + 1], nullptr);
            else
                (argv[i][1] == 'n' ? texts : seed) = strtoull(argv[i + 1], nullptr, 10);
            i++;
            continue;
        }
        std::ifstream file(argv[i], std::ios::binary);
        if (!file) {
            fprintf(stderr, "json-simdjson: %s can not be read.\n", argv[i]);
            return 2;
        }
        std::stringstream bytes;
        bytes << file.rdbuf();
        corpus.push_back(bytes.str());
    }
    for (const std::string &text : corpus) {
        bool good;
        if (!run(text, good)) {
            show(text);
            return 1;
        }
    }
    auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    for (; texts ? done < texts : std::chrono::steady_clock::now() < end; done++) {
        std::string text = maker(seed + done, corpus).text();
        bool good;
        if (!run(text, good)) {
            fprintf(stderr, "json-simdjson: seed %" PRIu64 " (-r %" PRIu64 " -n 1)\n", seed + done,
                    seed + done);
            show(text);
            return 1;
        }
        accepted += good;
    }
    arena_free(&memory);
    printf("%" PRIu64 " texts from seed %" PRIu64 ", %" PRIu64 " of them JSON: no difference.\n", done, seed,
           accepted);
    if (done > 1000 && (accepted < done / 5 || accepted > done - done / 5)) {
        fprintf(stderr, "json-simdjson: nearly all texts were %s: this tests little.\n",
                accepted < done / 5 ? "refused" : "JSON");
        return 1;
    }
    return 0;
}
#endif
