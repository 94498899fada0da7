/* SPDX-License-Identifier: BSD-2-Clause */
/* format.c - what `format` may say of a string: dates and times of RFC 3339, addresses, UUIDs.
 *
 * Pure functions. */
#define WEIR_API 1
#include "schema.h"

#include <arpa/inet.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads n digits at *p, which moves behind them; -1: there are not that many. */
static int digits(const char **p, const char *end, int n)
{
    int value = 0;
    if (end - *p < n)
        return -1;
    for (int i = 0; i < n; i++, (*p)++) {
        if (!is_digit(**p))
            return -1;
        value = value * 10 + (**p - '0');
    }
    return value;
}

static bool skip(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return false;
    (*p)++;
    return true;
}

static bool read_date(const char **p, const char *end)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(p, end, 4), month, day;
    if (year < 0 || !skip(p, end, '-') || (month = digits(p, end, 2)) < 1 || month > 12 ||
        !skip(p, end, '-') || (day = digits(p, end, 2)) < 1)
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[month - 1] + (month == 2 && leap);
}

/* Z, or +hh:mm; in minutes. */
static bool read_zone(const char **p, const char *end, int *ret)
{
    int sign = 1, hours, minutes;
    *ret = 0;
    if (skip(p, end, 'Z') || skip(p, end, 'z'))
        return true;
    if (skip(p, end, '-'))
        sign = -1;
    else if (!skip(p, end, '+'))
        return false;
    hours = digits(p, end, 2);
    if (hours < 0 || hours > 23 || !skip(p, end, ':') || (minutes = digits(p, end, 2)) < 0 || minutes > 59)
        return false;
    *ret = sign * (hours * 60 + minutes);
    return true;
}

static bool read_time(const char **p, const char *end)
{
    int hour = digits(p, end, 2), minute, second, zone;
    if (hour < 0 || hour > 23 || !skip(p, end, ':') || (minute = digits(p, end, 2)) < 0 || minute > 59 ||
        !skip(p, end, ':') || (second = digits(p, end, 2)) < 0 || second > 60)
        return false;
    if (skip(p, end, '.')) {
        if (*p == end || !is_digit(**p))
            return false;
        while (*p < end && is_digit(**p))
            (*p)++;
    }
    if (!read_zone(p, end, &zone))
        return false;
    /* A leap second is the last one of a day of UTC. */
    return second < 60 || ((hour * 60 + minute - zone) % 1440 + 1440) % 1440 == 1439;
}

static bool fits_date(const char *p, const char *end)
{
    return read_date(&p, end) && p == end;
}

static bool fits_time(const char *p, const char *end)
{
    return read_time(&p, end) && p == end;
}

static bool fits_date_time(const char *p, const char *end)
{
    return read_date(&p, end) && (skip(&p, end, 'T') || skip(&p, end, 't')) && read_time(&p, end) && p == end;
}

static bool fits_address(int family, const char *p, const char *end)
{
    char text[INET6_ADDRSTRLEN + 1];
    unsigned char address[sizeof(struct in6_addr)];
    size_t n = (size_t)(end - p);
    if (n >= sizeof text || memchr(p, '\0', n))
        return false;
    memcpy(text, p, n);
    text[n] = '\0';
    return inet_pton(family, text, address) == 1;
}

static bool fits_ipv4(const char *p, const char *end)
{
    return fits_address(AF_INET, p, end);
}

static bool fits_ipv6(const char *p, const char *end)
{
    return fits_address(AF_INET6, p, end);
}

static bool fits_uuid(const char *p, const char *end)
{
    if (end - p != 36)
        return false;
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = p[i], low = (char)(c | 0x20);
        if (dash ? c != '-' : !is_digit(c) && !(low >= 'a' && low <= 'f'))
            return false;
    }
    return true;
}

static const struct format formats[] = {
    {"date-time", "a date and time as RFC 3339 has them", fits_date_time},
    {"date", "a date, YYYY-MM-DD", fits_date},
    {"time", "a time with its zone as RFC 3339 has it", fits_time},
    {"ipv4", "an IPv4 address", fits_ipv4},
    {"ipv6", "an IPv6 address", fits_ipv6},
    {"uuid", "a UUID", fits_uuid},
};
const char format_names[] = "date-time, date, time, ipv4, ipv6 and uuid";

const struct format *format_named(struct weir_slice name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strlen(formats[i].name) == name.len && memcmp(formats[i].name, name.ptr, name.len) == 0)
            return &formats[i];
    return NULL;
}
