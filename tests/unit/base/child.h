/* Runs a claim in a process of its own, because what it tries cannot be undone or is deadly. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Ends the child with the claim's line if it does not hold. */
#define CHILD_REQUIRE(claim_)                                                                                \
    do {                                                                                                     \
        if (!(claim_)) {                                                                                     \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #claim_);                                     \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

/* The wait(2) status of a child that ran it. */
static inline int child_run(void (*run)(const void *argument), const void *argument)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run(argument);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static inline void child_holds(void (*run)(const void *argument), const void *argument)
{
    int status = child_run(run, argument);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with wait status %#x", (unsigned)status);
}
