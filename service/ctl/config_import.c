/*
 * `sallyport config`. Input: OpenSSH's sshd_config, with what it includes; or a configuration of ours. Output: a configuration
 * that says the same as far as this server can, with a reason for every line that is not in it and the commands that bring the
 * host keys into a token; or what the server says of a configuration.
 */
#include "ctl/config_import.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/policies.h"
#include "ctl/config_check.h"
#include "ctl/config_translate.h"
#include "ctl/found.h"
#include "ctl/token_setup.h"
#include "ctl/write_file.h"

#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define SSHD_DIRECTORY "/etc/ssh"

/* ---- PAM --------------------------------------------------------------------------------------------------- */

static void pam_write(const struct import *import, FILE *out)
{
    if (import->pam_changed)
        fprintf(out,
                "\n# ATTENTION: /etc/pam.d/sshd has rules that the package's has not, and the rules here are "
                "those of\n# /etc/pam.d/sallyport: carry them over, or have the rules of sshd:\n"
                "#PAMServiceName sshd\n");
}

/* ---- the text ---------------------------------------------------------------------------------------------- */

#define DROP_INS "Include /etc/sallyport/conf.d/*.conf\n"

/* Where the keys will be: in a software token, which every machine can have. */
static void keys_write(const struct import *import, FILE *out)
{
    fprintf(out, "\n# Drop-ins first, because the first value of a keyword counts.\n" DROP_INS
                 "\n# The token that the host keys will be in, and they: see the end of this file.\n"
                 "TokenModule /usr/lib/softhsm/libsofthsm2.so\n"
                 "TokenEnvironment SOFTHSM2_CONF=/etc/sallyport/softhsm2.conf\n"
                 "TokenPIN file:/etc/sallyport/pin\n");
    for (size_t i = 0; i < import->key_count; i++)
        fprintf(out, "HostKey pkcs11:token=" IMPORT_TOKEN ";object=%s;type=private\n", import->keys[i].label);
}

static bool is_plain_word(const char *word)
{
    return word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-+=:@%,")] ==
           0;
}

/* For a shell: quoted if it has to be. */
static void word_write(FILE *out, const char *word)
{
    if (is_plain_word(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++)
        fputs(*word == '\'' ? "'\\''" : (char[]){*word, 0}, out);
    fputc('\'', out);
}

/* "WORDS PATH REST", the path quoted for a shell, and which configuration it is about if that is not the usual one. */
static int command_add(json_t *commands, const char *words, const char *path, const char *rest,
                       const char *config)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    fputs(words, out);
    word_write(out, path);
    fputs(rest, out);
    if (config) {
        fputs(" -f ", out);
        word_write(out, config);
    }
    fclose(out);
    found_add_string(commands, text);
    free(text);
    return 0;
}

static int commands_find(struct import *import)
{
    json_t *commands = found_make_array(import->found, "commands");
    found_add_string(commands, "install -d -m 0700 -o sallyport-signer -g sallyport-signer "
                               "/var/lib/sallyport-token " TOKEN_STATE_DIRECTORY);
    found_add_string(commands, "printf '%s\\n' 'directories.tokendir = /var/lib/sallyport-token' "
                               "'objectstore.backend = file' >/etc/sallyport/softhsm2.conf");
    const char *config = import->output && strcmp(import->output, TOKEN_CONFIG) != 0 ? import->output : NULL;
    int r = command_add(commands, "sallyport token init --label " IMPORT_TOKEN " --so-pin-file ",
                        "/root/so-pin", "", config);
    for (size_t i = 0; r == 0 && i < import->key_count; i++) {
        char rest[96];
        snprintf(rest, sizeof rest, " --label %s", import->keys[i].label);
        r = command_add(commands, "sallyport key import ", import->keys[i].path, rest, config);
    }
    if (r == 0)
        r = command_add(commands, "sallyport key test", "", "", config);
    return r ? r
             : command_add(commands, config ? "sallyport config check " : "sallyport config check",
                           config ? config : "", "", NULL);
}

static void commands_write(const struct import *import, FILE *out)
{
    size_t i;
    json_t *command;
    fprintf(out, "\n# The host keys have to be in a token before this can be used. These commands make one "
                 "and bring them\n"
                 "# there; they stay the same keys, so no client will notice. For another token than "
                 "SoftHSM2's, the first\n"
                 "# two are not needed, and the Token lines above are others.\n#\n");
    json_array_foreach(json_object_get(import->found, "commands"), i, command)
        fprintf(out, "#   %s\n", json_string_value(command));
    fprintf(out, "#\n# Each import says how to destroy the file that it has read: as long as that is there, "
                 "the key is "
                 "not in the\n# token alone.\n");
}

static void head_write(const struct import *import, FILE *out)
{
    fprintf(out,
            "# Made from %s by \"sallyport config import\". Comments are not taken over.\n"
            "# Lines: %zu as they were, %zu changed, %zu about what is so here anyway, %zu left out; "
            "ATTENTION at %zu, "
            "without\n# which more may be permitted than before.\n",
            import->file, import->counts[TRANSLATED_KEPT], import->counts[TRANSLATED_CHANGED],
            import->counts[TRANSLATED_SAME], import->counts[TRANSLATED_LEFT_OUT],
            import->counts[TRANSLATED_ATTENTION]);
}

int import_text(struct import *import, char **text)
{
    size_t size;
    FILE *out = open_memstream(text, &size);
    int r = out ? commands_find(import) : -ENOMEM;
    import_pam_look(import);
    if (out) {
        head_write(import, out);
        keys_write(import, out);
        fputs(import->global ? import->global : "", out);
        pam_write(import, out);
        fputs(import->blocks ? import->blocks : "", out);
        commands_write(import, out);
        if (ferror(out) | fclose(out))
            r = -ENOMEM;
    }
    return r ? ctl_fail("%s", strerror(-r)) : 0;
}

/* ---- the command ------------------------------------------------------------------------------------------- */

/* What we write has to be good for the server; if not, nobody gets it. Drop-ins are the machine's, and are not looked at. */
static int text_check(char *text)
{
    char *drop_ins = strstr(text, "\n" DROP_INS);
    if (drop_ins)
        drop_ins[1] = '#';
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {.text = "out of memory"};
    int r = config_source_parse("the result", sp_text(text), &source, &error);
    if (r == 0)
        r = config_evaluate(source, &(struct config_who){0}, &config, &error);
    if (r == 0)
        r = config_policies_check(source, (int64_t)time(NULL), &error);
    config_free(config);
    config_source_free(source);
    if (drop_ins)
        drop_ins[1] = DROP_INS[0];
    return r ? ctl_fail("what came of it is no configuration: %s", error.text) : 0;
}

static int import_find(const struct ctl_options *o, json_t *found)
{
    CLEANUP(import_free)
    struct import import = {.root = o->root ? o->root : "", .output = o->output, .found = found};
    CLEANUP_FREE char *text = NULL;
    char path[SOURCE_NAME_MAX];
    struct config_source *source = NULL;
    struct config_error error = {.text = "out of memory"};
    snprintf(path, sizeof path, "%.3000s" SSHD_CONFIG, import.root);
    import.file = o->argument_count != 0 ? o->arguments[0] : path;
    if (source_read_foreign(import.file, import.root, SSHD_DIRECTORY, &source, &error) != 0)
        return ctl_fail("%s", error.text);
    found_set_string(found, "file", import.file);
    int status = import_lines(&import, source);
    config_source_free(source);
    if (status)
        return status;
    if (!import.keys_are_said)
        import_default_keys(&import);
    status = import_text(&import, &text);
    if (status == 0)
        status = text_check(text);
    if (status)
        return status;
    found_set_string(found, "config", text);
    for (unsigned i = 0; i < ARRAY_SIZE(import.counts); i++)
        found_set_number(found, (const char *const[]){"kept", "changed", "same", "left_out", "attention"}[i],
                         (int64_t)import.counts[i]);
    if (o->output)
        status = o->force ? write_file(o->output, sp_text(text)) : write_new_file(o->output, sp_text(text));
    return status ? status : import.counts[TRANSLATED_ATTENTION] ? CTL_FINDING : CTL_OK;
}

/* Beside a configuration on standard output, what has to be looked at goes to standard error. */
static void import_show(const struct ctl_options *o, const json_t *found)
{
    size_t i;
    json_t *row;
    FILE *out = o->output ? stdout : stderr;
    if (!o->output) {
        fputs(found_get(found, "config"), stdout);
        fflush(stdout);
    }
    json_array_foreach(json_object_get(found, "notes"), i, row)
    {
        char line[32] = "";
        if (strcmp(found_get(row, "kind"), "attention") != 0)
            continue;
        if (found_number(row, "line") != 0)
            snprintf(line, sizeof line, " line %lld", (long long)found_number(row, "line"));
        fprintf(out, "ATTENTION: %s%s: %s: %s\n", found_get(row, "file"), line, found_get(row, "text"),
                found_get(row, "why"));
    }
    if (!o->output)
        return;
    printf("%s is written: of %s %lld lines as they were, %lld changed, %lld about what is so here anyway, "
           "%lld left "
           "out, %lld to be looked at.\nNow:\n",
           o->output, found_get(found, "file"), (long long)found_number(found, "kept"),
           (long long)found_number(found, "changed"), (long long)found_number(found, "same"),
           (long long)found_number(found, "left_out"), (long long)found_number(found, "attention"));
    json_array_foreach(json_object_get(found, "commands"), i, row) printf("    %s\n", json_string_value(row));
}

const struct ctl_command config_commands[] = {
    {.name = "import",
     .arguments = " [FILE]",
     .summary = "make a configuration from OpenSSH's sshd_config",
     .options = CTL_OUTPUT | CTL_FORCE | CTL_ROOT,
     .arguments_max = 1,
     .find = import_find,
     .show = import_show},
    {.name = "check",
     .arguments = " [FILE]",
     .summary = "whether the server accepts a configuration; nothing is changed",
     .options = CTL_SERVER,
     .arguments_max = 1,
     .find = config_check_find,
     .show = config_check_show},
    {0},
};
