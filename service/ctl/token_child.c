/*
 * The child of a command. Input: what the command line and the configuration say, already judged. Output: a JSON object on
 * a pipe, and an exit status. The parent, which may be root, reads that object and nothing else of the vendor's code.
 *
 * Before the module is loaded the child has become the user whom the token's files belong to, has no capability and
 * cannot gain one, cannot be dumped, and has the environment that the server's token process would have.
 */
#include "ctl/token_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/sandbox.h"
#include "ctl/token_hear.h"
#include "ctl/token_memory.h"
#include "ctl/token_pin.h"
#include "signer/pin_source.h"

/* ---- who it is --------------------------------------------------------------------------------------------- */

/* All its memory, for what it holds are secrets and code that copies them. Without root the limit is too low for that, and
 * only the pages that secrets are read into are locked. */
static void memory_lock(void)
{
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    if (geteuid() == 0 && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
        (void)mlockall(MCL_CURRENT | MCL_FUTURE);
}

static int environment_set(const struct token_setup *s)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    CLEANUP_FREE char *kept = credentials ? strdup(credentials) : NULL;
    if (clearenv() != 0 || setenv("PATH", "/usr/bin:/bin", 1) < 0 ||
        (kept && setenv("CREDENTIALS_DIRECTORY", kept, 1) < 0))
        return -ENOMEM;
    for (size_t i = 0; i < s->environment_count; i++)
        if (putenv((char *)(uintptr_t)s->environment[i]) != 0)
            return -ENOMEM;
    return 0;
}

static int confine(const struct token_setup *s)
{
    static const struct sandbox_limit limits[] = {{RLIMIT_CORE, 0}};
    int r = environment_set(s);
    if (r == 0 && s->become)
        r = sandbox_become(s->uid, s->gid, NULL, 0);
    if (r == 0 && s->become)
        r = sandbox_drop_capabilities();
    if (r == 0)
        r = sandbox_harden_process();
    if (r == 0)
        r = sandbox_deny_typing();
    if (r == 0)
        r = sandbox_limit(limits, ARRAY_SIZE(limits));
    if (r == 0 && chdir("/") < 0)
        r = -errno;
    return r;
}

/* ---- logging in -------------------------------------------------------------------------------------------- */

/* Whether some token wants a PIN that has to be typed. */
static bool pin_is_typed(struct token_run *run)
{
    static struct sp_token_slot slots[SP_MANAGE_SLOTS_MAX];
    struct sp_hostkey_error error;
    size_t count = 0;
    if (run->setup.pin_source[0] || manage_slots(run->manage, slots, &count, &error) != 0)
        return false;
    for (size_t i = 0; i < count; i++)
        if ((slots[i].flags & SP_TOKEN_LOGIN_REQUIRED) && !(slots[i].flags & SP_TOKEN_PIN_PAD))
            return true;
    return false;
}

static int pin_get(struct token_run *run)
{
    char why[1024] = "out of memory", what[160];
    const struct token_setup *s = &run->setup;
    if (!s->pin_source[0]) {
        if (!pin_is_typed(run))
            return 0;
        snprintf(what, sizeof what, "PIN of the token%s%.100s", s->token[0] ? " " : "", s->token);
        return pin_ask(what, false, &run->pin);
    }
    int r = pin_source_read(s->pin_source, token_credentials(), &run->pin, why, sizeof why);
    return r == 0 ? 0 : ctl_fail("%s", r < 0 ? strerror(-r) : why);
}

static int login(const struct token_command *command, struct token_run *run)
{
    CLEANUP_FREE struct refused_pins *refused = calloc(1, sizeof *refused);
    struct refused_entry pin;
    struct sp_hostkey_error error = {{0}};
    int r = refused ? pin_get(run) : ctl_fail("out of memory");
    if (r == 0 && run->pin.size != 0)
        r = token_memory_check(run, refused, &pin);
    if (r)
        return r;
    r = manage_login(run->manage, run->setup.uri, secret_span(&run->pin), command->read_write, &error);
    if (r == 0)
        return 0;
    if (r != SP_HOSTKEY_E_PIN || run->pin.size == 0)
        return ctl_fail("%s", error.text);
    r = refused_add(refused, &pin);
    return ctl_fail("%s; it is not sent again%s%s", error.text, r ? ", unless it is forgotten: " : "",
                    r ? strerror(-r) : "");
}

/* ---- the child --------------------------------------------------------------------------------------------- */

static int work(const struct token_command *command, struct token_run *run, json_t *found)
{
    struct sp_hostkey_error error = {{0}};
    int r = manage_open(run->setup.module, &run->manage, &error);
    if (r)
        return ctl_fail("%s", error.text);
    r = command->login ? login(command, run) : 0;
    if (r == 0)
        r = command->work(run, found);
    manage_close(run->manage);
    secret_wipe(&run->pin);
    return r;
}

static int answer_send(int fd, const json_t *found)
{
    char *text = json_dumps(found, JSON_COMPACT);
    if (!text)
        return ctl_fail("out of memory");
    int r = fd_write_all(fd, sp_text(text));
    free(text);
    return r ? ctl_fail("the pipe: %s", strerror(-r)) : 0;
}

/* What vendors' code writes to standard output is no part of the answer, and to standard error goes through the parent, which
 * cleans it. */
static NORETURN void child_main(const struct token_command *command, struct token_run *run, int pipe_fd,
                                int words_fd)
{
    json_t *found = json_object();
    if (!found || dup2(words_fd, STDERR_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        _exit(CTL_FAILED);
    memory_lock();
    int r = confine(&run->setup);
    int status = r ? ctl_fail("becoming %u:%u: %s", run->setup.uid, run->setup.gid, strerror(-r))
                   : work(command, run, found);
    if (status <= CTL_FINDING && answer_send(pipe_fd, found))
        status = CTL_FAILED;
    json_decref(found);
    fflush(stderr);
    _exit(status);
}

/* ---- the parent -------------------------------------------------------------------------------------------- */

/* Both ends of two pipes; none is left behind by a failure. */
static int pipes_make(int answer[2], int words[2])
{
    if (pipe2(answer, O_CLOEXEC) < 0)
        return -errno;
    if (pipe2(words, O_CLOEXEC) == 0)
        return 0;
    int r = -errno;
    close(answer[0]);
    close(answer[1]);
    return r;
}

int token_child_run(const struct token_command *command, struct token_run *run, json_t *found)
{
    int answer[2], words[2];
    int r = pipes_make(answer, words);
    if (r)
        return ctl_fail("pipe: %s", strerror(-r));
    fflush(stdout);
    fflush(stderr);
    pid_t pid = fork();
    if (pid == 0) {
        close(answer[0]);
        close(words[0]);
        child_main(command, run, answer[1], words[1]);
    }
    close(answer[1]);
    close(words[1]);
    int status = pid < 0 ? ctl_fail("fork: %s", strerror(errno))
                         : token_hear(pid, answer[0], words[0], HEAR_TIME_MS, found);
    close(answer[0]);
    close(words[0]);
    secret_wipe(&run->so_pin);
    return status;
}
