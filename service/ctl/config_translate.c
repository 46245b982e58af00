/* Translating lines. Input: a line of sshd_config, taken apart. Output: what is written in its place. */
#include "ctl/config_translate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "config/foreign.h"
#include "config/match.h"
#include "config/options.h"
#include "config/specials.h"
#include "config/values.h"
#include "ctl/build.h"

#define SFTP_SERVER "/usr/lib/openssh/sftp-server"

/* Older names of keywords that exist here. */
static const struct {
    const char *old, *now;
} renamed[] = {
    {"ChallengeResponseAuthentication", "KbdInteractiveAuthentication"},
    {"SkeyAuthentication", "KbdInteractiveAuthentication"},
    {"DSAAuthentication", "PubkeyAuthentication"}, /* so it is to sshd: its "no" means every key */
    {"PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"},
    {"KeepAlive", "TCPKeepAlive"},
};

/* What a file of OpenSSH's cannot mean. */
static bool is_ours_alone(const char *keyword)
{
    static const char *const keywords[] = {
        "ControlGroup",     "HostKeyStaged",      "ListenerName", "LoadModule",      "LogFormat",
        "MaxConnections",   "PAMConfigDirectory", "Policy",       "PolicyDirectory", "PolicyMode",
        "PolicyTrust",      "ProxyProtocol",      "ProxyTrusted", "SignatureLog",    "SignatureLogRequired",
        "SignatureLogSize", "TokenEnvironment",   "TokenModule",  "TokenPIN",        "TokenQueue",
        "TokenThreads",     "TokenTimeout"};
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
        if (strcasecmp(keywords[i], keyword) == 0)
            return true;
    return false;
}

bool config_restricts(const char *keyword)
{
    static const char *const keywords[] = {"AddressFamily",
                                           "AllowGroups",
                                           "AllowUsers",
                                           "AuthenticationMethods",
                                           "AuthorizedKeysFile",
                                           "ChrootDirectory",
                                           "DenyGroups",
                                           "DenyUsers",
                                           "ForceCommand",
                                           "ListenAddress",
                                           "LoginGraceTime",
                                           "Match",
                                           "MaxAuthTries",
                                           "PasswordAuthentication",
                                           "PermitEmptyPasswords",
                                           "PermitRootLogin",
                                           "PermitTTY",
                                           "KbdInteractiveAuthentication",
                                           "Port",
                                           "PubkeyAuthentication",
                                           "PubkeyAuthOptions",
                                           "RefuseConnection",
                                           "RevokedKeys",
                                           "StrictModes",
                                           "AuthorizedPrincipalsCommand",
                                           "AuthorizedPrincipalsFile",
                                           "CASignatureAlgorithms",
                                           "MaxSessions",
                                           "PubkeyAcceptedAlgorithms",
                                           "PubkeyAcceptedKeyTypes",
                                           "Subsystem",
                                           "TrustedUserCAKeys",
                                           "UsePAM",
                                           "ChannelTimeout",
                                           "UnusedConnectionTimeout"};
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++)
        if (strcasecmp(keywords[i], keyword) == 0)
            return true;
    return false;
}

static PRINTF_LIKE(3, 4) void conclude(struct translation *t, enum translation_kind kind, const char *format,
                                       ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->why, sizeof t->why, format, args);
    va_end(args);
    t->kind = kind;
}

static PRINTF_LIKE(3, 4) void leave_out(struct translation *t, const char *keyword, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(t->why, sizeof t->why, format, args);
    va_end(args);
    t->kind = config_restricts(keyword) ? TRANSLATED_ATTENTION : TRANSLATED_LEFT_OUT;
}

/* ---- lists of algorithms ----------------------------------------------------------------------------------- */

static bool kind_of(const struct option *option, enum policy_kind *kind)
{
    for (unsigned i = 0; i < POLICY_KINDS; i++)
        if (strcmp(policy_keyword((enum policy_kind)i), option->keyword) == 0) {
            *kind = (enum policy_kind)i;
            return true;
        }
    return false;
}

/* Patterns may take away whatever there is. */
static bool is_had(struct sp_span known, struct sp_span name, char action)
{
    bool is_pattern = memchr(name.data, '*', name.size) || memchr(name.data, '?', name.size);
    return sp_list_has(known, name) || (is_pattern && action == '-');
}

/* Splits a list into what this build has and what it has not; each with commas. */
static void names_split(struct sp_span known, char action, struct sp_span names, char *had, char *lacked,
                        size_t size)
{
    struct sp_out have = {.data = (uint8_t *)had, .capacity = size - 1};
    struct sp_out lack = {.data = (uint8_t *)lacked, .capacity = size - 1};
    while (names.size != 0) {
        struct sp_span name = sp_next_name(&names);
        struct sp_out *to = is_had(known, name, action) ? &have : &lack;
        if (to->size != 0)
            sp_put_raw(to, sp_text(","));
        sp_put_raw(to, name);
    }
    had[have.size] = lacked[lack.size] = 0;
}

static void names_translate(const struct option *option, const struct lexer_line *line, struct translation *t)
{
    static struct build build; /* large */
    struct sp_span bad;
    enum policy_kind kind;
    char had[LEXER_LINE_MAX + 1], lacked[LEXER_LINE_MAX + 1];
    const char *list = line->arguments[0];
    char action = strchr("+-^", list[0]) ? list[0] : 0;
    if (!kind_of(option, &kind) || build_make(NULL, true, &build, &bad) != 0)
        return;
    names_split(sp_text(build.build.known[kind]), action, sp_text(list + (action != 0)), had, lacked,
                sizeof had);
    if (!lacked[0])
        return;
    if (!had[0]) {
        t->text[0] = 0;
        conclude(t, action ? TRANSLATED_LEFT_OUT : TRANSLATED_ATTENTION,
                 "this server has none of these; what counts is the policy");
        return;
    }
    snprintf(t->text, sizeof t->text, "%s %s%s", option->keyword, action ? (char[]){action, 0} : "", had);
    conclude(t, TRANSLATED_CHANGED, "this server does not have %s", lacked);
}

/* ---- other values ------------------------------------------------------------------------------------------ */

/* sftp inside sshd does not exist here; the program does the same, and has the same options. */
static void sftp_translate(const struct option *option, const struct lexer_line *line, struct translation *t)
{
    bool is_subsystem = strcmp(option->keyword, "Subsystem") == 0;
    size_t command = is_subsystem ? 1 : 0;
    if ((!is_subsystem && strcmp(option->keyword, "ForceCommand") != 0) || line->count <= command ||
        strcmp(line->arguments[command], "internal-sftp") != 0)
        return;
    const char *from = is_subsystem ? line->second : line->rest;
    const char *rest = from + strcspn(from, " \t");
    snprintf(t->text, sizeof t->text, "%s %s%s" SFTP_SERVER "%.*s", option->keyword,
             is_subsystem ? line->arguments[0] : "", is_subsystem ? " " : "",
             rest < line->rest_end ? (int)(line->rest_end - rest) : 0, rest);
    /* sshd asks no shell for its own sftp, which is why people confine users by it. */
    if (is_subsystem)
        conclude(t, TRANSLATED_CHANGED,
                 "sftp is a program of its own here: its files are those of the whole machine");
    else
        conclude(
            t, TRANSLATED_ATTENTION,
            "sftp is a program of its own here, which the user's shell starts: its files are those of the "
            "whole machine, and a shell that reads a file of the user's first (~/.bashrc, ~/.zshenv) does "
            "what that says");
}

/* With systemd somebody else listens, and on every address unless he is told otherwise. */
static void socket_translate(const struct option *option, const struct lexer_line *line,
                             struct translation *t)
{
    bool is_port = strcmp(option->keyword, "Port") == 0 && strcmp(line->arguments[0], "22") != 0;
    bool is_narrow =
        strcmp(option->keyword, "ListenAddress") == 0 ||
        (strcmp(option->keyword, "AddressFamily") == 0 && strcasecmp(line->arguments[0], "any") != 0);
    if (is_port || is_narrow)
        conclude(
            t, is_narrow ? TRANSLATED_ATTENTION : TRANSLATED_CHANGED,
            "it stays, but counts only without systemd: sallyport.socket has port 22 on every address, and "
            "needs a drop-in (systemctl edit sallyport.socket)");
}

static int line_check(const struct option *option, const struct lexer_line *line, struct config_error *why)
{
    if (option->kind == OPTION_SPECIAL) {
        struct config unused = {0};
        return option->special->parse(line, &unused, why);
    }
    struct value value = {0};
    int r = value_parse(option, line, &value, why);
    value_clear(&value);
    return r;
}

/* As it stands, without its comment; where the rest of the line is a command, all of it is. */
static void line_take(const struct option *option, const struct lexer_line *line, struct translation *t)
{
    int size = option->kind == OPTION_REST ? (int)strlen(line->rest) : (int)(line->rest_end - line->rest);
    snprintf(t->text, sizeof t->text, "%s %.*s", option->keyword, size, line->rest);
    t->kind = TRANSLATED_KEPT;
}

/* A word as one argument again. */
static void word_put(struct sp_out *out, const char *word)
{
    bool is_plain = word[0] && !strpbrk(word, " \t\"'\\#");
    sp_put_raw(out, sp_text(is_plain ? " " : " \""));
    for (const char *at = word; *at; at++) {
        if (!is_plain && strchr("\"\\", *at))
            sp_put_u8(out, '\\');
        sp_put_u8(out, (uint8_t)*at);
    }
    sp_put_raw(out, sp_text(is_plain ? "" : "\""));
}

/* Of several words those that are right. Fewer that are allowed is stricter; fewer that are denied is not. */
static bool words_translate(const struct option *option, const struct lexer_line *line, struct translation *t)
{
    static struct lexer_line one; /* large */
    char good[LEXER_LINE_MAX + 1], bad[512];
    struct sp_out kept = {.data = (uint8_t *)good, .capacity = sizeof good - 1};
    struct sp_out lost = {.data = (uint8_t *)bad, .capacity = sizeof bad - 1};
    struct config_error why;
    if ((option->kind != OPTION_LIST && option->kind != OPTION_REPEAT) || line->count < 2)
        return false;
    for (size_t i = 0; i < line->count; i++) {
        one = (struct lexer_line){.keyword = option->keyword, .count = 1};
        one.arguments[0] = line->arguments[i];
        word_put(line_check(option, &one, &why) == 0 ? &kept : &lost, line->arguments[i]);
    }
    good[kept.size] = bad[lost.size] = 0;
    if (sp_put_end(&kept) != 0 || kept.size == 0 || lost.size == 0)
        return false;
    bool is_denial =
        strncmp(option->keyword, "Deny", 4) == 0 || strcmp(option->keyword, "PubkeyAuthOptions") == 0;
    snprintf(t->text, sizeof t->text, "%s%s", option->keyword, good);
    conclude(t, is_denial ? TRANSLATED_ATTENTION : TRANSLATED_CHANGED,
             "left out is%s, which does not exist here", bad);
    return true;
}

static void option_translate(const struct option *option, const struct lexer_line *line, bool in_match,
                             struct translation *t)
{
    struct config_error why = {.text = "out of memory"};
    t->is_global = option->scope == OPTION_GLOBAL;
    if (in_match && t->is_global) {
        leave_out(t, option->keyword, "here it cannot differ by user or address");
        return;
    }
    if (line_check(option, line, &why) != 0) {
        if (words_translate(option, line, t))
            return;
        leave_out(t, option->keyword, "%s", why.text);
        return;
    }
    line_take(option, line, t);
    if (option->kind == OPTION_NAMES)
        names_translate(option, line, t);
    else
        sftp_translate(option, line, t);
    if (t->kind == TRANSLATED_KEPT)
        socket_translate(option, line, t);
}

static void foreign_translate(const struct lexer_line *line, struct translation *t)
{
    struct config_error why;
    const char *hint = foreign_hint(line->keyword);
    if (!hint)
        leave_out(t, line->keyword, "this is no keyword of OpenSSH's that is known here");
    else if (foreign_check(line, &why) == 0)
        conclude(t, TRANSLATED_SAME, "so it is here anyway");
    else
        leave_out(t, line->keyword, "%s", hint);
}

void config_translate(const struct lexer_line *line, bool in_match, struct translation *translation)
{
    const struct option *option = option_find(line->keyword);
    const char *now = NULL;
    *translation = (struct translation){.kind = TRANSLATED_LEFT_OUT};
    for (size_t i = 0; !option && !now && i < ARRAY_SIZE(renamed); i++)
        if (strcasecmp(renamed[i].old, line->keyword) == 0)
            now = renamed[i].now;
    if (now)
        option = option_find(now);
    if (option && is_ours_alone(option->keyword)) {
        conclude(translation, TRANSLATED_LEFT_OUT, "this is no keyword of OpenSSH's");
        return;
    }
    if (!option) {
        foreign_translate(line, translation);
        return;
    }
    option_translate(option, line, in_match, translation);
    if (now && translation->kind == TRANSLATED_KEPT)
        conclude(translation, TRANSLATED_CHANGED, "that is its name now");
}

bool config_match_fits(const struct lexer_line *line, char *why, size_t why_size)
{
    struct config_error error = {.text = "out of memory"};
    bool matches;
    if (match_line(line, &(struct config_who){0}, &matches, &error) == 0)
        return true;
    snprintf(why, why_size, "%s", error.text);
    return false;
}
