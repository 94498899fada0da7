/* SPDX-License-Identifier: BSD-2-Clause */
/* syslog_5424.c - lines of RFC 5424, behind priority and version. */
#define WEIR_API 1
#include "syslog.h"

static bool is_nil(struct weir_slice word)
{
    return word.len == 1 && *(const char *)word.ptr == '-';
}

/* A name of structured data: what stands before =, ], " or a space. */
static struct weir_slice sd_name(const char **at, const char *end)
{
    const char *p = *at;
    while (p < end && *p != '=' && *p != ' ' && *p != ']' && *p != '"')
        p++;
    struct weir_slice name = {*at, (size_t)(p - *at)};
    *at = p;
    return name;
}

static bool sd_broken(struct members *to, struct weir_slice id)
{
    char shown[MEMBERS_SHOWN];
    return members_fail(to, "the structured data \"%s\" does not end as it should", members_shown(id, shown));
}

/* The value whose first character is at *at, without the backslashes before ", \ and ]; *at goes behind its quote. */
static bool sd_value(const char **at, const char *end, struct members *to, struct weir_slice *ret)
{
    const char *from = *at, *p = from;
    char *out;
    bool escaped = false;
    for (; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end) {
            escaped = true;
            p++;
        }
    if (p == end)
        return false;
    *at = p + 1;
    *ret = (struct weir_slice){from, (size_t)(p - from)};
    if (!escaped)
        return true;
    ret->ptr = out = members_scratch(to, ret->len);
    for (const char *stop = p, *q = from; q < stop; q++) {
        if (*q == '\\' && (q[1] == '"' || q[1] == '\\' || q[1] == ']'))
            q++;
        *out++ = *q;
    }
    ret->len = (size_t)(out - (const char *)ret->ptr);
    return true;
}

/* [id name="value" name="value"], *at behind the bracket. */
static bool sd_element(const char **at, const char *end, struct members *to)
{
    struct weir_slice id = sd_name(at, end), name, value;
    if (!id.len)
        return sd_broken(to, id);
    if (!members_open(to, id))
        return false;
    for (;;) {
        while (*at < end && **at == ' ')
            ++*at;
        if (*at == end)
            return sd_broken(to, id);
        if (**at == ']')
            break;
        name = sd_name(at, end);
        if (!name.len || end - *at < 2 || (*at)[0] != '=' || (*at)[1] != '"')
            return sd_broken(to, id);
        *at += 2;
        if (!sd_value(at, end, to, &value))
            return sd_broken(to, id);
        if (!members_text(to, name, value))
            return false;
    }
    ++*at;
    members_close(to);
    return true;
}

static bool structured_data(const char **at, const char *end, struct members *to)
{
    const char *p = *at;
    if (p < end && *p == '-') {
        *at = p + 1;
        return true;
    }
    if (p == end || *p != '[')
        return members_fail(to, "structured data, or - for none, is missing");
    if (!members_open(to, weir_str("data")))
        return false;
    while (p < end && *p == '[') {
        p++;
        if (!sd_element(&p, end, to))
            return false;
    }
    members_close(to);
    *at = p;
    return true;
}

bool syslog_5424(const struct syslog *s, const char *p, const char *end, struct members *to)
{
    static const char *const names[] = {"host", "app", "procid", "msgid"};
    struct weir_slice word = syslog_word(&p, end);
    if (!is_nil(word) && !syslog_rfc3339(s, word, to))
        return false;
    for (int i = 0; i < 4; i++) {
        word = syslog_word(&p, end);
        if (!word.len)
            return members_fail(to, "%s, or - for none, is missing", names[i]);
        if (!is_nil(word) && !members_string(to, weir_str(names[i]), word))
            return false;
    }
    if (!structured_data(&p, end, to))
        return false;
    if (p < end && *p++ != ' ')
        return members_fail(to, "no space stands before the message");
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    return syslog_message(p, end, to);
}
