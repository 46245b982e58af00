/*
 * A client's KEXINIT, however somebody has caught it: the payload (from octet 20 on), a whole packet of an unencrypted
 * connection, either in hexadecimal, or what `ssh -vv` prints. And clients that are described in files.
 */
#pragma once

#include "ipc/negotiate.h"

#include "base/util.h"

#define CAPTURE_FILE_MAX 262144u /* octets */
#define CAPTURE_TEXT_MAX 256u

struct capture {
    uint8_t payload[KEXINIT_PAYLOAD_MAX];
    size_t size;
    struct kexinit kexinit;                /* spans into the payload: do not copy it */
    char name[CAPTURE_TEXT_MAX];           /* of a described client: its file's */
    char description[CAPTURE_TEXT_MAX];    /* "OpenSSH 7.4" */
    char identification[CAPTURE_TEXT_MAX]; /* "SSH-2.0-OpenSSH_7.4"; "": not known */
    char date[CAPTURE_TEXT_MAX];
};

enum {
    CAPTURE_E_MALFORMED = 1, /* *why says what is wrong, and *line where (0: nowhere) */
};

/* From a payload. */
int capture_take(struct sp_span payload, struct capture *capture, const char **why) MUST_USE;
/* From any of the forms, told apart by what is there. */
int capture_read(struct sp_span file, struct capture *capture, unsigned *line, const char **why) MUST_USE;
/* NAME.client, keywords and values. */
int capture_read_client(struct sp_span file, struct capture *capture, unsigned *line,
                        const char **why) MUST_USE;
