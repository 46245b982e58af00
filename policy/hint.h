/* What a misspelled word was probably meant to be. */
#pragma once

#include <sallyport/types.h>

#define HINT_WORD_MAX 64u

/* Looks at one candidate after the other; zero is the start. */
struct hint {
    const char *best; /* NULL: nothing is near enough. The candidate's own pointer. */
    unsigned distance;
};

/* Case counts for nothing. Words longer than HINT_WORD_MAX are near to nothing. */
void hint_try(struct hint *hint, struct sp_span word, const char *candidate);
