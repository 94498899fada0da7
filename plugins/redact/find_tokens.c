/* SPDX-License-Identifier: BSD-2-Clause */
/* find_tokens.c - what gives access: keys with known beginnings, JSON Web Tokens, Authorization values, passwords in
 * addresses and behind their names; see find.h. */
#define WEIR_API 1
#include "find.h"

#include <stdbool.h>

/* Keys that their makers gave a beginning, and how many characters such a key has at the least. */
#define BEGINNING(text, follow)                                                                              \
    {                                                                                                        \
        text, sizeof(text) - 1, sizeof(text) - 1 + (follow)                                                  \
    }
static const struct beginning {
    const char *text;
    size_t len, least;
} beginnings[] = {
    BEGINNING("AKIA", 16),     BEGINNING("ASIA", 16),     BEGINNING("AIza", 30),
    BEGINNING("ghp_", 30),     BEGINNING("gho_", 30),     BEGINNING("ghu_", 30),
    BEGINNING("ghs_", 30),     BEGINNING("ghr_", 30),     BEGINNING("glpat-", 16),
    BEGINNING("xoxa-", 10),    BEGINNING("xoxb-", 10),    BEGINNING("xoxp-", 10),
    BEGINNING("xoxr-", 10),    BEGINNING("xoxs-", 10),    BEGINNING("npm_", 30),
    BEGINNING("sk_live_", 16), BEGINNING("rk_live_", 16), BEGINNING("sk_test_", 16),
    BEGINNING("pypi-", 30),    BEGINNING("sk-", 20),      BEGINNING("github_pat_", 20),
    BEGINNING("hf_", 30),
};
#define SHORTEST 15 /* of them all */

/* What stands in the name of something that must stay secret. */
static const char *const names[] = {"password",   "passwd",      "passphrase", "secret", "token",
                                    "apikey",     "api_key",     "api-key",    "pwd",    "access_key",
                                    "access-key", "private_key", "private-key"};

static bool is_key_char(char c)
{
    return is_alnum(c) || c == '_' || c == '-';
}

static bool is_token_char(char c)
{
    return is_key_char(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Whether the word stands at p, in any case. */
static bool stands(const char *p, size_t n, const char *word)
{
    size_t i = 0;
    while (word[i] && i < n && lower(p[i]) == word[i])
        i++;
    return !word[i];
}

/* A word of key characters: one with a known beginning. */
static void add_known(const char *p, size_t at, size_t len, struct matches *to)
{
    if (len < SHORTEST)
        return;
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        const struct beginning *b = &beginnings[i];
        if (len >= b->least && b->text[0] == p[at] && memcmp(p + at, b->text, b->len) == 0) {
            matches_add(to, at, len);
            return;
        }
    }
}

/* A JSON Web Token, whose first word is at: three parts or more of Base64, the first an object.  Where it ends; at: there is
 * none. */
static size_t add_jwt(struct weir_slice text, size_t at, struct matches *to)
{
    const char *p = text.ptr;
    size_t end = at, dots = 0;
    if (text.len - at < 16 || p[at] != 'e' || p[at + 1] != 'y' || p[at + 2] != 'J')
        return at;
    for (; end < text.len && (is_key_char(p[end]) || p[end] == '.'); end++)
        dots += p[end] == '.';
    if (dots < 2)
        return at;
    matches_add(to, at, end - at);
    return end;
}

/* Bearer TOKEN, Basic TOKEN: a word that can't be one of a sentence. */
static void add_authorization(struct weir_slice text, size_t at, size_t len, struct matches *to)
{
    const char *p = text.ptr;
    size_t begin = at + len, end;
    bool odd = false;
    if (len < 5 || len > 6 || !(stands(p + at, len, "bearer") || stands(p + at, len, "basic")))
        return;
    while (begin < text.len && p[begin] == ' ')
        begin++;
    for (end = begin; end < text.len && is_token_char(p[end]); end++)
        odd = odd || is_digit(p[end]) || p[end] == '=' || (is_letter(p[end]) && lower(p[end]) != p[end]);
    if (begin > at + len && end - begin >= 8 && odd)
        matches_add(to, begin, end - begin);
}

static bool is_secret_name(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
            if (lower(p[i]) == names[k][0] && stands(p + i, n - i, names[k]))
                return true;
        }
    }
    return false;
}

/* How many backslashes stand right before i. */
static size_t backslashes(const char *p, size_t i)
{
    size_t n = 0;
    while (n < i && p[i - 1 - n] == '\\')
        n++;
    return n;
}

/* A quote, which has backslashes before it where JSON stands in a string of JSON; 0: there is none. */
static size_t quote_ends(struct weir_slice text, size_t i)
{
    const char *p = text.ptr;
    size_t at = i;
    while (at < text.len && p[at] == '\\')
        at++;
    return at < text.len && (p[at] == '"' || p[at] == '\'') ? at + 1 : i;
}

/* Where the text ends that a quote opened right before i: at the next one that is not escaped more than that one. */
static size_t quoted_ends(struct weir_slice text, size_t i)
{
    const char *p = text.ptr, quote = p[i - 1];
    size_t level = backslashes(p, i - 1), n;
    for (; i < text.len; i++) {
        if (p[i] != quote)
            continue;
        n = backslashes(p, i);
        if (level ? n <= level : n % 2 == 0)
            return level ? i - n : i;
    }
    return i;
}

/* NAME=VALUE, NAME: VALUE, "NAME": "VALUE": the value, to its closing quote where it has one.  Where it ends; at: there is
 * none. */
static size_t add_named(struct weir_slice text, size_t at, size_t len, struct matches *to)
{
    const char *p = text.ptr;
    size_t i = quote_ends(text, at + len), begin;
    while (i < text.len && p[i] == ' ')
        i++;
    if (i == text.len || (p[i] != '=' && p[i] != ':') || !is_secret_name(p + at, len))
        return at;
    for (i++; i < text.len && (p[i] == ' ' || p[i] == '>');)
        i++;
    begin = quote_ends(text, i);
    if (begin > i) {
        i = quoted_ends(text, begin);
    } else {
        while (i < text.len && !(strchr(" \t\r\n,;&\"'", p[i]) != NULL && p[i]))
            i++;
    }
    if (i <= begin)
        return at;
    matches_add(to, begin, i - begin);
    return i;
}

/* scheme://USER:PASSWORD@host */
static void add_user(struct weir_slice text, size_t at, struct matches *to)
{
    const char *p = text.ptr;
    size_t i = at, sign = 0;
    for (; i < text.len && p[i] != '/' && p[i] != '?' && p[i] != '#' && (unsigned char)p[i] > ' '; i++)
        sign = p[i] == '@' ? i : sign;
    if (sign > at)
        matches_add(to, at, sign - at);
}

void find_tokens(struct weir_slice text, struct matches *to)
{
    const char *p = text.ptr;
    size_t found =
        0; /* up to here all is found: looked through again and again, time would grow with the square */
    for (size_t i = 0, end; i < text.len; i = end) {
        end = i + 1;
        if (is_key_char(p[i])) {
            while (end < text.len && is_key_char(p[end]))
                end++;
            add_known(p, i, end - i, to);
            add_authorization(text, i, end - i, to);
            if (i >= found)
                found = add_jwt(text, i, to);
            if (i >= found)
                found = add_named(text, i, end - i, to);
        } else if (p[i] == ':' && text.len - i > 3 && p[i + 1] == '/' && p[i + 2] == '/') {
            add_user(text, i + 3, to);
        }
    }
}
