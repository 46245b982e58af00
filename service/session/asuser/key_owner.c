/* What the helper is told. Input: messages of the login process, which is root; so checks here are about mistakes. */
#include "session/asuser/key_owner.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sallyport/wire.h>

static bool text_take(struct sp_span from, char *to, size_t size)
{
    if (from.size >= size)
        return false;
    memcpy(to, from.data ? (const char *)from.data : "", from.size);
    to[from.size] = 0;
    return true;
}

static int paths_take(struct sp_span paths, struct key_owner *owner)
{
    struct sp_in in = sp_in_of(paths);
    while (in.left != 0 && !in.bad) {
        struct sp_span path = sp_get_text(&in, 4096);
        if (owner->path_count == KEY_PATHS_MAX || in.bad)
            return -EPROTO;
        char *copy = strndup((const char *)path.data, path.size);
        if (!copy)
            return -ENOMEM;
        owner->paths[owner->path_count++] = copy;
    }
    return sp_get_end(&in) ? -EPROTO : 0;
}

int key_owner_set(const struct msg_helper_open *open, struct key_owner *owner)
{
    owner->uid = open->uid;
    owner->known = open->known;
    owner->strict_modes = open->strict_modes;
    owner->touch_required = open->touch_required;
    owner->verify_required = open->verify_required;
    if (!text_take(open->user, owner->user, sizeof owner->user) ||
        !text_take(open->home, owner->home, sizeof owner->home) ||
        !text_take(open->principals_file, owner->principals_file, sizeof owner->principals_file) ||
        !text_take(open->remote_address, owner->remote_address, sizeof owner->remote_address))
        return -EPROTO;
    return paths_take(open->paths, owner);
}

int key_owner_set_rules(const struct msg_helper_rules *rules, struct key_owner *owner)
{
    struct key_policy *policy = rules->kind == HELPER_RULES_IN_FORCE   ? &owner->in_force
                                : rules->kind == HELPER_RULES_REPORTED ? &owner->reported
                                                                       : NULL;
    if (!policy || policy->known)
        return -EPROTO;
    policy->sizes.rsa_bits_min = rules->rsa_bits_min;
    policy->sizes.ec_bits_min = rules->ec_bits_min;
    if (!text_take(rules->ca_algorithms, policy->ca_algorithms, sizeof policy->ca_algorithms) ||
        key_rules_set_sizes(rules->rsa_bits, &policy->sizes))
        return -EPROTO;
    policy->known = true;
    return 0;
}

int key_owner_add_file(struct link_inbox *inbox, struct key_owner *owner)
{
    const struct msg_helper_file *file = &inbox->body.helper_file;
    CLEANUP_CLOSE int fd = link_take_fd(inbox, 0);
    switch (file->kind) {
    case HELPER_FILE_TRUSTED:
        if (owner->trusted_fd >= 0 || !text_take(file->path, owner->trusted_path, sizeof owner->trusted_path))
            return -EPROTO;
        owner->trusted_fd = TAKE_FD(fd);
        return 0;
    case HELPER_FILE_REVOKED:
        if (owner->revoked.present || !text_take(file->path, owner->revoked_path, sizeof owner->revoked_path))
            return -EPROTO;
        return revoked_read(fd, &owner->revoked);
    default:
        return -EPROTO;
    }
}

void key_owner_free(struct key_owner *owner)
{
    for (size_t i = 0; i < owner->path_count; i++)
        free(owner->paths[i]);
    owner->path_count = 0;
    if (owner->trusted_fd >= 0)
        close(owner->trusted_fd);
    owner->trusted_fd = -1;
    revoked_free(&owner->revoked);
}
