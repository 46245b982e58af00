/* Dates of policies: NotAfter and Expires. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DATE_TEXT_MAX 32u
#define DATE_EXPECTED "YYYY-MM-DD, YYYY-MM-DDTHH:MM:SSZ or YYYYMMDDHHMMSSZ from 2000 on (UTC)"

/* *last: the last second of the day, or the second that the text names, since the epoch. False: no such date. */
bool date_parse(const char *text, int64_t *last);
/* "2027-06-30T23:59:59Z"; a second outside of the years 2000 to 9999 as a number. */
const char *date_text(int64_t second, char text[DATE_TEXT_MAX]);
