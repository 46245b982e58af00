/* Whom the helper judges keys for, and by which rules: what helper_open and helper_file said, kept. */
#pragma once

#include <sys/types.h>

#include "ipc/link.h"

#include "session/asuser/key_rules.h"
#include "session/asuser/revoked.h"

#define KEY_PATHS_MAX 512u /* as many as a line of the configuration has arguments */

/* The part of a policy that needs a key to be looked at. */
struct key_policy {
    bool known; /* it has been told */
    struct key_rules sizes;
    char ca_algorithms[2049];
};

struct key_owner {
    char user[256];
    char home[4097];
    char *paths[KEY_PATHS_MAX]; /* owned; AuthorizedKeysFile */
    size_t path_count;
    char principals_file[4097]; /* "": none */
    uid_t uid;
    bool known;
    bool strict_modes;
    bool touch_required, verify_required; /* PubkeyAuthOptions */
    char remote_address[65];
    struct key_policy in_force;
    struct key_policy reported; /* not known: nothing is reported */
    int trusted_fd;             /* owned; TrustedUserCAKeys; -1: none */
    char trusted_path[4097];
    struct revoked revoked;
    char revoked_path[4097];
};

/* 0, -EPROTO (more than we take, or again) or -ENOMEM. */
int key_owner_set(const struct msg_helper_open *open, struct key_owner *owner) MUST_USE;
int key_owner_set_rules(const struct msg_helper_rules *rules, struct key_owner *owner) MUST_USE;
/* The message in the inbox, with its descriptor. 0, -EPROTO or -errno. */
int key_owner_add_file(struct link_inbox *inbox, struct key_owner *owner) MUST_USE;
void key_owner_free(struct key_owner *owner);
