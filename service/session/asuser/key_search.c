/*
 * Looking keys up. Input: the user's files and the administrator's list of authorities. Output: permission and its
 * conditions. sshd(8) AUTHORIZED_KEYS FILE FORMAT; sshd_config(5) TrustedUserCAKeys, AuthorizedPrincipalsFile.
 */
#include "session/asuser/key_search.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "base/addresses.h"
#include "base/fd.h"

#include "base/base64.h"
#include "session/asuser/key_file.h"
#include "session/asuser/key_line.h"
#include "session/strict_file.h"

#define LINE_FOUND 1 /* ends the reading of files */
#define WHY_MAX 160u

struct search {
    const struct key_owner *owner;
    const struct key_subject *subject;
    const char *path; /* of the file at hand */
    struct key_options *options;
    char *detail;
    size_t detail_size;
};

static int object(struct search *search, unsigned line, const char *what)
{
    snprintf(search->detail, search->detail_size, "%.512s line %u: %s", search->path, line, what);
    return 0;
}

/* The key whose line this has to be: an authority's for a certificate. */
static bool is_sought(const struct search *search, struct sp_span type, struct sp_span base64)
{
    uint8_t bytes[SP_KEY_BLOB_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    const struct key_subject *subject = search->subject;
    struct sp_span sought = subject->certified ? subject->certificate.ca_key : subject->plain;
    if (base64_decode(base64, &out) || !sp_span_equal(sp_written(&out), sought))
        return false;
    struct sp_in in = sp_in_of(sought);
    return sp_span_equal(sp_get_text(&in, SP_CERTIFICATE_NAME_MAX), type);
}

/* NULL: the address may come. `what` has the name of the option. */
static const char *from_objection(const struct search *search, const struct key_options *options)
{
    char patterns[KEY_OPTIONS_TEXT_MAX + 1];
    if (!options->has_from)
        return NULL;
    memcpy(patterns, options->from.data, options->from.size);
    patterns[options->from.size] = 0;
    switch (addresses_match(search->owner->remote_address, patterns)) {
    case 1:
        return NULL;
    case -2:
        return "from= is malformed";
    default:
        return "from= does not permit this address";
    }
}

/* Options in front of a key or of a principal, by themselves. */
static int options_accept(struct search *search, unsigned number, struct sp_span text)
{
    char why[WHY_MAX] = "";
    struct key_options *options = search->options;
    if (key_options_parse(text, options, why, sizeof why)) {
        (void)object(search, number, why);
        return -1;
    }
    const char *against = options->expiry && options->expiry <= (int64_t)time(NULL)
                              ? "the key has expired"
                              : from_objection(search, options);
    if (against)
        (void)object(search, number, against);
    return against ? -1 : 0;
}

/* What the certificate says itself is added to what the line says. */
static int certificate_accept(struct search *search, unsigned number)
{
    char why[WHY_MAX] = "";
    if (key_options_merge(search->options, &search->subject->options, why, sizeof why))
        return object(search, number, why);
    return LINE_FOUND;
}

/* principals="a,b": whole names. A principal with a comma in it is none of them. */
static bool has_one_of(const struct key_subject *subject, struct sp_span names)
{
    while (names.size != 0) {
        struct sp_span name = sp_next_name(&names);
        if (name.size != 0 && key_subject_has_principal(subject, name))
            return true;
    }
    return false;
}

static int authority_line_accept(struct search *search, unsigned number)
{
    const struct key_options *options = search->options;
    if (!options->cert_authority)
        return object(search, number, "not marked as cert-authority");
    bool named = options->has_principals
                     ? has_one_of(search->subject, options->principals)
                     : key_subject_has_principal(search->subject, sp_text(search->owner->user));
    if (!named)
        return object(search, number, "the certificate has no principal that is named here");
    return certificate_accept(search, number);
}

static int line_accept(struct search *search, unsigned number, struct sp_span text)
{
    if (options_accept(search, number, text))
        return 0;
    int found = LINE_FOUND;
    if (search->subject->certified)
        found = authority_line_accept(search, number);
    else if (search->options->cert_authority)
        return object(search, number, "cert-authority: the key signs certificates only");
    if (found == LINE_FOUND)
        (void)object(search, number, "found");
    return found;
}

static int on_key_line(void *context, unsigned number, struct sp_span text, bool too_long)
{
    struct search *search = context;
    struct key_line line;
    if (too_long)
        return object(search, number, "longer than a line may be, skipped");
    if (key_line_parse(text, &line) || !is_sought(search, line.type, line.base64))
        return 0;
    return line_accept(search, number, line.options);
}

static int on_principal_line(void *context, unsigned number, struct sp_span text, bool too_long)
{
    struct search *search = context;
    struct principal_line line;
    if (too_long)
        return object(search, number, "longer than a line may be, skipped");
    if (principal_line_parse(text, &line) || !key_subject_has_principal(search->subject, line.principal) ||
        options_accept(search, number, line.options))
        return 0;
    int found = certificate_accept(search, number);
    if (found == LINE_FOUND)
        (void)object(search, number, "found");
    return found;
}

static int on_authority(void *context, unsigned number, struct sp_span text, bool too_long)
{
    struct search *search = context;
    struct sp_span type, base64;
    if (too_long || key_line_is_empty(text))
        return 0;
    key_line_words(text, &type, &base64);
    return is_sought(search, type, base64) ? LINE_FOUND : 0;
}

/* LINE_FOUND: a line of the file settled it. */
static int users_file_search(struct search *search, const char *path, key_file_line_fn on_line)
{
    const struct key_owner *owner = search->owner;
    const struct strict_file_rules rules = {
        .strict_modes = owner->strict_modes, .uid = owner->uid, .home = owner->home};
    CLEANUP_CLOSE int fd = -1;
    search->path = path;
    int r = strict_file_open(path, &rules, &fd, search->detail, search->detail_size);
    if (r == -ENOENT || r == STRICT_FILE_E_REFUSED)
        return 0;
    if (r == 0)
        r = key_file_read(fd, on_line, search);
    if (r < 0)
        snprintf(search->detail, search->detail_size, "%.512s: %s", path, strerror(-r));
    return r == LINE_FOUND ? LINE_FOUND : 0;
}

/* The authority is one that signs for every user; whether this user is meant says the file of principals, or his name. */
static int trusted_accept(struct search *search)
{
    const struct key_owner *owner = search->owner;
    if (owner->principals_file[0]) {
        int found = users_file_search(search, owner->principals_file, on_principal_line);
        if (found != LINE_FOUND && !search->detail[0])
            snprintf(search->detail, search->detail_size,
                     "the certificate has no principal that %.512s names", owner->principals_file);
        return found;
    }
    if (!key_subject_has_principal(search->subject, sp_text(owner->user))) {
        snprintf(search->detail, search->detail_size, "%.512s: the user is no principal of the certificate",
                 search->path);
        return 0;
    }
    char why[WHY_MAX] = "";
    *search->options = (struct key_options){.no_touch = true}; /* nobody but the certificate says anything */
    if (key_options_merge(search->options, &search->subject->options, why, sizeof why)) {
        snprintf(search->detail, search->detail_size, "%.512s: %s", search->path, why);
        return 0;
    }
    snprintf(search->detail, search->detail_size, "%.512s: found", search->path);
    return LINE_FOUND;
}

static int trusted_search(struct search *search)
{
    const struct key_owner *owner = search->owner;
    if (!search->subject->certified || owner->trusted_fd < 0)
        return 0;
    search->path = owner->trusted_path;
    int r = lseek(owner->trusted_fd, 0, SEEK_SET) < 0
                ? -errno
                : key_file_read(owner->trusted_fd, on_authority, search);
    if (r < 0)
        snprintf(search->detail, search->detail_size, "%.512s: %s", owner->trusted_path, strerror(-r));
    return r == LINE_FOUND ? trusted_accept(search) : 0;
}

bool key_search(const struct key_owner *owner, const struct key_subject *subject, struct key_options *options,
                char *detail, size_t detail_size)
{
    struct search search = {
        .owner = owner, .subject = subject, .options = options, .detail = detail, .detail_size = detail_size};
    detail[0] = 0;
    const char *against = from_objection(&search, &subject->options);
    if (against) {
        snprintf(detail, detail_size, "the certificate's source-address does not permit this address");
        return false;
    }
    if (trusted_search(&search) == LINE_FOUND)
        return true;
    for (size_t i = 0; i < owner->path_count; i++)
        if (users_file_search(&search, owner->paths[i], on_key_line) == LINE_FOUND)
            return true;
    return false;
}
