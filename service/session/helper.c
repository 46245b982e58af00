/* The as-user helper's process. Input: whom it has to become. Output: its link. */
#include "session/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "ipc/link.h"

#include "session/account.h"

#define HELPER_NAME "sallyport-asuser"
#define HELPER_FD 3

/* The helper stands beside this program, installed or in a build tree. */
static int helper_path(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n < 0)
        return -errno;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (!slash || (size_t)(slash + 1 - path) + sizeof HELPER_NAME > size)
        return -ENAMETOOLONG;
    memcpy(slash + 1, HELPER_NAME, sizeof HELPER_NAME);
    return 0;
}

/* "UID:GID:GROUP,GROUP": numbers only, so that the helper asks no NSS. */
static int identity_write(const struct account *account, char *text, size_t size)
{
    size_t used = 0;
    if (!account->valid) {
        snprintf(text, size, "%u:%u:", ACCOUNT_NOBODY, ACCOUNT_NOBODY);
        return 0;
    }
    used = (size_t)snprintf(text, size, "%u:%u:", account->uid, account->gid);
    for (size_t i = 0; i < account->group_count; i++) {
        if (size - used < 16)
            return -E2BIG;
        used += (size_t)snprintf(text + used, size - used, "%s%u", i ? "," : "", account->groups[i]);
    }
    return 0;
}

NORETURN static void helper_exec(const char *path, const char *identity, int fd)
{
    char *const argv[] = {(char *)(uintptr_t)HELPER_NAME, (char *)(uintptr_t)identity, NULL};
    char *const envp[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL};
    sigset_t none;
    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (dup2(fd, HELPER_FD) < 0 || close_range(HELPER_FD + 1, ~0U, 0) < 0)
        _exit(126);
    /* dup2() onto itself would have left close-on-exec set. */
    if (fcntl(HELPER_FD, F_SETFD, 0) < 0)
        _exit(126);
    execve(path, argv, envp);
    _exit(127);
}

int helper_start(const struct account *account, pid_t *pid)
{
    char path[4096];
    CLEANUP_FREE char *identity = malloc(16 * (account->group_count + 4));
    int pair[2];
    int r = helper_path(path, sizeof path);
    if (r == 0 && !identity)
        r = -ENOMEM;
    if (r == 0)
        r = identity_write(account, identity, 16 * (account->group_count + 4));
    if (r == 0)
        r = link_pair(pair);
    if (r)
        return r;
    pid_t child = fork();
    if (child == 0)
        helper_exec(path, identity, pair[1]);
    r = child < 0 ? -errno : 0;
    close(pair[1]);
    if (r) {
        close(pair[0]);
        return r;
    }
    *pid = child;
    return pair[0];
}

void helper_stop(pid_t *pid)
{
    if (*pid <= 0)
        return;
    /* A PAM module may have waited for every child there is, or ignored SIGCHLD for a while: then the number may be somebody
     * else's by now. A child that runs, and is ours, keeps it until we have waited for it. */
    if (waitpid(*pid, NULL, WNOHANG) == 0) {
        (void)kill(*pid, SIGKILL);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *pid = 0;
}
