/* Other people's bytes made harmless for a log: printable ASCII, one line. */
#pragma once

#include <sallyport/types.h>

/* Writes at most capacity - 1 characters and a NUL; what does not fit is cut off, never in the middle of an escape.
 * A backslash becomes two, everything outside 0x20..0x7e \xNN. Returns the length. */
size_t escape_text(struct sp_span bytes, char *out, size_t capacity);
/* The same with blanks as \x20, so that it is one word: a name can claim nothing with the words behind it. */
size_t escape_word(struct sp_span bytes, char *out, size_t capacity);
