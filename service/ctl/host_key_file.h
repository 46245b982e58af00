/*
 * The file with the HostKey and HostKeyStaged lines, and the three steps of replacing a host key in it:
 *
 *   stage    a new HostKeyStaged line at the end: clients are told of the key, and note it down
 *   switch   its line becomes the first HostKey line: exchanges are signed with it
 *   retire   the line of a key that is not the first HostKey any more goes
 *
 * Comments and blank lines stay as they are; a file that has other lines is not this one's to edit. Pure.
 */
#pragma once

#include <jansson.h>
#include <sallyport/types.h>

#include "base/util.h"

#define HOST_KEY_FILE_MAX 65536u /* octets */
#define HOST_KEY_FILE_LINES_MAX 1024u
#define HOST_KEY_URI_MAX 1024u

enum host_key_step { HOST_KEY_STAGE, HOST_KEY_SWITCH, HOST_KEY_RETIRE };

enum {
    HOST_KEY_FILE_E_INVALID = 1, /* why says what is wrong, with file and line */
};

/*
 * The text after one step. uri: of which key; NULL: of the only staged one (switch). *edited: free(). *found gets "uri" and the
 * lists "removed" and "added". 0, HOST_KEY_FILE_E_INVALID or -ENOMEM.
 */
int host_key_file_edit(const char *path, struct sp_span text, enum host_key_step step, const char *uri,
                       json_t *found, char **edited, char *why, size_t why_size) MUST_USE;
