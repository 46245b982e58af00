/*
 * Policies as the commands need them. Input: a name or a path, directories, perhaps a configuration. Output: the policy as
 * the server on this machine would enforce it, or why it would not.
 */
#include "ctl/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <sallyport/registry.h>

#include "base/fd.h"
#include "config/policies.h"
#include "policy/source.h"

static const char *const usual_places[] = {"/etc/sallyport/policy.d", SALLYPORT_POLICY_DIRECTORY};

void subject_free(struct subject *s)
{
    if (!s)
        return;
    policy_free(s->policy);
    policy_files_free(s->files);
    config_free(s->config);
    config_source_free(s->source);
    free(s);
}

bool subject_is_path(const char *name)
{
    size_t size = strlen(name), suffix = strlen(SOURCE_SUFFIX);
    return strchr(name, '/') || (size > suffix && strcmp(name + size - suffix, SOURCE_SUFFIX) == 0);
}

void subject_directories(const struct ctl_options *o, const struct config *config,
                         const char *const **directories, size_t *count)
{
    *directories = usual_places;
    *count = ARRAY_SIZE(usual_places);
    if (config) {
        *directories = (const char *const *)config->policy_directories.items;
        *count = config->policy_directories.count;
    }
    if (o->directory_count != 0) {
        *directories = o->directories;
        *count = o->directory_count;
    }
}

int subject_read_file(const char *path, size_t limit, uint8_t **data, size_t *size)
{
    bool is_input = strcmp(path, "-") == 0;
    struct stat st;
    CLEANUP_CLOSE int fd =
        is_input ? fd_duplicate(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0)
        return ctl_fail("%s: %s", path, strerror(errno));
    if (!is_input && !S_ISREG(st.st_mode))
        return ctl_fail("%s: expected a regular file", path);
    int r = fd_read_all(fd, limit, data, size);
    if (r == -EFBIG)
        return ctl_fail("%s: expected at most %zu octets", path, limit);
    return r ? ctl_fail("%s: %s", path, strerror(-r)) : 0;
}

/* ---- a configuration --------------------------------------------------------------------------------------- */

/* CONFIG_E_INVALID and its text are the caller's finding. */
static int config_open(const struct ctl_options *o, struct subject *s, struct policy_error *error)
{
    static const struct config_who nobody = {0};
    struct config_who who = {.address = o->address};
    struct config_error why = {.text = "out of memory"};
    int r = config_source_read(o->config, &s->source, &why);
    if (r == 0)
        r = config_evaluate(s->source, o->address ? &who : &nobody, &s->config, &why);
    if (r)
        snprintf(error->text, sizeof error->text, "%s", why.text);
    return r == 0 ? 0 : r == CONFIG_E_INVALID ? CTL_FINDING : ctl_fail("%s: %s", o->config, why.text);
}

/* The configuration's own policy, with its lists; its files are in the source. */
static int config_load(struct subject *s, struct policy_error *error)
{
    struct config_error why = {.text = "out of memory"};
    int r = config_policy(s->source, s->config, s->now, &s->policy, &why);
    if (r == 0) {
        snprintf(s->spec, sizeof s->spec, "%s", config_policy_spec(s->config));
        return 0;
    }
    snprintf(error->text, sizeof error->text, "%s", why.text);
    return r == CONFIG_E_INVALID ? CTL_FINDING : ctl_fail("%s", why.text);
}

/* ---- a name or a path -------------------------------------------------------------------------------------- */

/* The name under which it is loaded; its directory is searched for what it inherits, after the others. */
static int path_add(struct subject *s, const char *path, char directory[PATH_MAX], struct policy_error *error)
{
    CLEANUP_FREE uint8_t *text = NULL, *signature = NULL;
    char beside[PATH_MAX + 8];
    size_t size, signature_size = 0;
    snprintf(beside, sizeof beside, "%s.sig", path);
    int r = subject_read_file(path, POLICY_FILE_MAX, &text, &size);
    if (r == 0 && access(beside, F_OK) == 0)
        r = subject_read_file(beside, POLICY_SIGNATURE_MAX, &signature, &signature_size);
    if (r)
        return r;
    r = policy_files_add(s->files, path, sp_span_of(text, size), sp_span_of(signature, signature_size),
                         error);
    if (r)
        return r < 0 ? ctl_fail("%s: %s", path, strerror(-r)) : CTL_FINDING;
    snprintf(s->spec, sizeof s->spec, "%s", policy_files_at(s->files, 0)->name);
    snprintf(directory, PATH_MAX, "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash)
        slash[slash == directory ? 1 : 0] = '\0';
    else
        snprintf(directory, PATH_MAX, ".");
    return 0;
}

static int files_open(const struct ctl_options *o, const char *name, struct subject *s,
                      struct policy_error *error)
{
    const char *const *directories, *all[CTL_DIRECTORIES_MAX * 4 + 1];
    char own[PATH_MAX] = "";
    size_t count, n = 0;
    subject_directories(o, s->config, &directories, &count);
    while (n < count && n < ARRAY_SIZE(all) - 1) {
        all[n] = directories[n];
        n++;
    }
    int r = policy_files_new(&s->files);
    if (r)
        return ctl_fail("out of memory");
    snprintf(s->spec, sizeof s->spec, "%s", name);
    if (strlen(name) >= sizeof s->spec)
        return ctl_misuse("expected at most %u octets of a policy's name", POLICY_SPEC_MAX - 1);
    if (subject_is_path(name)) {
        r = path_add(s, name, own, error);
        all[n++] = own;
    }
    if (r == 0)
        r = policy_files_read(s->files, all, n, s->spec, error);
    if (r == 0)
        r = policy_load(s->files, s->spec, s->now, &s->policy, error);
    return r == POLICY_E_INVALID ? CTL_FINDING : r < 0 ? ctl_fail("%s: %s", name, strerror(-r)) : r;
}

/* ---- all --------------------------------------------------------------------------------------------------- */

static int build_open(const struct ctl_options *o, struct subject *s)
{
    struct sp_span bad;
    if (build_make(o->token, o->all, &s->build, &bad))
        return ctl_misuse("--token: expected ed25519, p256, p384, p521, rsa or cert, got \"%.*s\"",
                          (int)bad.size, (const char *)bad.data);
    return 0;
}

int subject_open(const struct ctl_options *o, const char *name, struct subject **subject,
                 struct policy_error *error)
{
    struct subject *s = calloc(1, sizeof *s);
    *subject = s;
    if (!s)
        return ctl_fail("out of memory");
    s->now = time(NULL);
    int r = build_open(o, s);
    if (r == 0 && o->config)
        r = config_open(o, s, error);
    if (r)
        return r;
    if (s->config && !name)
        return config_load(s, error);
    return files_open(o, name ? name : CONFIG_POLICY_DEFAULT, s, error);
}

int subject_digest(const struct policy_effective *effective, char digest[SUBJECT_DIGEST_MAX])
{
    CLEANUP_FREE char *text = NULL;
    uint8_t octets[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    int r = policy_effective_text(effective, &text);
    if (r == 0 && !sha256)
        r = -ENOENT;
    if (r)
        return r;
    const struct sp_span all = sp_text(text);
    r = sha256->hash(&all, 1, octets);
    for (size_t i = 0; r == 0 && i < sha256->size; i++)
        snprintf(digest + 2 * i, 3, "%02x", octets[i]);
    return r;
}

int subject_resolve(struct subject *s, struct policy_error *error)
{
    int r = policy_resolve(s->policy, &s->build.build, s->now, &s->effective, error);
    if (r)
        return r == POLICY_E_INVALID ? CTL_FINDING : ctl_fail("%s: %s", s->spec, strerror(-r));
    r = subject_digest(&s->effective, s->digest);
    s->resolved = r == 0;
    return r ? ctl_fail("%s: no digest: %s", s->spec, strerror(-r)) : 0;
}

int subject_need(const struct ctl_options *o, const char *name, struct subject **subject)
{
    struct policy_error error = {.text = ""};
    int r = subject_open(o, name, subject, &error);
    if (r == 0)
        r = subject_resolve(*subject, &error);
    return r == CTL_FINDING ? ctl_fail("%s", error.text) : r;
}
