/* The command line of sallyport-signer. */
#pragma once

#include <sys/types.h>

#include "policy/policy.h"
#include "signer/spawner.h"

struct signer_options {
    bool become; /* --user: started as root, and to be somebody else */
    uid_t uid;
    gid_t gid;
    uid_t monitor_uid; /* --monitor-uid; who may connect besides root */
    char token_program[PATH_MAX];
    char state_directory[PATH_MAX];
    char policy_trust[PATH_MAX];  /* whose signatures policies need; "": nobody's */
    char policy[POLICY_SPEC_MAX]; /* the only one that may be chosen then; "": any that is signed */
};

/* 0, or -EINVAL after a word on standard error. */
int options_parse(struct signer_options *options, int argc, char **argv) MUST_USE;
