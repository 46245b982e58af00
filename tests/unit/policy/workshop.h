/* A directory of the test's own in which ssh-keygen makes keys, certificates and signatures. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "policy/policy.h"

struct workshop {
    char directory[64];
};

/* A shell's command in the directory; it has to succeed. */
__attribute__((format(printf, 2, 3))) static inline void workshop_run(const struct workshop *w,
                                                                      const char *format, ...)
{
    char command[4096], whole[4300];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    snprintf(whole, sizeof whole, "cd %s && { %s; } >log 2>&1 </dev/null", w->directory, command);
    if (system(whole) != 0)
        fail_msg("%s", command);
}

static inline void workshop_open(struct workshop *w)
{
    snprintf(w->directory, sizeof w->directory, "/tmp/sallyport-test-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
}

static inline void workshop_close(struct workshop *w)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", w->directory);
    assert_int_equal(system(command), 0);
}

/* A whole file of it; the caller frees span.data. */
static inline struct sp_span workshop_read(const struct workshop *w, const char *name)
{
    char path[256];
    uint8_t *data;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", w->directory, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(fd_read_all(fd, 65536, &data, &size), 0);
    close(fd);
    return sp_span_of(data, size);
}

static inline void workshop_write(const struct workshop *w, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", w->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static inline void span_free(struct sp_span span)
{
    free((void *)(uintptr_t)span.data);
}
