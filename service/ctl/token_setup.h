/*
 * Which token, through which module, with which PIN and as whom: from the configuration and the command line. What works
 * here works in the server, for the rules are the signer's own.
 */
#pragma once

#include <limits.h>
#include <sys/types.h>

#include "config/config.h"
#include "signer/plan.h"
#include "signer/uri.h"

#define TOKEN_CONFIG "/etc/sallyport/sallyport.conf"
#define TOKEN_STATE_DIRECTORY "/var/lib/sallyport-signer"

struct token_options;

struct token_setup {
    struct config_source *source; /* these three: empty without a configuration */
    struct config *config;
    struct plan plan;
    char named[PATH_MAX];     /* the module as it is written, by which refused PINs are remembered */
    char module[PATH_MAX];    /* the same, links resolved, and checked */
    char token[URI_PART_MAX]; /* token attributes in canonical spelling; "": the only token that there is */
    char uri[URI_PART_MAX + 8];
    char pin_source[PATH_MAX + 16]; /* "": it has to be typed */
    const char *state_dir;
    const char *const *environment;
    size_t environment_count;
    uid_t uid;
    gid_t gid;
    bool become; /* uid:gid is to be become */
};

/* 0, CTL_USAGE or CTL_FAILED, and said. token_setup_free() it in any case. */
int token_setup_open(const struct token_options *o, bool any_config, struct token_setup *setup) MUST_USE;
void token_setup_free(struct token_setup *setup);

/* Appends a label as RFC 7512 wants it written: only what needs no escape stands for itself. 0 or SP_E_NO_ROOM. */
int token_uri_escape(struct sp_span text, struct sp_out *out) MUST_USE;
