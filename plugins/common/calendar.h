/* SPDX-License-Identifier: BSD-2-Clause */
/* calendar.h - the Gregorian calendar in days since 1970-01-01, for the years from 1 on, also before it began.
 *
 * Pure functions: any thread. */
#ifndef WEIR_PLUGINS_CALENDAR_H
#define WEIR_PLUGINS_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_SECONDS 86400

static inline bool calendar_is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day that is the first of January. */
static inline int64_t calendar_year(int64_t year)
{
    int64_t y = year - 1;
    return y * 365 + y / 4 - y / 100 + y / 400 - 719162; /* 0001-01-01 to 1970-01-01 */
}

static inline int64_t calendar_year_of(int64_t day)
{
    int64_t year = (day + 719162) * 400 / 146097 + 1; /* that, or the one before or behind it */
    while (calendar_year(year) > day)
        year--;
    while (calendar_year(year + 1) <= day)
        year++;
    return year;
}

/* Days of the year before the first of the month, which is 1 to 12; 13: all of them. */
static inline int calendar_month(int64_t year, int month)
{
    static const short before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    return before[month - 1] + (month > 2 && calendar_is_leap(year));
}

/* 0 is Sunday. */
static inline int calendar_weekday(int64_t day)
{
    return (int)(((day + 4) % 7 + 7) % 7);
}

/* Whole days of seconds since 1970, rounded towards the past. */
static inline int64_t calendar_day_of(int64_t sec)
{
    return sec / DAY_SECONDS - (sec % DAY_SECONDS < 0);
}

#endif
