/* Numbers and durations as text. Input: an argument of a configuration or policy. Output: the number, or false. */
#include "base/decimal.h"

#include <stddef.h>
#include <string.h>

#include "base/util.h"

bool decimal_parse(const char *text, uint64_t max, uint64_t *number)
{
    uint64_t sum = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        uint64_t digit = (uint64_t)(*text - '0');
        if (digit > max || sum > (max - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *number = sum;
    return true;
}

static uint32_t unit_seconds(char unit)
{
    static const struct {
        char letter;
        uint32_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (units[i].letter == (unit | 0x20))
            return units[i].seconds;
    return 0;
}

/* One "90" or "2m"; *text moves behind it. */
static bool take_seconds(const char **text, uint64_t *seconds)
{
    char digits[11];
    size_t size = strspn(*text, "0123456789");
    if (size >= sizeof digits)
        return false;
    memcpy(digits, *text, size);
    digits[size] = '\0';
    uint64_t number = 0;
    if (!decimal_parse(digits, UINT32_MAX, &number))
        return false;
    *text += size;
    uint32_t unit = **text == '\0' ? 1 : unit_seconds(**text);
    if (unit == 0)
        return false;
    *text += **text == '\0' ? 0 : 1;
    *seconds += number * unit;
    return *seconds <= UINT32_MAX;
}

bool duration_parse(const char *text, uint32_t *seconds)
{
    uint64_t sum = 0;
    if (*text == '\0')
        return false;
    while (*text != '\0')
        if (!take_seconds(&text, &sum))
            return false;
    *seconds = (uint32_t)sum;
    return true;
}

static unsigned unit_shift(char unit)
{
    switch (unit | 0x20) {
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    default:
        return 0;
    }
}

bool octets_parse(const char *text, uint64_t max, uint64_t *octets)
{
    char digits[20];
    size_t size = strlen(text);
    uint64_t number = 0;
    if (size == 0 || size >= sizeof digits)
        return false;
    unsigned shift = unit_shift(text[size - 1]);
    memcpy(digits, text, size);
    digits[size - (shift != 0 ? 1 : 0)] = '\0';
    if (!decimal_parse(digits, max >> shift, &number))
        return false;
    *octets = number << shift;
    return true;
}
