/*
 * The files in the descriptor store: what one monitor leaves to the next. A file of memory with a header and one body, of one
 * form only:
 *
 *   8 octets "sallyprt", uint64 form, uint32 kind, uint32 size, then the body and nothing more
 *
 * form: a number that is made of every message that the monitor exchanges with workers and login processes, and of the rows
 * stored_*. Those processes are as old as their connection. A monitor of another version, with other messages, sees by it that it
 * is not the one to talk to them.
 *
 * Why what comes back may be believed: the service manager takes descriptors from the monitor alone, by its process id and
 * user, and hands them to nobody else. A file is as good as the monitor that wrote it; it is read as if it were not.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"
#include "ipc/messages.h"

#define STORED_SIZE_MAX (4u * 1024u * 1024u) /* of a body */
#define STORED_CONNECTION_MAX 8192u

enum stored_kind {
    STORED_CONNECTION = 1, /* stored_connection */
    STORED_GENERATION,     /* stored_generation */
    STORED_KNOWN_KEYS,     /* known_keys_write() */
    STORED_REPORT,         /* report_write() */
    STORED_PENALTIES,      /* admission_write() */
    STORED_KINDS,
};

struct stored {
    enum stored_kind kind;
    uint8_t *data;       /* owned */
    struct sp_span body; /* in it */
};

enum {
    STORED_E_FOREIGN = 1,   /* no file of ours */
    STORED_E_OTHER = 2,     /* of a version that speaks otherwise */
    STORED_E_MALFORMED = 3, /* not what it says that it is */
};

/* A file with this body. Its size is fixed, its contents are not: stored_rewrite(). A descriptor or -errno. */
int stored_make(enum stored_kind kind, struct sp_span body) MUST_USE;
/* Another body of the same size, in one write: who is killed in between leaves the old one or the new one, as far as what
 * differs stands in the first page. 0 or -errno. */
int stored_rewrite(int fd, enum stored_kind kind, struct sp_span body) MUST_USE;
/* 0, -errno or STORED_E_*. */
int stored_read(int fd, struct stored *stored) MUST_USE;
/* The same of a file's octets, which stay the caller's and where they are. */
int stored_parse(struct sp_span file, struct stored *stored) MUST_USE;
void stored_free(struct stored *stored);

/* The bodies of one row each. 0, or STORED_E_MALFORMED; texts of a connection are what they must be, too. */
int stored_connection_read(const struct stored *stored, struct msg_stored_connection *c) MUST_USE;
int stored_generation_read(const struct stored *stored, struct msg_stored_generation *g) MUST_USE;

uint64_t stored_form(void);
