/* SPDX-License-Identifier: BSD-2-Clause */
/* expr_lex.c - tokens of an expression as jq 1.6 cuts them, and the sentences for what does not belong there.
 *
 * Thread: the main thread, while the configuration is read. */
#include "expr_tree.h"

#include "closest.h"

#include <stdio.h>
#include <string.h>

/* Longest first, as the longest match wins. */
static const char *const signs[] = {
    "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", "..", "&&",
    "||",  "=~",  "|",  "(",  ")",  "[",  "]",  "{",  "}",  ",",  ":",  ";",  "?",  "<",  ">",
    "=",   "+",   "-",  "*",  "/",  "%",  "!",  "@",  "&",  "'",  "~",  "$",  NULL};

static const struct {
    const char *sign, *say;
} slips[] = {
    {"=", "`=` assigns in jq; did you mean `==`?"},
    {"&&", "did you mean `and`?"},
    {"&", "did you mean `and`?"},
    {"||", "did you mean `or`?"},
    {"!", "negation is a filter in jq; write `(...) | not`"},
    {"=~", "a regular expression is matched with `.field | test(\"regex\")`"},
    {"~", "a regular expression is matched with `.field | test(\"regex\")`"},
    {"'", "strings take double quotes"},
    {"+", "arithmetic (`+`) is not part of `when`"},
    {"-", "arithmetic (`-`) is not part of `when`; only number literals may be negative"},
    {"*", "arithmetic (`*`) is not part of `when`"},
    {"/", "arithmetic (`/`) is not part of `when`"},
    {"%", "arithmetic (`%`) is not part of `when`"},
    {"//", "alternatives (`//`) are not part of `when`; a missing field is null, compare with that"},
    {"?//", "alternatives (`?//`) are not part of `when`"},
    {"?", "`?` is part of `when` only directly behind a field or an index, as in `.a.b?`"},
    {"..", "recursion (`..`) is not part of `when`"},
    {",", "`,` gives several results, which is not part of `when`; for a choice of values write "
          "`.field | IN(\"a\", \"b\")`"},
    {"@", "format strings (`@`) are not part of `when`"},
    {"$", "a variable's name must follow `$` directly: $topic, $partition, $offset, $key, $headers, $time, "
          "$value"},
};

static const char *const jq_words[] = {"select",
                                       "map",
                                       "map_values",
                                       "if",
                                       "then",
                                       "elif",
                                       "else",
                                       "end",
                                       "reduce",
                                       "foreach",
                                       "try",
                                       "catch",
                                       "label",
                                       "break",
                                       "def",
                                       "as",
                                       "import",
                                       "include",
                                       "any",
                                       "all",
                                       "keys",
                                       "keys_unsorted",
                                       "values",
                                       "add",
                                       "range",
                                       "floor",
                                       "ceil",
                                       "round",
                                       "sqrt",
                                       "pow",
                                       "log",
                                       "tostring",
                                       "tonumber",
                                       "tojson",
                                       "fromjson",
                                       "ascii_downcase",
                                       "ascii_upcase",
                                       "ltrimstr",
                                       "rtrimstr",
                                       "split",
                                       "join",
                                       "recurse",
                                       "env",
                                       "input",
                                       "inputs",
                                       "debug",
                                       "error",
                                       "empty",
                                       "contains",
                                       "inside",
                                       "index",
                                       "rindex",
                                       "indices",
                                       "match",
                                       "capture",
                                       "scan",
                                       "splits",
                                       "sub",
                                       "gsub",
                                       "first",
                                       "last",
                                       "nth",
                                       "until",
                                       "while",
                                       "repeat",
                                       "limit",
                                       "isvalid",
                                       "infinite",
                                       "nan",
                                       "isnan",
                                       "isinfinite",
                                       "isnormal",
                                       "sort",
                                       "sort_by",
                                       "group_by",
                                       "min",
                                       "max",
                                       "min_by",
                                       "max_by",
                                       "unique",
                                       "unique_by",
                                       "reverse",
                                       "flatten",
                                       "to_entries",
                                       "from_entries",
                                       "with_entries",
                                       "paths",
                                       "leaf_paths",
                                       "getpath",
                                       "setpath",
                                       "delpaths",
                                       "del",
                                       "path",
                                       "transpose",
                                       "ascii",
                                       "implode",
                                       "explode",
                                       "utf8bytelength",
                                       "now",
                                       "mktime",
                                       "gmtime",
                                       "localtime",
                                       "strftime",
                                       "strptime",
                                       "todate",
                                       "fromdate",
                                       "dateadd",
                                       "datesub",
                                       "date",
                                       "combinations",
                                       "walk",
                                       "numbers",
                                       "strings",
                                       "booleans",
                                       "nulls",
                                       "arrays",
                                       "objects",
                                       "iterables",
                                       "scalars",
                                       "builtins",
                                       "halt",
                                       "halt_error",
                                       "getpath",
                                       "tostream",
                                       "fromstream",
                                       "input_line_number",
                                       "ascii",
                                       "fabs",
                                       "abs",
                                       "trim",
                                       "isempty",
                                       "splits",
                                       "limit",
                                       "INDEX",
                                       "GROUP_BY",
                                       "UNIQUE_BY",
                                       "ltrim",
                                       "rtrim",
                                       "toarray",
                                       "have_literal_numbers",
                                       NULL};

static const char *const own_words[] = {"and",  "or",   "not",  "true",       "false",
                                        "null", "test", "has",  "startswith", "endswith",
                                        "in",   "IN",   "type", "length",     NULL};

void expr_complain(struct expr_parser *p, unsigned column, const char *format, ...)
{
    va_list ap;
    if (p->failed)
        return;
    p->failed = true;
    p->token.type = TOKEN_END;
    int used = snprintf(p->why, p->cap, "column %u: ", column);
    if (used < 0 || (size_t)used >= p->cap)
        return;
    va_start(ap, format);
    (void)vsnprintf(p->why + used, p->cap - (size_t)used, format, ap);
    va_end(ap);
}

bool expr_token_is(const struct expr_parser *p, const char *sign)
{
    return p->token.type == TOKEN_SIGN && p->token.text.len == strlen(sign) &&
           memcmp(p->token.text.ptr, sign, p->token.text.len) == 0;
}

bool expr_token_named(const struct expr_parser *p, const char *name)
{
    return p->token.type == TOKEN_NAME && p->token.text.len == strlen(name) &&
           memcmp(p->token.text.ptr, name, p->token.text.len) == 0;
}

static void complain_name(struct expr_parser *p)
{
    const char *name = p->token.text.ptr;
    int n = p->token.text.len > 60 ? 60 : (int)p->token.text.len;
    if (expr_token_named(p, "select")) {
        expr_complain(p, p->token.column, "`select` is not part of `when`; write its condition alone");
        return;
    }
    for (const char *const *word = own_words; *word; word++)
        if (expr_token_named(p, *word)) {
            expr_complain(p, p->token.column, "`%.*s` is not expected here", n, name);
            return;
        }
    for (const char *const *word = jq_words; *word; word++)
        if (expr_token_named(p, *word)) {
            expr_complain(
                p, p->token.column,
                "`%.*s` of jq is not part of `when`, which has paths, comparisons, and or not, test, "
                "startswith, endswith, has, in, IN, length and type",
                n, name);
            return;
        }
    const char *meant = closest_word(name, p->token.text.len, own_words);
    if (meant)
        expr_complain(p, p->token.column, "unknown word \"%.*s\"; did you mean \"%s\"?", n, name, meant);
    else
        expr_complain(p, p->token.column,
                      "unknown word \"%.*s\"; a field is written `.%.*s`, a string in double quotes", n, name,
                      n, name);
}

void expr_complain_token(struct expr_parser *p)
{
    const struct expr_token *t = &p->token;
    int n = t->text.len > 60 ? 60 : (int)t->text.len;
    if (p->failed)
        return;
    if (t->type == TOKEN_END) {
        expr_complain(p, t->column, "the expression ends where a value is expected");
        return;
    }
    if (t->type == TOKEN_NAME) {
        complain_name(p);
        return;
    }
    for (size_t i = 0; i < sizeof slips / sizeof slips[0]; i++)
        if (expr_token_is(p, slips[i].sign)) {
            expr_complain(p, t->column, "%s", slips[i].say);
            return;
        }
    if (t->type == TOKEN_SIGN && n > 1 && ((const char *)t->text.ptr)[n - 1] == '=' &&
        !strchr("=!<>", *(const char *)t->text.ptr)) {
        expr_complain(p, t->column, "assignments (`%.*s`) are not part of `when`", n,
                      (const char *)t->text.ptr);
        return;
    }
    if (t->type == TOKEN_STRING)
        expr_complain(p, t->column, "a string is not expected here");
    else
        expr_complain(p, t->column, "`%s%.*s` is not expected here",
                      t->type == TOKEN_FIELD      ? "."
                      : t->type == TOKEN_VARIABLE ? "$"
                      : t->type == TOKEN_DOT      ? "."
                                                  : "",
                      t->type == TOKEN_DOT ? 0 : n, t->text.ptr ? (const char *)t->text.ptr : "");
}

/* Columns count characters, from 1. */
static unsigned column_of(const struct expr_parser *p, const char *at)
{
    unsigned column = 1;
    for (const char *s = p->start; s < at; s++)
        column += ((unsigned char)*s & 0xc0) != 0x80;
    return column;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const char *skip_name(const char *s)
{
    while (starts_name(*s) || is_digit(*s))
        s++;
    return s;
}

static const char *skip_digits(const char *s)
{
    while (is_digit(*s))
        s++;
    return s;
}

/* [0-9]+ (. [0-9]*)? | . [0-9]+, then an exponent; the text behind end is NUL. */
static const char *skip_number(const char *s)
{
    s = skip_digits(s);
    if (*s == '.')
        s = skip_digits(s + 1);
    if (*s == 'e' || *s == 'E') {
        const char *exponent = s + 1;
        if (*exponent == '+' || *exponent == '-')
            exponent++;
        if (is_digit(*exponent))
            s = skip_digits(exponent);
    }
    return s;
}

struct weir_slice expr_number_text(struct arena *arena, struct weir_slice literal, bool negative)
{
    const char *s = literal.ptr, *end = s + literal.len;
    char *out = arena_alloc(arena, literal.len + 4), *to = out;
    if (negative)
        *to++ = '-';
    while (s + 1 < end && *s == '0' && is_digit(s[1]))
        s++;
    if (*s == '.')
        *to++ = '0';
    for (; s < end; s++) {
        *to++ = *s;
        if (*s == '.' && (s + 1 == end || !is_digit(s[1])))
            *to++ = '0';
    }
    return (struct weir_slice){out, (size_t)(to - out)};
}

static int hex4(const char *s, const char *end)
{
    int value = 0;
    if (end - s < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = s[i];
        int digit = is_digit(c)            ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *put_utf8(char *to, unsigned c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *to++ = (char)(0xe0 | c >> 12);
        } else {
            *to++ = (char)(0xf0 | c >> 18);
            *to++ = (char)(0x80 | (c >> 12 & 63));
        }
        *to++ = (char)(0x80 | (c >> 6 & 63));
    }
    *to++ = (char)(0x80 | (c & 63));
    return to;
}

/* *s is behind "\u"; on success behind all its digits. */
static bool read_unicode(const char **s, const char *end, unsigned *ret)
{
    int high = hex4(*s, end);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
        return false;
    *s += 4;
    *ret = (unsigned)high;
    if (high < 0xd800 || high > 0xdbff)
        return true;
    if (end - *s < 6 || (*s)[0] != '\\' || (*s)[1] != 'u')
        return false;
    int low = hex4(*s + 2, end);
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *s += 6;
    *ret = 0x10000u + (((unsigned)high - 0xd800u) << 10) + ((unsigned)low - 0xdc00u);
    return true;
}

/* One escape, *s behind the backslash; NULL after a complaint. */
static char *read_escape(struct expr_parser *p, const char **s, char *to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *start = *s - 1;
    char c = *s < p->end ? *(*s)++ : '\0';
    const char *found = c ? strchr(from, c) : NULL;
    unsigned code;
    if (found) {
        *to = into[found - from];
        return to + 1;
    }
    if (c == '(')
        expr_complain(p, column_of(p, start), "string interpolation (`\\(`) is not part of `when`");
    else if (c == 'u' && read_unicode(s, p->end, &code))
        return put_utf8(to, code);
    else if (c == 'u')
        expr_complain(p, column_of(p, start),
                      "`\\u` takes four hexadecimal digits that are a character, "
                      "or two such escapes that are a surrogate pair");
    else
        expr_complain(p, column_of(p, start),
                      "unknown escape in a string; a backslash of a regular expression is "
                      "written twice: \"\\\\.\"");
    return NULL;
}

static void read_string(struct expr_parser *p)
{
    const char *s = p->at + 1, *close = s;
    while (close < p->end && *close != '"')
        close += *close == '\\' && close + 1 < p->end ? 2 : 1;
    char *out = arena_alloc(&p->expr->arena, (size_t)(close - s) + 1), *to = out;
    while (s < p->end && *s != '"') {
        if (*s != '\\') {
            *to++ = *s++;
            continue;
        }
        s++;
        to = read_escape(p, &s, to);
        if (!to)
            return;
    }
    if (s == p->end) {
        expr_complain(p, column_of(p, p->at), "the string that starts here has no end");
        return;
    }
    p->token.type = TOKEN_STRING;
    p->token.text = (struct weir_slice){out, (size_t)(to - out)};
    p->at = s + 1;
}

static void take(struct expr_parser *p, enum expr_token_type type, const char *from, const char *to)
{
    p->token.type = type;
    p->token.text = (struct weir_slice){from, (size_t)(to - from)};
    p->at = to;
}

static void skip_blanks(struct expr_parser *p)
{
    for (; p->at < p->end; p->at++) {
        if (*p->at == '#')
            while (p->at + 1 < p->end && p->at[1] != '\n')
                p->at++;
        else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\n')
            return;
    }
}

static void read_sign(struct expr_parser *p)
{
    for (const char *const *sign = signs; *sign; sign++) {
        size_t n = strlen(*sign);
        if ((size_t)(p->end - p->at) >= n && memcmp(p->at, *sign, n) == 0) {
            take(p, TOKEN_SIGN, p->at, p->at + n);
            return;
        }
    }
    expr_complain(p, p->token.column, "this character has no meaning in an expression");
}

void expr_advance(struct expr_parser *p)
{
    if (p->failed)
        return;
    skip_blanks(p);
    const char *s = p->at;
    p->token.column = column_of(p, s);
    if (s == p->end)
        take(p, TOKEN_END, s, s);
    else if (*s == '"')
        read_string(p);
    else if (is_digit(*s) || (*s == '.' && is_digit(s[1])))
        take(p, TOKEN_NUMBER, s, skip_number(s));
    else if (*s == '.' && starts_name(s[1]))
        take(p, TOKEN_FIELD, s + 1, skip_name(s + 1));
    else if (*s == '.' && s[1] != '.')
        take(p, TOKEN_DOT, s, s + 1);
    else if (starts_name(*s))
        take(p, TOKEN_NAME, s, skip_name(s));
    else if (*s == '$' && starts_name(s[1]))
        take(p, TOKEN_VARIABLE, s + 1, skip_name(s + 1));
    else
        read_sign(p);
}
