/* The signals of RFC 4254. Input: a name or a number. Output: the other. */
#include "session/signals.h"

#include <signal.h>

static const struct {
    const char *name;
    int number;
} rows[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM}, {"FPE", SIGFPE},   {"HUP", SIGHUP},   {"ILL", SIGILL},
    {"INT", SIGINT},   {"KILL", SIGKILL}, {"PIPE", SIGPIPE}, {"QUIT", SIGQUIT}, {"SEGV", SIGSEGV},
    {"TERM", SIGTERM}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2},
};

int signal_find(struct sp_span name)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (sp_span_is(name, rows[i].name))
            return rows[i].number;
    return 0;
}

const char *signal_ssh_name(int number)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].number == number)
            return rows[i].name;
    return "SIG@openssh.com";
}
