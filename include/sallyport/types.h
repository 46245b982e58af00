/*
 * The types that modules and the service share. Nothing here needs more than libc.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SP_MUST_USE __attribute__((warn_unused_result))

/* Borrowed, counted bytes: never NUL-terminated by contract; {0} is the empty span. */
struct sp_span {
    const uint8_t *data;
    size_t size;
};

/* Caller-owned room to write into. `full` is sticky: once something did not fit, nothing more is written. */
struct sp_out {
    uint8_t *data;
    size_t capacity;
    size_t size;
    bool full;
};

/*
 * The result of checking something that a peer claims. The good value is no value that a forgotten
 * assignment, an error code or a boolean can take by accident.
 */
enum sp_verdict {
    SP_VERDICT_BAD = 0,
    SP_VERDICT_GOOD = 0x5afe,
};

/*
 * Results of module operations. 0 is success; a negative value is an errno of the machine (out of memory,
 * library failure); a positive one is one of these and is the peer's fault or the caller's to handle.
 */
enum {
    SP_E_MALFORMED = 1, /* the peer's bytes do not have the required form */
    SP_E_REFUSED = 2,   /* well formed, but a value that must not be accepted (weak point, bad range, bad tag) */
    SP_E_NO_ROOM = 3,   /* the output does not fit into the caller's room */
};

static inline struct sp_span sp_span_of(const void *data, size_t size)
{
    return (struct sp_span){.data = data, .size = size};
}

static inline struct sp_span sp_text(const char *text)
{
    return sp_span_of(text, strlen(text));
}

static inline struct sp_span sp_written(const struct sp_out *out)
{
    return sp_span_of(out->data, out->size);
}

/* Not constant-time: for names and public values only. */
static inline bool sp_span_equal(struct sp_span a, struct sp_span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool sp_span_is(struct sp_span a, const char *text)
{
    return sp_span_equal(a, sp_text(text));
}
