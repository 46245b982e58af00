/*
 * What PAM did for sshd. Input: /etc/pam.d/sshd of the machine. Output: whether it has a rule that sshd's package does not come
 * with, which nobody would miss before somebody is let in: another factor, a list of who may come.
 *
 * By its lines, not by its time: dpkg does not tell when an administrator has changed a file, only that some release came
 * after that.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "ctl/config_import.h"
#include "ctl/config_translate.h"
#include "ctl/found.h"
#include "ctl/token_hear.h"

#define RULES "/etc/pam.d/sshd"
#define SELINUX "session [success=ok ignore=ignore module_unknown=ignore default=bad] pam_selinux.so "

/* Of Debian's releases, with single blanks. What they do is done by /etc/pam.d/sallyport. */
static const char *const known[] = {"@include common-auth",
                                    "@include common-account",
                                    "@include common-session",
                                    "@include common-password",
                                    "account required pam_nologin.so",
                                    SELINUX "close",
                                    SELINUX "open",
                                    "session required pam_loginuid.so",
                                    "session optional pam_keyinit.so force revoke",
                                    "session optional pam_motd.so motd=/run/motd.dynamic",
                                    "session optional pam_motd.so noupdate",
                                    "session optional pam_mail.so standard noenv",
                                    "session required pam_limits.so",
                                    "session required pam_env.so",
                                    "session required pam_env.so envfile=/etc/default/locale",
                                    "session required pam_env.so user_readenv=1 envfile=/etc/default/locale"};

/* Without its comment, and with single blanks. */
static void rule_tidy(char *rule)
{
    char *to = rule;
    rule[strcspn(rule, "#\n")] = 0;
    for (const char *at = rule; *at; at++)
        if (!isspace((unsigned char)*at))
            *to++ = *at;
        else if (to != rule && to[-1] != ' ')
            *to++ = ' ';
    if (to != rule && to[-1] == ' ')
        to--;
    *to = 0;
}

static bool is_known(const char *rule)
{
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strcmp(known[i], rule) == 0)
            return true;
    return rule[0] == 0;
}

/* The first rule that is not known: its line, or 0. */
static long rule_find(FILE *rules, char rule[512])
{
    for (long line = 1; fgets(rule, 512, rules); line++) {
        rule_tidy(rule);
        if (!is_known(rule))
            return line;
    }
    return 0;
}

void import_pam_look(struct import *import)
{
    char path[SOURCE_NAME_MAX + sizeof RULES], rule[512];
    snprintf(path, sizeof path, "%.3000s" RULES, import->root);
    FILE *rules = import->has_pam_service ? NULL : fopen(path, "re");
    long line = rules ? rule_find(rules, rule) : 0;
    if (rules)
        fclose(rules);
    import->pam_changed = line != 0;
    found_set_bool(import->found, "pam_changed", import->pam_changed);
    if (!import->pam_changed)
        return;
    json_t *row = found_add_object(json_object_get(import->found, "notes"));
    token_clean(rule, strlen(rule), false);
    import->counts[TRANSLATED_ATTENTION]++;
    found_set_string(row, "kind", "attention");
    found_set_string(row, "file", path);
    found_set_number(row, "line", line);
    found_set_string(row, "text", rule);
    found_set_string(row, "why",
                     "no rule of the package's, and perhaps not the only one: here the rules are those of "
                     "/etc/pam.d/sallyport; carry it over, or take \"PAMServiceName sshd\"");
}
