/* A policy under examination: its files, what they come to on this machine, and its digest. */
#pragma once

#include "config/config.h"
#include "policy/policy.h"

#include "ctl/build.h"
#include "ctl/ctl.h"

#define SUBJECT_DIGEST_MAX 65u /* SHA-256 in hex */

struct subject {
    char spec[POLICY_SPEC_MAX];
    struct policy_files *files; /* owned, as the rest; NULL with a configuration */
    struct config_source *source;
    struct config *config;
    struct policy *policy;
    struct build build;
    struct policy_effective effective;
    char digest[SUBJECT_DIGEST_MAX];
    bool resolved;
    int64_t now;
};

/* Where policies are: --directory, or what the configuration says, or the usual places. */
void subject_directories(const struct ctl_options *o, const struct config *config,
                         const char *const **directories, size_t *count);

/*
 * name: "BASE:SUB", a path, or NULL: what the configuration says, or DEFAULT. With --config the configuration's lists are
 * applied to the policy that it names. 0; CTL_FINDING: *error says what is wrong with the policy or configuration;
 * CTL_FAILED, CTL_USAGE: said. subject_free() it in any case.
 */
int subject_open(const struct ctl_options *o, const char *name, struct subject **subject,
                 struct policy_error *error) MUST_USE;
/* On this machine, into subject->effective and ->digest. 0, CTL_FINDING, CTL_FAILED. */
int subject_resolve(struct subject *s, struct policy_error *error) MUST_USE;
/* Both, for commands that have nothing to say about a policy which is wrong: that is CTL_FAILED, and said. */
int subject_need(const struct ctl_options *o, const char *name, struct subject **subject) MUST_USE;
void subject_free(struct subject *s);

static inline void subject_cleanup(struct subject **s)
{
    subject_free(*s);
}

/* Whether a name is a path and no policy's name. */
bool subject_is_path(const char *name);
/* SHA-256 of what is enforced. 0 or -errno. */
int subject_digest(const struct policy_effective *effective, char digest[SUBJECT_DIGEST_MAX]) MUST_USE;
/* A whole file, at most `limit` octets (free()), with a NUL behind. 0, or CTL_FAILED and said. "-": standard input. */
int subject_read_file(const char *path, size_t limit, uint8_t **data, size_t *size) MUST_USE;
