/*
 * The nearest word by single letters inserted, left out or changed. Input: a word that nobody knows and the
 * candidates, one at a time. Output: the nearest, if it is near: a third of the word's letters and one at most.
 */
#include "policy/hint.h"

#include <ctype.h>

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static bool same(uint8_t a, char b)
{
    return tolower(a) == tolower((unsigned char)b);
}

static unsigned distance(struct sp_span word, const char *candidate, size_t length)
{
    unsigned rows[2][HINT_WORD_MAX + 1];
    for (size_t j = 0; j <= length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= word.size; i++) {
        const unsigned *above = rows[(i - 1) % 2];
        unsigned *row = rows[i % 2];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= length; j++)
            row[j] = least(above[j] + 1, row[j - 1] + 1,
                           above[j - 1] + (same(word.data[i - 1], candidate[j - 1]) ? 0 : 1));
    }
    return rows[word.size % 2][length];
}

void hint_try(struct hint *hint, struct sp_span word, const char *candidate)
{
    size_t length = strlen(candidate);
    if (word.size > HINT_WORD_MAX || length > HINT_WORD_MAX)
        return;
    unsigned found = distance(word, candidate, length);
    if (found > word.size / 3 + 1 || (hint->best && found >= hint->distance))
        return;
    *hint = (struct hint){.best = candidate, .distance = found};
}
