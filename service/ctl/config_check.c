/* Asking the server's program about a configuration. Input: a file. Output: its verdict, and why. */
#include "ctl/config_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "ctl/found.h"
#include "ctl/token_setup.h"

#define SERVER_PROGRAM SALLYPORT_SBINDIR "/sallyportd"
#define WORDS_MAX 65536u

static NORETURN void server_become(const struct ctl_options *o, const char *file, int words)
{
    const char *program = o->server ? o->server : SERVER_PROGRAM;
    if (dup2(words, STDOUT_FILENO) >= 0 && dup2(words, STDERR_FILENO) >= 0)
        execl(program, "sallyportd", "-t", "-f", file, (char *)NULL);
    dprintf(words, "%s: %s\n", program, strerror(errno));
    _exit(127);
}

/* All that it says, in one text without a newline behind. 0 or -errno; *status as from waitpid(2). */
static int server_ask(const struct ctl_options *o, const char *file, char **words, int *status)
{
    CLEANUP_FREE uint8_t *text = NULL;
    size_t size = 0;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        server_become(o, file, ends[1]);
    close(ends[1]);
    int r = pid < 0 ? -errno : fd_read_all(ends[0], WORDS_MAX, &text, &size);
    close(ends[0]);
    while (pid > 0 && waitpid(pid, status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (r)
        return r;
    while (size != 0 && text[size - 1] == '\n')
        text[--size] = 0;
    *words = (char *)TAKE(text);
    return 0;
}

int config_check_find(const struct ctl_options *o, json_t *found)
{
    CLEANUP_FREE char *words = NULL;
    const char *file = o->argument_count != 0 ? o->arguments[0] : TOKEN_CONFIG;
    int status = 0;
    int r = server_ask(o, file, &words, &status);
    if (r)
        return ctl_fail("the server's check: %s", strerror(-r));
    if (!WIFEXITED(status) || WEXITSTATUS(status) == 127)
        return ctl_fail("%s", words[0] ? words : "the server's check has died");
    found_set_string(found, "file", file);
    found_set_bool(found, "good", WEXITSTATUS(status) == 0);
    found_set_string(found, "why", words);
    return WEXITSTATUS(status) == 0 ? CTL_OK : CTL_FINDING;
}

void config_check_show(const struct ctl_options *o, const json_t *found)
{
    if (*found_get(found, "why"))
        printf("%s\n", found_get(found, "why"));
    printf("%s: %s\n", found_get(found, "file"),
           found_is(found, "good") ? "the server accepts it" : "the server does NOT accept it");
}
