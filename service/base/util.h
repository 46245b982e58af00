/* Small things that every program needs: cleanup attributes and handing over ownership. */
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_USE __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(format_, args_) __attribute__((format(printf, format_, args_)))
#define ARRAY_SIZE(array_) (sizeof(array_) / sizeof((array_)[0]))

/* The value of a variable that gives up what it owns: return TAKE(p); */
#define TAKE(pointer_)                                                                                       \
    ({                                                                                                       \
        __typeof__(pointer_) *take_ = &(pointer_);                                                           \
        __typeof__(pointer_) taken_ = *take_;                                                                \
        *take_ = NULL;                                                                                       \
        taken_;                                                                                              \
    })
#define TAKE_FD(fd_)                                                                                         \
    ({                                                                                                       \
        int *take_ = &(fd_);                                                                                 \
        int taken_ = *take_;                                                                                 \
        *take_ = -1;                                                                                         \
        taken_;                                                                                              \
    })

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_close)))
#define CLEANUP(function_) __attribute__((cleanup(function_)))

static inline size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t size_max(size_t a, size_t b)
{
    return a > b ? a : b;
}
