/* Options of authorized keys. Input: the options' text. Output: what is denied, forced, required. sshd(8). */
#include "session/asuser/key_options.h"

#include <stdio.h>
#include <strings.h>
#include <time.h>

#include <sallyport/wire.h>

static const char *const permission_names[KEY_PERMISSIONS] = {
    [KEY_PTY] = "pty",
    [KEY_PORT_FORWARDING] = "port-forwarding",
    [KEY_AGENT_FORWARDING] = "agent-forwarding",
    [KEY_X11_FORWARDING] = "x11-forwarding",
    [KEY_USER_RC] = "user-rc",
};

struct option {
    struct sp_span name;
    bool has_value;
    struct sp_span value; /* unescaped */
};

static bool name_is(const struct option *option, const char *name)
{
    return option->name.size == strlen(name) &&
           strncasecmp((const char *)option->name.data, name, option->name.size) == 0;
}

static int refuse(const struct option *option, const char *what, char *why, size_t why_size)
{
    snprintf(why, why_size, "%s \"%.*s\"", what, (int)(option->name.size < 64 ? option->name.size : 64),
             option->name.data ? (const char *)option->name.data : "");
    return KEY_OPTIONS_E_REFUSED;
}

/* "quoted" with \" for a quote; nothing else is escaped. The value goes to parsed->text. */
static int value_take(struct sp_span *rest, struct key_options *parsed, struct sp_span *value)
{
    char *start = parsed->text + parsed->text_used;
    size_t used = 0, at = 1;
    if (rest->size == 0 || rest->data[0] != '"')
        return KEY_OPTIONS_E_REFUSED;
    while (at < rest->size && rest->data[at] != '"') {
        if (rest->data[at] == '\\' && at + 1 < rest->size && rest->data[at + 1] == '"')
            at++;
        if (parsed->text_used + used == sizeof parsed->text)
            return KEY_OPTIONS_E_REFUSED;
        start[used++] = (char)rest->data[at++];
    }
    if (at == rest->size)
        return KEY_OPTIONS_E_REFUSED;
    parsed->text_used += used;
    *value = sp_span_of(start, used);
    rest->data += at + 1;
    rest->size -= at + 1;
    return 0;
}

/* The next option, and the comma behind it. */
static int option_take(struct sp_span *rest, struct key_options *parsed, struct option *option)
{
    size_t size = 0;
    *option = (struct option){0};
    while (size < rest->size && rest->data[size] != ',' && rest->data[size] != '=' && rest->data[size] != '"')
        size++;
    option->name = sp_span_of(rest->data, size);
    rest->data += size;
    rest->size -= size;
    if (rest->size && rest->data[0] == '=') {
        rest->data++;
        rest->size--;
        option->has_value = true;
        if (value_take(rest, parsed, &option->value))
            return KEY_OPTIONS_E_REFUSED;
    }
    if (rest->size == 0)
        return 0;
    if (rest->data[0] != ',' || rest->size == 1) /* junk behind a value, or a comma at the end */
        return KEY_OPTIONS_E_REFUSED;
    rest->data++;
    rest->size--;
    return 0;
}

/* "pty" and "no-pty", in the order in which they stand; "restrict" is all of the latter. */
static bool permission_apply(const struct option *option, struct key_options *parsed)
{
    for (size_t i = 0; i < KEY_PERMISSIONS; i++) {
        char denial[32];
        snprintf(denial, sizeof denial, "no-%s", permission_names[i]);
        if (name_is(option, permission_names[i]) || name_is(option, denial)) {
            parsed->denied[i] = name_is(option, denial);
            return true;
        }
    }
    if (!name_is(option, "restrict"))
        return false;
    for (size_t i = 0; i < KEY_PERMISSIONS; i++)
        parsed->denied[i] = true;
    return true;
}

/* Flags about the key rather than its session: "restrict" is no matter of theirs. The last one of a name counts. */
static bool flag_apply(const struct option *option, struct key_options *parsed)
{
    const struct {
        const char *name;
        bool *flag;
        bool value;
    } flags[] = {
        {"cert-authority", &parsed->cert_authority, true}, {"no-touch-required", &parsed->no_touch, true},
        {"touch-required", &parsed->no_touch, false},      {"verify-required", &parsed->verify, true},
        {"no-verify-required", &parsed->verify, false},
    };
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!name_is(option, flags[i].name))
            continue;
        *flags[i].flag = flags[i].value;
        return true;
    }
    return false;
}

static int number(const uint8_t *digits, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++)
        value = value * 10 + (digits[i] - '0');
    return value;
}

/* YYYYMMDD[HHMM[SS]][Z]: local time without the Z. */
static int64_t time_parse(struct sp_span text)
{
    struct tm when = {.tm_isdst = -1};
    bool utc = text.size && (text.data[text.size - 1] == 'Z' || text.data[text.size - 1] == 'z');
    size_t size = text.size - (utc ? 1 : 0);
    if (size != 8 && size != 12 && size != 14)
        return 0;
    for (size_t i = 0; i < size; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
    when.tm_year = number(text.data, 4) - 1900;
    when.tm_mon = number(text.data + 4, 2) - 1;
    when.tm_mday = number(text.data + 6, 2);
    when.tm_hour = size > 8 ? number(text.data + 8, 2) : 0;
    when.tm_min = size > 8 ? number(text.data + 10, 2) : 0;
    when.tm_sec = size > 12 ? number(text.data + 12, 2) : 0;
    struct tm asked = when;
    int64_t value = utc ? (int64_t)timegm(&when) : (int64_t)mktime(&when);
    /* Both functions turn the 31st of June into the 1st of July: not what was meant, whatever it was. */
    bool exact = when.tm_mday == asked.tm_mday && when.tm_mon == asked.tm_mon && asked.tm_hour < 24 &&
                 asked.tm_min < 60 && asked.tm_sec < 61;
    return exact && value > 0 ? value : 0;
}

static int take_command(const struct option *option, struct key_options *parsed)
{
    if (parsed->has_command)
        return KEY_OPTIONS_E_REFUSED;
    parsed->has_command = true;
    parsed->command = option->value;
    return 0;
}

static int take_from(const struct option *option, struct key_options *parsed)
{
    if (parsed->has_from || option->value.size == 0)
        return KEY_OPTIONS_E_REFUSED;
    parsed->has_from = true;
    parsed->from = option->value;
    return 0;
}

static int take_principals(const struct option *option, struct key_options *parsed)
{
    if (parsed->has_principals || option->value.size == 0)
        return KEY_OPTIONS_E_REFUSED;
    parsed->has_principals = true;
    parsed->principals = option->value;
    return 0;
}

static int take_environment(const struct option *option, struct key_options *parsed)
{
    const uint8_t *equals = option->value.size ? memchr(option->value.data, '=', option->value.size) : NULL;
    if (!equals || equals == option->value.data || parsed->environment_count == KEY_OPTIONS_ENVIRONMENT_MAX)
        return KEY_OPTIONS_E_REFUSED;
    parsed->environment[parsed->environment_count++] = option->value;
    return 0;
}

static int take_expiry(const struct option *option, struct key_options *parsed)
{
    int64_t when = time_parse(option->value);
    if (when == 0)
        return KEY_OPTIONS_E_REFUSED;
    if (parsed->expiry == 0 || when < parsed->expiry)
        parsed->expiry = when;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(const struct option *option, struct key_options *parsed);
} valued[] = {
    {"command", take_command},         {"from", take_from},          {"principals", take_principals},
    {"environment", take_environment}, {"expiry-time", take_expiry},
};

static int option_apply(const struct option *option, struct key_options *parsed, char *why, size_t why_size)
{
    if (!option->has_value && (permission_apply(option, parsed) || flag_apply(option, parsed)))
        return 0;
    for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++)
        if (option->has_value && name_is(option, valued[i].name))
            return valued[i].take(option, parsed) ? refuse(option, "bad value of option", why, why_size) : 0;
    return refuse(option, "unknown option", why, why_size);
}

int key_options_parse(struct sp_span options, struct key_options *parsed, char *why, size_t why_size)
{
    *parsed = (struct key_options){0};
    for (struct sp_span rest = options; rest.size != 0;) {
        struct option option;
        if (option_take(&rest, parsed, &option))
            return refuse(&option, "malformed option", why, why_size);
        int r = option_apply(&option, parsed, why, why_size);
        if (r)
            return r;
    }
    return 0;
}

static int command_merge(struct key_options *options, const struct key_options *with, char *why,
                         size_t why_size)
{
    if (!with->has_command)
        return 0;
    if (options->has_command) {
        if (sp_span_equal(options->command, with->command))
            return 0;
        snprintf(why, why_size, "the key's command and the certificate's differ");
        return KEY_OPTIONS_E_REFUSED;
    }
    if (with->command.size > sizeof options->text - options->text_used) {
        snprintf(why, why_size, "the options are too long");
        return KEY_OPTIONS_E_REFUSED;
    }
    char *copy = options->text + options->text_used;
    if (with->command.size)
        memcpy(copy, with->command.data, with->command.size);
    options->text_used += with->command.size;
    options->command = sp_span_of(copy, with->command.size);
    options->has_command = true;
    return 0;
}

int key_options_merge(struct key_options *options, const struct key_options *with, char *why, size_t why_size)
{
    int r = command_merge(options, with, why, why_size);
    if (r)
        return r;
    for (size_t i = 0; i < KEY_PERMISSIONS; i++)
        options->denied[i] = options->denied[i] || with->denied[i];
    options->no_touch = options->no_touch && with->no_touch;
    options->verify = options->verify || with->verify;
    if (with->expiry && (options->expiry == 0 || with->expiry < options->expiry))
        options->expiry = with->expiry;
    return 0;
}

static void put_pair(struct sp_out *out, const char *name, struct sp_span value)
{
    sp_put_text(out, name);
    sp_put_string(out, value);
}

int key_options_pack(const struct key_options *options, struct sp_out *out)
{
    for (size_t i = 0; i < KEY_PERMISSIONS; i++) {
        char denial[32];
        snprintf(denial, sizeof denial, "no-%s", permission_names[i]);
        if (options->denied[i])
            put_pair(out, denial, (struct sp_span){0});
    }
    if (options->has_command)
        put_pair(out, "command", options->command);
    for (size_t i = 0; i < options->environment_count; i++)
        put_pair(out, "environment", options->environment[i]);
    return sp_put_end(out);
}
