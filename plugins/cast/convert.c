/* SPDX-License-Identifier: BSD-2-Clause */
/* convert.c - see convert.h. */
#define WEIR_API 1
#include "convert.h"

#include "decimal.h"

#include <math.h>
#include <stdlib.h>

/* Any decimal of so many digits is another double (float): none of them is lost. */
#define DOUBLE_DIGITS 15u
#define FLOAT_DIGITS  6u
/* What to_float adds to a text, or needs in place of it. */
#define FLOAT_ROOM    40u

static struct converted fails(const char *why)
{
    return (struct converted){.why = why};
}

static struct converted becomes(const char *json, size_t len)
{
    return (struct converted){.changed = true, .text = {json, len}};
}

static struct converted stays(void)
{
    return (struct converted){.changed = false};
}

/* The same bytes are no change. */
static struct converted number_of(const struct weir_span *from, const char *json, size_t len)
{
    if (from->type == WEIR_JSON_NUMBER && from->len == len && memcmp(from->ptr, json, len) == 0)
        return stays();
    return becomes(json, len);
}

static struct weir_slice trimmed(struct weir_slice s)
{
    const char *p = s.ptr;
    while (s.len && strchr(" \t\r\n", *p) && *p) {
        p++;
        s.len--;
    }
    while (s.len && strchr(" \t\r\n", p[s.len - 1]) && p[s.len - 1])
        s.len--;
    s.ptr = p;
    return s;
}

/* The number that a value is or says; NULL, or why there is none. */
static const char *read_number(struct each *e, const struct weir_span *from, struct decimal *ret)
{
    switch (from->type) {
    case WEIR_JSON_NUMBER:
        (void)decimal_read((struct weir_slice){from->ptr, from->len}, ret);
        return NULL;
    case WEIR_JSON_TRUE:
    case WEIR_JSON_FALSE:
        (void)decimal_read(weir_str(from->type == WEIR_JSON_TRUE ? "1" : "0"), ret);
        return NULL;
    case WEIR_JSON_STRING:
        return decimal_read(trimmed(each_string(e, from)), ret) ? NULL : "the text is no number";
    default:
        return from->type == WEIR_JSON_ARRAY ? "it is an array" : "it is an object";
    }
}

static unsigned bits_of(enum convert_type to)
{
    switch (to) {
    case TO_INT8:
        return 8;
    case TO_INT16:
        return 16;
    case TO_INT32:
        return 32;
    default:
        return 64;
    }
}

/* int8 to int64, whose fraction is cut off, and integer, which must have none. */
static struct converted to_whole(struct each *e, enum convert_type to, const struct weir_span *from)
{
    struct decimal d;
    char *out;
    size_t n = 0;
    enum decimal_cut cut;
    const char *why = read_number(e, from, &d);
    if (why)
        return fails(why);
    if (to != TO_INTEGER && from->type == WEIR_JSON_STRING && (d.has_point || d.exponent.len))
        return fails("the text is no whole number");
    out = each_alloc(e, decimal_whole_room(&d));
    cut = decimal_whole(&d, out, &n);
    if (to == TO_INTEGER && cut == DECIMAL_CUT)
        return fails("it has a fraction");
    if (to == TO_INTEGER && cut == DECIMAL_TOO_LONG)
        return fails("its exponent makes more than 1000 digits of it");
    if (to != TO_INTEGER &&
        (cut == DECIMAL_TOO_LONG || !decimal_fits((struct weir_slice){out, n}, bits_of(to))))
        return fails("it is out of range");
    return number_of(from, out, n);
}

static struct converted to_number(struct each *e, const struct weir_span *from)
{
    struct decimal d;
    char *out;
    const char *why;
    if (from->type == WEIR_JSON_NUMBER)
        return stays();
    why = read_number(e, from, &d);
    if (why)
        return fails(why);
    out = each_alloc(e, from->len + 2);
    return becomes(out, decimal_print(&d, out));
}

/* Beyond its normal range a number has fewer digits. */
static bool is_subnormal(double value, bool single)
{
    return (single ? fpclassify((float)value) : fpclassify(value)) == FP_SUBNORMAL;
}

/* The fewest digits that give this number again. */
static size_t print_shortest(char *out, size_t cap, double value, bool single)
{
    unsigned most = single ? 9 : 17;
    unsigned digits = is_subnormal(value, single) ? 1 : single ? FLOAT_DIGITS : DOUBLE_DIGITS;
    for (;; digits++) {
        int n = snprintf(out, cap, "%.*g", (int)digits, value);
        if (digits == most || (single ? (double)strtof(out, NULL) : strtod(out, NULL)) == value)
            return (size_t)n;
    }
}

/* The number that value is, printed: in place of text, which was read as it, unless that says the same. */
static size_t round_to(double value, bool single, const struct decimal *d, char *text, size_t len)
{
    char shortest[FLOAT_ROOM];
    size_t n = print_shortest(shortest, sizeof shortest, value, single);
    struct decimal other;
    if (decimal_read((struct weir_slice){shortest, n}, &other) && decimal_same_digits(d, &other))
        return len;
    memcpy(text, shortest, n);
    return n;
}

static struct converted to_float(struct each *e, enum convert_type to, const struct weir_span *from)
{
    bool single = to == TO_FLOAT32;
    struct decimal d;
    char *out;
    size_t n;
    double value;
    const char *why = read_number(e, from, &d);
    if (why)
        return fails(why);
    out = each_alloc(e, from->len + FLOAT_ROOM);
    n = decimal_print(&d, out);
    out[n] = '\0';
    value = single ? (double)strtof(out, NULL) : strtod(out, NULL);
    if (!isfinite(value) || (d.significant && fpclassify(value) == FP_ZERO))
        return fails("it is out of range");
    if (d.significant > (single ? FLOAT_DIGITS : DOUBLE_DIGITS) || is_subnormal(value, single))
        n = round_to(value, single, &d, out, n);
    if (!memchr(out, '.', n) && !memchr(out, 'e', n) && !memchr(out, 'E', n)) {
        memcpy(out + n, ".0", 2); /* so that who guesses types from values sees no whole number */
        n += 2;
    }
    return number_of(from, out, n);
}

static bool is_word(struct weir_slice s, const char *word)
{
    const char *p = s.ptr;
    if (s.len != strlen(word))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if ((p[i] >= 'A' && p[i] <= 'Z' ? p[i] + 32 : p[i]) != word[i])
            return false;
    }
    return true;
}

static struct converted truth(bool is)
{
    return is ? becomes("true", 4) : becomes("false", 5);
}

static struct converted to_boolean(struct each *e, const struct weir_span *from)
{
    static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "1", "0"};
    struct decimal d;
    struct weir_slice text;
    const char *why;
    if (from->type == WEIR_JSON_TRUE || from->type == WEIR_JSON_FALSE)
        return stays();
    if (from->type == WEIR_JSON_STRING) {
        text = trimmed(each_string(e, from));
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (is_word(text, words[i]))
                return truth(i % 2 == 0);
        }
        return fails("the text is none of true, false, yes, no, on, off, 1, 0");
    }
    why = read_number(e, from, &d);
    return why ? fails(why) : truth(d.significant > 0);
}

static struct converted to_string(const struct weir_span *from)
{
    switch (from->type) {
    case WEIR_JSON_STRING:
        return stays();
    case WEIR_JSON_ARRAY:
        return fails("it is an array");
    case WEIR_JSON_OBJECT:
        return fails("it is an object");
    default:
        return (struct converted){.changed = true, .is_text = true, .text = {from->ptr, from->len}};
    }
}

struct converted convert(struct each *e, enum convert_type to, const struct weir_span *from)
{
    switch (to) {
    case TO_FLOAT32:
    case TO_FLOAT64:
        return to_float(e, to, from);
    case TO_BOOLEAN:
        return to_boolean(e, from);
    case TO_STRING:
        return to_string(from);
    case TO_NUMBER:
        return to_number(e, from);
    default:
        return to_whole(e, to, from);
    }
}
