/*
 * Judging keys, as the user. Input: a request's blob and signature (hostile), the user's files (his own). Output: a
 * verdict. RFC 4252 section 7, RFC 4253 section 6.6.
 */
#include "session/asuser/key_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/addresses.h"
#include "base/base64.h"
#include "config/config.h"

#include "session/asuser/key_file.h"
#include "session/asuser/key_line.h"

#define LINE_FOUND 1 /* ends the reading of files */

static bool text_take(struct sp_span from, char *to, size_t size)
{
    if (from.size >= size)
        return false;
    memcpy(to, from.data ? (const char *)from.data : "", from.size);
    to[from.size] = 0;
    return true;
}

int key_owner_set(const struct msg_helper_open *open, struct key_owner *owner)
{
    struct sp_in in = sp_in_of(open->paths);
    owner->uid = open->uid;
    owner->known = open->known;
    owner->strict_modes = open->strict_modes;
    owner->rsa_bits_min = open->rsa_bits_min;
    if (!text_take(open->home, owner->home, sizeof owner->home) ||
        !text_take(open->remote_address, owner->remote_address, sizeof owner->remote_address))
        return -EPROTO;
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

void key_owner_free(struct key_owner *owner)
{
    for (size_t i = 0; i < owner->path_count; i++)
        free(owner->paths[i]);
    owner->path_count = 0;
}

static void fingerprint(struct sp_span blob, char *text, size_t size)
{
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    struct sp_out out = {.data = (uint8_t *)text, .capacity = size - 1};
    text[0] = 0;
    if (!sha256 || sha256->hash(&blob, 1, digest))
        return;
    sp_put_raw(&out, sp_text("SHA256:"));
    if (base64_encode_bare(sp_span_of(digest, sha256->size), &out) == 0)
        text[out.size] = 0;
}

struct search {
    const struct key_owner *owner;
    const struct sp_keytype_ops *keytype;
    struct sp_span blob;
    const char *path;
    struct key_verdict *verdict;
};

/* The last objection stands: it belongs to a line with the right key. */
static int object(struct search *search, unsigned line, const char *what)
{
    snprintf(search->verdict->detail, sizeof search->verdict->detail, "%.512s line %u: %s", search->path,
             line, what);
    return 0;
}

static bool is_this_key(const struct search *search, const struct key_line *line)
{
    uint8_t bytes[SP_KEY_BLOB_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    return sp_span_is(line->type, search->keytype->blob_type) && base64_decode(line->base64, &out) == 0 &&
           sp_span_equal(sp_written(&out), search->blob);
}

/* NULL: the address may come. */
static const char *from_objection(const struct search *search, const struct key_options *options)
{
    char patterns[KEY_OPTIONS_TEXT_MAX + 1];
    if (!options->has_from)
        return NULL;
    if (!text_take(options->from, patterns, sizeof patterns))
        return "from= is too long";
    switch (addresses_match(search->owner->remote_address, patterns)) {
    case 1:
        return NULL;
    case -2:
        return "from= is malformed";
    default:
        return "from= does not permit this address";
    }
}

static int line_accept(struct search *search, unsigned number, const struct key_line *line)
{
    char why[128] = "";
    struct key_options *options = &search->verdict->options;
    if (key_options_parse(line->options, options, why, sizeof why))
        return object(search, number, why);
    if (options->expiry && options->expiry <= (int64_t)time(NULL))
        return object(search, number, "the key has expired");
    const char *against = from_objection(search, options);
    if (against)
        return object(search, number, against);
    (void)object(search, number, "found");
    return LINE_FOUND;
}

static int on_line(void *context, unsigned number, struct sp_span text, bool too_long)
{
    struct search *search = context;
    struct key_line line;
    if (too_long)
        return object(search, number, "longer than a line may be, skipped");
    if (key_line_parse(text, &line) || !is_this_key(search, &line))
        return 0;
    return line_accept(search, number, &line);
}

/* LINE_FOUND: listed, and options are those of its line. */
static int file_search(struct search *search)
{
    struct key_verdict *verdict = search->verdict;
    const struct key_file_rules rules = {
        .strict_modes = search->owner->strict_modes, .uid = search->owner->uid, .home = search->owner->home};
    CLEANUP_CLOSE int fd = -1;
    int r = key_file_open(search->path, &rules, &fd, verdict->detail, sizeof verdict->detail);
    if (r == -ENOENT || r == KEY_FILE_E_REFUSED)
        return 0;
    if (r == 0)
        r = key_file_read(fd, on_line, search);
    if (r < 0)
        snprintf(verdict->detail, sizeof verdict->detail, "%.512s: %s", search->path, strerror(-r));
    return r == LINE_FOUND ? LINE_FOUND : 0;
}

static bool is_listed(struct search *search)
{
    for (size_t i = 0; i < search->owner->path_count; i++) {
        search->path = search->owner->paths[i];
        if (file_search(search) == LINE_FOUND)
            return true;
    }
    if (!search->verdict->detail[0])
        snprintf(search->verdict->detail, sizeof search->verdict->detail, "no such key");
    return false;
}

/* Form and size first, by lengths alone: before them nobody computes with the numbers in a blob. */
static bool is_sound(const struct key_owner *owner, const struct sp_keytype_ops *keytype, struct sp_span blob,
                     struct key_verdict *verdict)
{
    unsigned bits = 0;
    int r = keytype && !keytype->plain ? keytype->inspect(blob, &bits) : SP_E_MALFORMED;
    if (r) {
        snprintf(verdict->detail, sizeof verdict->detail, "not a usable public key of this type");
        return false;
    }
    if (strcmp(keytype->blob_type, "ssh-rsa") == 0 && bits < owner->rsa_bits_min) {
        snprintf(verdict->detail, sizeof verdict->detail, "RSA key of %u bits, RequiredRSASize %u", bits,
                 owner->rsa_bits_min);
        return false;
    }
    return true;
}

void key_check(const struct key_owner *owner, const struct msg_helper_check *request,
               struct key_verdict *verdict)
{
    *verdict = (struct key_verdict){.verdict = SP_VERDICT_BAD};
    struct search search = {.owner = owner,
                            .keytype = keytype_find(request->algorithm),
                            .blob = request->blob,
                            .verdict = verdict};
    fingerprint(request->blob, verdict->fingerprint, sizeof verdict->fingerprint);
    if (!is_sound(owner, search.keytype, request->blob, verdict) || !is_listed(&search) || !owner->known)
        return;
    if (!request->signed_request) {
        verdict->verdict = SP_VERDICT_GOOD;
        return;
    }
    enum sp_verdict signature = search.keytype->verify(request->blob, request->signature, request->data, NULL);
    if (signature == SP_VERDICT_GOOD)
        verdict->verdict = SP_VERDICT_GOOD;
    else
        snprintf(verdict->detail, sizeof verdict->detail, "wrong signature");
}
