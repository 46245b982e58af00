/*
 * The allow-list of system calls. libseccomp turns the rows into a BPF program once; loading it is one system
 * call, so that a forked child needs neither the library nor memory to do it.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/sandbox.h"

struct sandbox_filter {
    struct sock_fprog program; /* filter: owned */
};

static void context_release(scmp_filter_ctx *context)
{
    if (*context)
        seccomp_release(*context);
}

static int rule_add(scmp_filter_ctx context, const struct sandbox_rule *rule)
{
    if (rule->syscall < 0) /* libseccomp's number for a call that this architecture does not have */
        return 0;
    int r;
    if (rule->argument < 0) {
        r = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, rule->syscall, 0, NULL);
    } else {
        struct scmp_arg_cmp equal = {.arg = (unsigned)rule->argument,
                                     .op = SCMP_CMP_MASKED_EQ,
                                     .datum_a = rule->mask,
                                     .datum_b = rule->value};
        r = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, rule->syscall, 1, &equal);
    }
    return r == -EEXIST ? 0 : r;
}

static int rules_add(scmp_filter_ctx context, const struct sandbox_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int r = rule_add(context, &rules[i]);
        if (r)
            return r;
    }
    return 0;
}

static int context_set_up(scmp_filter_ctx context)
{
    /* A foreign architecture's calls (x32, i386) would be numbered differently: no mercy for them either. */
    int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE,
                             2); /* a binary tree: few steps for each call */
    return r;
}

/* The program's bytes, by way of a memory file: exporting straight to memory is younger than Debian 12. */
static int context_export(scmp_filter_ctx context, struct sandbox_filter *filter)
{
    CLEANUP_CLOSE int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = seccomp_export_bpf(context, fd);
    if (r)
        return r;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    size_t size = (size_t)st.st_size, count = size / sizeof(struct sock_filter);
    if (count == 0 || count > BPF_MAXINSNS || size % sizeof(struct sock_filter) != 0)
        return -EINVAL;
    CLEANUP_FREE struct sock_filter *code = malloc(size);
    if (!code)
        return -ENOMEM;
    if (pread(fd, code, size, 0) != (ssize_t)size)
        return -EIO;
    filter->program = (struct sock_fprog){.len = (unsigned short)count, .filter = TAKE(code)};
    return 0;
}

int sandbox_filter_build(const struct sandbox_rule *rules, size_t count, struct sandbox_filter **filter)
{
    CLEANUP(context_release) scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
    CLEANUP_FREE struct sandbox_filter *made = calloc(1, sizeof *made);
    if (!context || !made)
        return -ENOMEM;
    int r = context_set_up(context);
    if (r == 0)
        r = rules_add(context, rules, count);
    if (r == 0)
        r = rules_add(context, sandbox_extra_rules, sandbox_extra_rule_count);
    if (r == 0)
        r = context_export(context, made);
    if (r)
        return r;
    *filter = TAKE(made);
    return 0;
}

void sandbox_filter_free(struct sandbox_filter *filter)
{
    if (!filter)
        return;
    free(filter->program.filter);
    free(filter);
}

int sandbox_filter_load(const struct sandbox_filter *filter)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* TSYNC: every thread, or none and a thread's number as the answer. */
    long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter->program);
    if (r < 0)
        return -errno;
    return r == 0 ? 0 : -EBUSY;
}
