/*
 * sallyport-asuser: the as-user helper of one login. Executed by the login process with its link as descriptor 3, as
 * root, to become the user (or nobody) before it reads a byte. Parses what root must not: key blobs, signatures,
 * certificates and every list of keys. Input: helper_open, helper_rules, helper_file, helper_check. Output: helper_verdict.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/sandbox.h"
#include "ipc/link.h"

#include "session/asuser/key_check.h"

#define LINK_FD 3
#define GROUPS_MAX 65536u

struct identity {
    uid_t uid;
    gid_t gid;
    gid_t *groups;
    size_t group_count;
};

static int number_take(const char **at, char end, uint32_t *value)
{
    char *after;
    errno = 0;
    if (**at < '0' || **at > '9')
        return -EINVAL;
    unsigned long read = strtoul(*at, &after, 10);
    if (errno || read >= UINT32_MAX || (*after != end && *after != 0))
        return -EINVAL;
    *at = *after ? after + 1 : after;
    *value = (uint32_t)read;
    return 0;
}

/* "UID:GID:GROUP,GROUP": from the login process, which is root, so this is only about mistakes. */
static int identity_parse(const char *text, struct identity *identity)
{
    const char *at = text;
    int r = number_take(&at, ':', &identity->uid);
    if (r == 0)
        r = number_take(&at, ':', &identity->gid);
    identity->groups = calloc(strlen(at) + 1, sizeof *identity->groups);
    if (!identity->groups)
        return -ENOMEM;
    while (r == 0 && *at && identity->group_count < GROUPS_MAX)
        r = number_take(&at, ',', &identity->groups[identity->group_count++]);
    return r;
}

/* Enough for every key and file within our bounds, and for nothing else. */
static const struct sandbox_limit limits[] = {
    {RLIMIT_CPU, 60}, {RLIMIT_FSIZE, 0}, {RLIMIT_NPROC, 0}, {RLIMIT_NOFILE, 32}, {RLIMIT_CORE, 0},
};

/* Reading files, answering on the link, memory that is never executable. Nothing is made, written or started: somebody who
 * has taken this process over by a hostile blob still is the user, but cannot act as him. */
static const struct sandbox_rule rules[] = {
    SANDBOX_ALLOW(recvmsg),
    SANDBOX_ALLOW(sendmsg),
    SANDBOX_ALLOW(poll),
    SANDBOX_ALLOW(ppoll),
    SANDBOX_ALLOW(restart_syscall),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFD),
    SANDBOX_ALLOW_IF(fcntl, 1, F_SETFD),
    SANDBOX_ALLOW_IF(fcntl, 1, F_GETFL),
    SANDBOX_ALLOW_IF(fcntl, 1, F_SETFL),
    SANDBOX_ALLOW_MASKED(openat, 2, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND, O_RDONLY),
    SANDBOX_ALLOW(read),
    SANDBOX_ALLOW(lseek), /* of libc's own files: the time zone */
    SANDBOX_ALLOW(close),
    SANDBOX_ALLOW(fstat),
    SANDBOX_ALLOW(stat),
    SANDBOX_ALLOW(lstat),
    SANDBOX_ALLOW(newfstatat),
    SANDBOX_ALLOW(readlink),
    SANDBOX_ALLOW(readlinkat),
    SANDBOX_ALLOW_IF(write, 0, STDERR_FILENO),
    SANDBOX_ALLOW_MASKED(mmap, 2, PROT_EXEC, 0),
    SANDBOX_ALLOW_MASKED(mprotect, 2, PROT_EXEC, 0),
    SANDBOX_ALLOW(munmap),
    SANDBOX_ALLOW(mremap),
    SANDBOX_ALLOW(madvise),
    SANDBOX_ALLOW(brk),
    SANDBOX_ALLOW(futex),
    SANDBOX_ALLOW(getrandom),
    SANDBOX_ALLOW(getpid),
    SANDBOX_ALLOW(rt_sigprocmask), /* around getrandom in libc 2.41 */
    SANDBOX_ALLOW(clock_gettime),
    SANDBOX_ALLOW(rt_sigreturn),
    SANDBOX_ALLOW(exit_group),
};

static int confine(const struct identity *identity)
{
    struct sandbox_filter *filter = NULL;
    int r = sandbox_filter_build(rules, ARRAY_SIZE(rules), &filter);
    if (r == 0)
        r = sandbox_become(identity->uid, identity->gid, identity->groups, identity->group_count);
    if (r == 0)
        r = sandbox_drop_capabilities();
    if (r == 0)
        r = sandbox_harden_process();
    if (r == 0)
        r = sandbox_limit(limits, ARRAY_SIZE(limits));
    if (r == 0)
        r = sandbox_filter_load(filter);
    sandbox_filter_free(filter);
    return r;
}

static struct sp_span rule_name(const struct key_objection *objection)
{
    return sp_text(objection->rule ? objection->rule : "");
}

static int answer(struct link *session, const struct key_verdict *verdict)
{
    uint8_t options[8192];
    struct sp_out out = {.data = options, .capacity = sizeof options};
    enum sp_verdict accepted = verdict->verdict;
    const char *detail = verdict->detail;
    if (key_options_pack(&verdict->options, &out)) { /* restrictions that cannot be said cannot be kept */
        accepted = SP_VERDICT_BAD;
        detail = "the key's options are too long";
        out.size = 0;
    }
    return link_send(
        session, helper_verdict, .accepted = accepted, .unlisted = verdict->unlisted,
        .fingerprint = sp_text(verdict->fingerprint), .options = sp_written(&out), .detail = sp_text(detail),
        .rule = rule_name(&verdict->objection), .algorithm = verdict->objection.algorithm,
        .certificate = sp_text(verdict->certificate), .reported_detail = sp_text(verdict->reported_detail),
        .reported_rule = rule_name(&verdict->reported), .reported_algorithm = verdict->reported.algorithm);
}

static int request_serve(struct link *session, struct link_inbox *inbox, struct key_owner *owner,
                         struct key_verdict *verdict, bool *began)
{
    unsigned number = inbox->row->number;
    if (number == MSG_helper_rules && !*began)
        return key_owner_set_rules(&inbox->body.helper_rules, owner);
    if (number == MSG_helper_file && !*began)
        return key_owner_add_file(inbox, owner);
    if (number != MSG_helper_check || !owner->in_force.known)
        return -EPROTO;
    *began = true;
    key_check(owner, &inbox->body.helper_check, verdict);
    return answer(session, verdict);
}

static int serve(struct link *session, struct link_inbox *inbox, struct key_owner *owner,
                 struct key_verdict *verdict)
{
    int r = link_wait(session, PHASE_ANY, inbox, -1);
    if (r == 0 && inbox->row->number != MSG_helper_open)
        r = -EPROTO;
    if (r == 0)
        r = key_owner_set(&inbox->body.helper_open, owner);
    bool began = false; /* rules and files come before questions */
    while (r == 0) {
        r = link_wait(session, PHASE_ANY, inbox, -1);
        if (r == 0)
            r = request_serve(session, inbox, owner, verdict, &began);
    }
    return r == LINK_E_CLOSED ? 0 : r;
}

static int helper_run(void)
{
    struct link session;
    struct link_inbox *inbox = calloc(1, sizeof *inbox);
    struct key_verdict *verdict = calloc(1, sizeof *verdict);
    struct key_owner *owner = calloc(1, sizeof *owner);
    int r = -ENOMEM;
    link_init(&session, LINK_FD, ROLE_HELPER, ROLE_SESSION);
    if (inbox && verdict && owner) {
        owner->trusted_fd = -1;
        r = serve(&session, inbox, owner, verdict);
        key_owner_free(owner);
    }
    free(owner);
    link_close(&session);
    free(inbox);
    free(verdict);
    return r;
}

int main(int argc, char **argv)
{
    struct identity identity = {0};
    if (argc != 2 || fcntl(LINK_FD, F_GETFD) < 0) {
        fprintf(stderr, "sallyport-asuser is started by sallyport-session\n");
        return 2;
    }
    /* 1. Whom to become. */
    int r = identity_parse(argv[1], &identity);
    /* 2. What is looked up once, from the system's own files. */
    if (r == 0)
        r = keytype_prepare();
    if (r == 0)
        r = digest_prepare();
    /* 3. Lock-down: the user for good, no way to more, bounded. */
    if (r == 0)
        r = confine(&identity);
    free(identity.groups);
    if (r) {
        fprintf(stderr, "sallyport-asuser: %s\n", strerror(-r));
        return 1;
    }
    /* 4. The login process's questions, until it closes its end. */
    return helper_run() ? 1 : 0;
}
