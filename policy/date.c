/*
 * Dates as text and as seconds since the epoch, in UTC alone: what a policy means must not depend on the zone that a
 * machine is set to. Input: an argument of a policy's line. Output: the last second that it stands for.
 */
#include "policy/date.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { YEAR_MIN = 2000, DAY_S = 86400 };

#define SECOND_MIN 946684800    /* 2000-01-01T00:00:00Z */
#define SECOND_MAX 253402300799 /* 9999-12-31T23:59:59Z */

struct moment {
    int year, month, day, hour, minute, second;
};

/* The text has the pattern's length and punctuation, and digits where it has letters. */
static bool has_form(const char *text, const char *pattern)
{
    if (strlen(text) != strlen(pattern))
        return false;
    for (size_t i = 0; pattern[i] != '\0'; i++)
        if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
            return false;
    return true;
}

static int number(const char *digits, size_t count)
{
    int sum = 0;
    for (size_t i = 0; i < count; i++)
        sum = sum * 10 + (digits[i] - '0');
    return sum;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of(int year, int month)
{
    static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

static bool exists(const struct moment *m)
{
    return m->year >= YEAR_MIN && m->month >= 1 && m->month <= 12 && m->day >= 1 &&
           m->day <= days_of(m->year, m->month) && m->hour <= 23 && m->minute <= 59 && m->second <= 59;
}

static int64_t seconds_of(const struct moment *m)
{
    int64_t days = 10957; /* from 1970 to 2000 */
    for (int year = YEAR_MIN; year < m->year; year++)
        days += is_leap(year) ? 366 : 365;
    for (int month = 1; month < m->month; month++)
        days += days_of(m->year, month);
    return (days + m->day - 1) * DAY_S + m->hour * 3600 + m->minute * 60 + m->second;
}

bool date_parse(const char *text, int64_t *last)
{
    struct moment m = {.hour = 23, .minute = 59, .second = 59};
    size_t gap = 1; /* punctuation between the numbers */
    bool has_time = true;
    if (has_form(text, "0000-00-00"))
        has_time = false;
    else if (has_form(text, "00000000000000Z"))
        gap = 0;
    else if (!has_form(text, "0000-00-00T00:00:00Z"))
        return false;
    m.year = number(text, 4);
    m.month = number(text + 4 + gap, 2);
    m.day = number(text + 6 + 2 * gap, 2);
    if (has_time) {
        m.hour = number(text + 8 + 3 * gap, 2);
        m.minute = number(text + 10 + 4 * gap, 2);
        m.second = number(text + 12 + 5 * gap, 2);
    }
    if (!exists(&m))
        return false;
    *last = seconds_of(&m);
    return true;
}

/* Not gmtime(3): it reads the zone's file first, and the signer, which puts dates into its log, may open none. */
static struct moment moment_of(int64_t second)
{
    int64_t days = second / DAY_S - 10957;
    int rest = (int)(second % DAY_S);
    struct moment m = {
        .year = YEAR_MIN, .month = 1, .hour = rest / 3600, .minute = rest / 60 % 60, .second = rest % 60};
    while (days >= (is_leap(m.year) ? 366 : 365))
        days -= is_leap(m.year++) ? 366 : 365;
    while (days >= days_of(m.year, m.month)) {
        days -= days_of(m.year, m.month);
        m.month++;
    }
    m.day = (int)days + 1;
    return m;
}

const char *date_text(int64_t second, char text[DATE_TEXT_MAX])
{
    if (second < SECOND_MIN || second > SECOND_MAX) {
        snprintf(text, DATE_TEXT_MAX, "%lld", (long long)second);
        return text;
    }
    struct moment m = moment_of(second);
    snprintf(text, DATE_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)m.year % 10000u,
             (unsigned)m.month % 100u, (unsigned)m.day % 100u, (unsigned)m.hour % 100u,
             (unsigned)m.minute % 100u, (unsigned)m.second % 100u);
    return text;
}
