/* Reading a file line by line within bounds. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define KEY_FILE_MAX (4u * 1024u * 1024u) /* octets */
#define KEY_FILE_LINES_MAX 20000u

/* Called for each line; a result other than 0 ends the reading and is handed on. An over-long line comes with an empty
 * span and too_long: it is never seen in parts. */
typedef int (*key_file_line_fn)(void *context, unsigned line, struct sp_span text, bool too_long);
/* 0 or what the function gave; -EFBIG: more octets or lines than we read. */
int key_file_read(int fd, key_file_line_fn on_line, void *context) MUST_USE;
