/* sallyport: the administrator's tool. Input: the command line. Output: what a command finds, and an exit status. */
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/config_import.h"
#include "ctl/ctl.h"
#include "ctl/status.h"
#include "ctl/token_command.h"

#define SERVER_OPTIONS (CTL_SOCKET | CTL_TIMEOUT)

static const struct ctl_command commands[] = {
    {.name = "status",
     .arguments = "",
     .summary = "whether the running server serves, and how it is",
     .options = SERVER_OPTIONS,
     .find = status_find,
     .show = status_show},
    {.name = "sessions",
     .arguments = "",
     .summary = "who is logged in",
     .options = SERVER_OPTIONS | CTL_EVERY,
     .find = sessions_find,
     .show = sessions_show},
    {.name = "session",
     .arguments = " ID",
     .summary = "all that is known of one connection; ID: its id, or the end of it",
     .options = SERVER_OPTIONS,
     .arguments_min = 1,
     .arguments_max = 1,
     .find = session_find,
     .show = session_show},
    {.name = "kill",
     .arguments = " ID [REASON...]",
     .summary = "end a connection; its client is told the reason",
     .options = SERVER_OPTIONS,
     .arguments_min = 1,
     .arguments_max = CTL_ARGUMENTS_MAX,
     .find = kill_find,
     .show = kill_show},
    {.name = "events",
     .arguments = " [N]",
     .summary = "the last records of the log, all that the server remembers or N",
     .options = SERVER_OPTIONS | CTL_FOLLOW | CTL_CONNECTION | CTL_EVENT,
     .arguments_max = 1,
     .stream = events_stream},
    {.name = "failures",
     .arguments = " [N]",
     .summary = "the last attempts that came to nothing, and why",
     .options = SERVER_OPTIONS,
     .arguments_max = 1,
     .find = failures_find,
     .show = failures_show},
    {.name = "metrics",
     .arguments = "",
     .summary = "the server's figures, in the format of OpenMetrics",
     .options = SERVER_OPTIONS | CTL_OUTPUT | CTL_SERVE,
     .find = metrics_find,
     .show = metrics_show,
     .stream = metrics_stream},
    {.name = "policy", .summary = "algorithm policies: what they allow and why", .commands = policy_commands},
    {.name = "token", .summary = "tokens: what there is, and making one ready", .run = token_commands_run},
    {.name = "key",
     .summary = "host keys in a token: making, taking in, publishing, testing",
     .run = key_commands_run},
    {.name = "config",
     .summary = "configurations: from OpenSSH's sshd_config, and whether they are good",
     .commands = config_commands},
    {0},
};

static void say(const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    fprintf(stderr, "sallyport: %s\n", text);
}

int ctl_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CTL_FAILED;
}

int ctl_misuse(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CTL_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a server or a pager that goes away is a result, not an end */
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("sallyport %s\n", SALLYPORT_VERSION);
        return CTL_OK;
    }
    int status = command_run(commands, "sallyport", argc - 1, argv + 1);
    if (fflush(stdout) != 0 || ferror(stdout))
        return CTL_FAILED;
    return status;
}
