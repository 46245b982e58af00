/*
 * Signed policies in the signer. Input: a file of root's, what the spawner remembers, and snapshots, in which everything
 * about policies may be forged. Output: whether a configuration may be served, and the serials that it stands for.
 */
#include "signer/policy_trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/root_file.h"
#include "config/policies.h"
#include "policy/source.h"

/* ---- the anchors ------------------------------------------------------------------------------------------------- */

static int file_read(const char *path, uint8_t **data, size_t *size, char *why, size_t why_size)
{
    char resolved[PATH_MAX];
    int r = root_file_check("PolicyTrust", path, resolved, why, why_size);
    if (r)
        return r < 0 ? r : POLICY_TRUST_E_REFUSED;
    CLEANUP_CLOSE int fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    r = fd < 0 ? -errno : fd_read_all(fd, POLICY_TRUST_MAX, data, size);
    if (r == 0)
        return 0;
    snprintf(why, why_size, "PolicyTrust %s: %s", path, strerror(-r));
    return POLICY_TRUST_E_REFUSED;
}

int policy_trust_open(const char *path, const char *policy, struct policy_anchors **anchors, char *why,
                      size_t why_size)
{
    CLEANUP_FREE uint8_t *data = NULL;
    struct policy_error error = {{0}};
    size_t size;
    int r = file_read(path, &data, &size, why, why_size);
    if (r)
        return r;
    struct policy_anchors *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    snprintf(fresh->path, sizeof fresh->path, "%s", path);
    snprintf(fresh->policy, sizeof fresh->policy, "%s", policy);
    r = policy_trust_read(path, sp_span_of(data, size), &fresh->trust, &error);
    if (r == 0) {
        *anchors = fresh;
        return 0;
    }
    policy_trust_close(fresh);
    if (r < 0)
        return r;
    snprintf(why, why_size, "PolicyTrust: %s", error.text);
    return POLICY_TRUST_E_REFUSED;
}

void policy_trust_close(struct policy_anchors *anchors)
{
    if (!anchors)
        return;
    policy_trust_free(anchors->trust);
    free(anchors);
}

/* ---- what is remembered ------------------------------------------------------------------------------------------ */

int policy_trust_remember(struct policy_anchors *anchors, const struct msg_policy_serials *message, char *why,
                          size_t why_size)
{
    char text[1025], ignored[512];
    struct serials *read = calloc(1, sizeof *read);
    if (!read)
        return -ENOMEM;
    int r = serials_unpack(message->serials, read) == 0 ? 0 : -EPROTO;
    /* Never backwards: this may be an answer to less than what has become known since. */
    for (size_t i = 0; r == 0 && i < read->count; i++)
        (void)!serials_set(&anchors->serials, &read->items[i], ignored, sizeof ignored);
    anchors->is_told = r == 0;
    free(read);
    snprintf(text, sizeof text, "%.*s", (int)message->why.size, (const char *)message->why.data);
    if (!message->usable && text[0] == 0)
        snprintf(text, sizeof text, "what was accepted before is not known");
    snprintf(anchors->unusable, sizeof anchors->unusable, "%.*s", message->usable ? 0 : 1023, text);
    snprintf(why, why_size, "%s", text);
    return r;
}

int policy_trust_check(const struct policy_anchors *anchors, const struct serials *accepted, char *why,
                       size_t why_size)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < accepted->count; i++)
        r = serials_check(&anchors->serials, &accepted->items[i], why, why_size);
    return r ? POLICY_TRUST_E_REFUSED : 0;
}

static bool is_kept(const struct serials *serials, const struct serials *accepted)
{
    for (size_t i = 0; i < accepted->count; i++) {
        const struct serial *known = serials_get(serials, accepted->items[i].name);
        if (!known || known->serial != accepted->items[i].serial)
            return false;
    }
    return true;
}

static int keep_send(struct signer *s, const struct serials *serials)
{
    static uint8_t bytes[SERIALS_PACKED_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    int r = serials_pack(serials, &out);
    return r ? r : link_send(&s->spawner, policy_serial_keep, .serials = sp_written(&out));
}

int policy_trust_keep(struct signer *s, const struct serials *accepted, char *why, size_t why_size)
{
    static struct serials next;
    int r = policy_trust_check(s->anchors, accepted, why, why_size);
    if (r || is_kept(&s->anchors->serials, accepted))
        return r;
    next = s->anchors->serials;
    for (size_t i = 0; r == 0 && i < accepted->count; i++)
        r = serials_set(&next, &accepted->items[i], why, why_size);
    if (r)
        return POLICY_TRUST_E_REFUSED;
    /* What was not told is not taken for told: the next exchange tries again. */
    if (keep_send(s, &next) == 0)
        s->anchors->serials = next;
    else
        log_say(&s->log, LOG_LEVEL_ERROR, "policy_serials",
                "the spawner cannot be told which policies are in force");
    return 0;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

struct acceptance {
    const struct policy_anchors *anchors;
    const struct config_source *source;
    int64_t now;
    struct serials *accepted;
    char *why;
    size_t why_size;
};

static int refuse(struct acceptance *a, const char *text)
{
    snprintf(a->why, a->why_size, "%s", text);
    return POLICY_TRUST_E_REFUSED;
}

/*
 * Where the site has its own DEFAULT, it stays the site's: without its file the program's would stand in for it, which
 * nobody has signed. key: what is used, in an Inherit or in a Policy.
 */
static int default_accept(struct acceptance *a, const char *key)
{
    char text[512];
    const struct policy_file *file = policy_files_find(a->source->policies, key);
    const struct serial *known = serials_get(&a->anchors->serials, key);
    if (strcmp(key, SOURCE_DEFAULT) != 0 || !known || (file && !policy_trust_is_own(file)))
        return 0;
    snprintf(text, sizeof text,
             "policy %s: this machine has accepted the site's own with Serial %" PRIu64
             " before, and the program's does not stand in for it: expected %s" SOURCE_SUFFIX
             " with its signature",
             key, known->serial, key);
    return refuse(a, text);
}

static int inherited_accept(struct acceptance *a, const struct policy_file *file)
{
    struct source_header header = {0};
    source_scan(file->text, &header);
    return default_accept(a, source_key(header.inherit));
}

static int file_accept(struct acceptance *a, const struct policy_file *file)
{
    struct policy_signature who;
    struct policy_error error = {{0}};
    struct serial serial = {.serial = 0};
    if (policy_trust_is_own(file))
        return 0; /* unless the site has one of its own: whoever uses it is asked */
    int r = policy_trust_verify(a->anchors->trust, file, a->now, &who, &error);
    if (r)
        return r < 0 ? r : refuse(a, error.text);
    snprintf(serial.name, sizeof serial.name, "%s", file->name);
    serial.serial = who.serial;
    memcpy(serial.digest, who.digest, sizeof serial.digest);
    r = serials_check(&a->anchors->serials, &serial, a->why, a->why_size);
    if (r == 0)
        r = serials_set(a->accepted, &serial, a->why, a->why_size);
    return r ? POLICY_TRUST_E_REFUSED : inherited_accept(a, file);
}

/* Every file that the snapshot has: it has those that are used, and those that they inherit. */
static int files_accept(struct acceptance *a)
{
    const struct policy_file *file;
    int r = 0;
    for (size_t i = 0; r == 0 && (file = policy_files_at(a->source->policies, i)) != NULL; i++)
        r = file_accept(a, file);
    return r;
}

/*
 * "BASE:SUB": one of them at least has to be a signed file. The program's own DEFAULT alone would be what is left when
 * somebody takes the Policy line away.
 */
static int spec_accept(struct acceptance *a, const char *spec)
{
    char part[POLICY_SPEC_MAX], text[POLICY_SPEC_MAX + 256];
    struct policy_error error = {{0}};
    bool is_signed = false;
    const char *at = spec;
    for (bool first = true; first || *at == ':'; first = false) {
        at += first ? 0 : 1;
        if (source_next_part(&at, first, part, &error) != 0)
            return refuse(a, error.text);
        const struct policy_file *file = policy_files_find(a->source->policies, source_key(part));
        is_signed = is_signed || (file && !policy_trust_is_own(file));
        int r = default_accept(a, source_key(part));
        if (r)
            return r;
    }
    if (is_signed)
        return 0;
    snprintf(text, sizeof text,
             "Policy %s: nobody has signed it; with PolicyTrust a configuration has to name a policy that is "
             "signed "
             "(which may inherit DEFAULT)",
             spec);
    return refuse(a, text);
}

/* All that the site has signed is not all that this machine is for. */
static int choice_accept(struct acceptance *a, const struct config *config)
{
    char text[2 * POLICY_SPEC_MAX + 256];
    if (a->anchors->policy[0] == 0 || strcmp(config->policy, a->anchors->policy) == 0)
        return 0;
    snprintf(text, sizeof text,
             "Policy %s: the signer was started for %s; with PolicyTrust another one has to wait until it is "
             "started again",
             config->policy, a->anchors->policy);
    return refuse(a, text);
}

/* The one that everybody gets, and those that a Match chooses. */
static int specs_accept(struct acceptance *a, const struct config *config)
{
    struct config_policies policies = {.count = 0};
    struct config_error error = {{0}};
    /* Without the line the configuration's own lists could add to DEFAULT, even where a signed one lies about. */
    if (config->policy[0] == 0)
        return refuse(
            a, "there is no Policy: with PolicyTrust a configuration has to name one that is signed (which "
               "may inherit DEFAULT)");
    int r = config_policies_find(a->source, config, &policies, &error);
    if (r > 0)
        r = refuse(a, error.text);
    for (size_t i = 0; r == 0 && i < policies.count; i++)
        r = spec_accept(a, policies.specs[i]);
    config_policies_free(&policies);
    return r ? r : choice_accept(a, config);
}

int policy_trust_accept(const struct policy_anchors *anchors, const struct config_source *source,
                        const struct config *config, int64_t now, struct serials *accepted, char *why,
                        size_t why_size)
{
    struct acceptance a = {.anchors = anchors,
                           .source = source,
                           .now = now,
                           .accepted = accepted,
                           .why = why,
                           .why_size = why_size};
    struct config_error error = {{0}};
    accepted->count = 0;
    if (!anchors->is_told || anchors->unusable[0])
        return refuse(&a, anchors->is_told ? anchors->unusable : "what was accepted before is not known yet");
    int r = files_accept(&a);
    if (r == 0)
        r = specs_accept(&a, config);
    if (r)
        return r;
    /* A policy is named, so this also says whether any line of the configuration loosens it, and whether it has expired. */
    r = config_policies_check(source, now, &error);
    return r > 0 ? refuse(&a, error.text) : r;
}

const char *policy_trust_oddity(const struct policy_anchors *anchors, const struct config *config)
{
    bool wanted = strcmp(config->policy_trust, "none") != 0;
    if (!anchors)
        return wanted ? "the signer was started without: policies need no signature until it is started again"
                      : NULL;
    if (!wanted)
        return "the signer was started with one: policies still need signatures, until it is started again";
    return strcmp(config->policy_trust, anchors->path) == 0
               ? NULL
               : "the signer was started with another file, which counts until it is started again";
}
