/* Finding out what to talk to. Input: the configuration and the command line. Output: struct token_setup, checked. */
#include "ctl/token_setup.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include <sallyport/wire.h>

#include "base/root_file.h"
#include "base/users.h"
#include "ctl/token_command.h"

/* ---- the configuration ------------------------------------------------------------------------------------- */

static int config_load(const char *path, struct token_setup *s)
{
    static const struct config_who nobody = {0};
    struct config_error why = {.text = "out of memory"};
    char error[1024] = "out of memory";
    int r = config_source_read(path, &s->source, &why);
    if (r == 0)
        r = config_evaluate(s->source, &nobody, &s->config, &why);
    if (r)
        return ctl_fail("%s%s%s", r < 0 ? path : "", r < 0 ? ": " : "", why.text);
    if (s->config->host_keys.count == 0) /* a token whose keys are still to be made */
        return 0;
    r = plan_make(s->config, &s->plan, error, sizeof error);
    return r ? ctl_fail("%s: %s", path, error) : 0;
}

static int config_open(const struct token_options *o, bool any_config, struct token_setup *s)
{
    if (o->config)
        return config_load(o->config, s);
    bool exists = access(TOKEN_CONFIG, F_OK) == 0;
    if (o->module && !(any_config && exists))
        return 0;
    if (!exists)
        return ctl_fail(TOKEN_CONFIG ": %s; name another with -f, or a module with --module",
                        strerror(errno));
    return config_load(TOKEN_CONFIG, s);
}

/* ---- which token ------------------------------------------------------------------------------------------- */

int token_uri_escape(struct sp_span text, struct sp_out *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    char escaped[4];
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] != 0 && strchr(plain, text.data[i])) {
            sp_put_u8(out, text.data[i]);
            continue;
        }
        snprintf(escaped, sizeof escaped, "%%%02X", text.data[i]);
        sp_put_raw(out, sp_text(escaped));
    }
    return sp_put_end(out);
}

/* "token=LABEL" as the plan spells it. */
static int label_attribute(const char *label, char *attribute, size_t size)
{
    uint8_t text[URI_TEXT_MAX];
    struct host_key_uri uri;
    char error[256] = "it is too long";
    struct sp_out out = {.data = text, .capacity = sizeof text};
    sp_put_raw(&out, sp_text("pkcs11:token="));
    int r = token_uri_escape(sp_text(label), &out);
    sp_put_raw(&out, sp_text(";object=x"));
    if (r == 0)
        r = sp_put_end(&out);
    if (r == 0)
        r = host_key_uri_parse(sp_written(&out), &uri, error, sizeof error);
    if (r)
        return ctl_misuse("--token %s: %s", label, error);
    snprintf(attribute, size, "%s", uri.token);
    return 0;
}

/* Whether one of a spec's attributes is this one. */
static bool attributes_have(const char *attributes, const char *attribute)
{
    size_t size = strlen(attribute);
    for (const char *at = attributes; *at; at += strcspn(at, ";"), at += *at == ';')
        if (strncmp(at, attribute, size) == 0 && (at[size] == 0 || at[size] == ';'))
            return true;
    return false;
}

/* What a provider of LoadModule has is not the business of a tool for PKCS#11 tokens. */
static bool spec_fits(const struct token_options *o, const struct token_spec *spec, const char *attribute)
{
    return !spec->provider && spec->replica == 0 && (!o->module || strcmp(o->module, spec->module) == 0) &&
           (!*attribute || attributes_have(spec->token, attribute));
}

static int spec_complain(const struct token_setup *s)
{
    char seen[1024] = "";
    for (size_t i = 0; i < s->plan.token_count; i++) {
        size_t used = strlen(seen);
        if (s->plan.tokens[i].replica == 0)
            snprintf(seen + used, sizeof seen - used, "%s%s", used ? ", " : "", s->plan.tokens[i].token);
    }
    return ctl_misuse("the configuration has keys on several tokens (%s): name one with --token LABEL", seen);
}

/* The one token of the configuration that the options fit; *spec stays NULL if there is none. */
static int spec_find(const struct token_options *o, const struct token_setup *s, const char *attribute,
                     const struct token_spec **spec)
{
    const struct token_spec *one = NULL;
    for (size_t i = 0; i < s->plan.token_count; i++) {
        const struct token_spec *candidate = &s->plan.tokens[i];
        if (!spec_fits(o, candidate, attribute))
            continue;
        if (one)
            return spec_complain(s);
        one = candidate;
    }
    *spec = one;
    return 0;
}

static int copy(char *to, size_t size, const char *from)
{
    if (snprintf(to, size, "%s", from) >= (int)size)
        return ctl_misuse("%.64s...: too long", from);
    return 0;
}

static int pin_source_take(const struct token_options *o, const char *configured, struct token_setup *s)
{
    char directory[PATH_MAX];
    if (!o->pin_file)
        return copy(s->pin_source, sizeof s->pin_source, configured);
    if (o->pin_file[0] == '/') {
        snprintf(s->pin_source, sizeof s->pin_source, "file:%.4000s", o->pin_file);
        return 0;
    }
    if (!getcwd(directory, sizeof directory))
        return ctl_fail("the working directory: %s", strerror(errno));
    if (snprintf(s->pin_source, sizeof s->pin_source, "file:%s/%s", directory, o->pin_file) >=
        (int)sizeof s->pin_source)
        return ctl_misuse("--pin-file: too long");
    return 0;
}

static int token_choose(const struct token_options *o, struct token_setup *s)
{
    const struct token_spec *spec = NULL;
    char attribute[URI_PART_MAX] = "";
    int r = o->token ? label_attribute(o->token, attribute, sizeof attribute) : 0;
    if (r == 0)
        r = spec_find(o, s, attribute, &spec);
    const char *configured = s->config && !o->module ? s->config->token_pin : "";
    if (r == 0)
        r = copy(s->token, sizeof s->token, spec ? spec->token : attribute);
    if (r == 0)
        r = pin_source_take(o, spec ? spec->pin_source : configured, s);
    if (r == 0)
        r = copy(s->named, sizeof s->named,
                 o->module ? o->module
                 : spec    ? spec->module
                           : s->config->token_module);
    if (r == 0)
        snprintf(s->uri, sizeof s->uri, "pkcs11:%s", s->token);
    return r;
}

/* ---- with what, and as whom -------------------------------------------------------------------------------- */

static int environment_take(const struct token_options *o, struct token_setup *s)
{
    s->environment = o->environment;
    s->environment_count = o->environment_count;
    if (o->environment_count == 0 && s->config) {
        s->environment = (const char *const *)s->config->token_environment.items;
        s->environment_count = s->config->token_environment.count;
    }
    for (size_t i = 0; i < s->environment_count; i++)
        if (!environment_is_valid(s->environment[i]))
            return ctl_misuse("%s: expected NAME=VALUE, and no name that libraries load other code by",
                              s->environment[i]);
    return 0;
}

/* Who does not start as root is who he is, and can load what he likes anyway. */
static int module_take(struct token_setup *s)
{
    char why[PATH_MAX + 256] = "";
    if (s->named[0] != '/')
        return ctl_misuse("module %s: expected an absolute path", s->named);
    if (geteuid() != 0) {
        CLEANUP_FREE char *path = realpath(s->named, NULL);
        return path ? copy(s->module, sizeof s->module, path) : ctl_fail("%s: %s", s->named, strerror(errno));
    }
    int r = root_file_check("module", s->named, s->module, why, sizeof why);
    return r < 0 ? ctl_fail("%s: %s", s->named, strerror(-r)) : r ? ctl_fail("%s", why) : 0;
}

static bool number_take(const char **text, char end, unsigned *number)
{
    char *stop;
    errno = 0;
    unsigned long value = strtoul(*text, &stop, 10);
    if (errno || stop == *text || **text < '0' || **text > '9' || *stop != end || value >= UINT32_MAX)
        return false;
    *number = (unsigned)value;
    *text = stop + (end ? 1 : 0);
    return true;
}

static int user_take(const struct token_options *o, struct token_setup *s)
{
    const char *rest = o->user;
    s->uid = geteuid();
    s->gid = getegid();
    if (o->user && o->as_root)
        return ctl_misuse("--user and --as-root: expected one of them");
    if (o->user && (!number_take(&rest, ':', &s->uid) || !number_take(&rest, 0, &s->gid)))
        return ctl_misuse("--user: expected UID:GID, got \"%s\"", o->user);
    if (o->as_root || geteuid() != 0)
        return o->user && geteuid() != 0 ? ctl_misuse("--user: only root can become somebody else") : 0;
    s->become = true;
    if (o->user)
        return 0;
    const struct passwd *entry = getpwnam(USERS_SIGNER);
    s->uid = entry && entry->pw_uid != 0 ? entry->pw_uid : USERS_FALLBACK_SIGNER;
    s->gid = entry && entry->pw_uid != 0 ? entry->pw_gid : USERS_FALLBACK_SIGNER;
    return 0;
}

int token_setup_open(const struct token_options *o, bool any_config, struct token_setup *s)
{
    s->state_dir = o->state_dir ? o->state_dir : TOKEN_STATE_DIRECTORY;
    int r = config_open(o, any_config, s);
    if (r == 0)
        r = token_choose(o, s);
    if (r == 0)
        r = environment_take(o, s);
    if (r == 0)
        r = module_take(s);
    return r ? r : user_take(o, s);
}

void token_setup_free(struct token_setup *s)
{
    plan_free(&s->plan);
    if (s->config)
        config_free(s->config);
    if (s->source)
        config_source_free(s->source);
    *s = (struct token_setup){.become = false};
}
