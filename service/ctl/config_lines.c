/*
 * Translating a whole configuration. Input: the lines of sshd_config and of what it includes. Output: the same in two parts,
 * as a block's values override those of everybody here as there, so that their order does not matter; with a comment in the
 * place of each line that is not taken over.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ctl/config_import.h"
#include "ctl/config_translate.h"
#include "ctl/found.h"
#include "ctl/token_hear.h"

#define VALUE_SHOWN_MAX 300 /* octets of a line that a comment repeats */

/* What holds at a line: a file begins with what its includer's Include stands in, and gives it back at its end. */
struct context {
    const char *file;
    char criteria[LEXER_LINE_MAX + 1]; /* ""; not in a Match */
    bool is_dead;                      /* in a block that does not exist here */
};

struct reading {
    struct import *import;
    struct context stack[CONFIG_INCLUDE_DEPTH_MAX + 1];
    size_t depth;
    FILE *parts[2]; /* global, blocks */
    char *last_file[2];
    char last_criteria[LEXER_LINE_MAX + 1];
    struct lexer_line line;
    struct translation translation;
};

static const char *const kinds[] = {[TRANSLATED_KEPT] = "kept",
                                    [TRANSLATED_CHANGED] = "changed",
                                    [TRANSLATED_SAME] = "same",
                                    [TRANSLATED_LEFT_OUT] = "left_out",
                                    [TRANSLATED_ATTENTION] = "attention"};

/* ---- writing ----------------------------------------------------------------------------------------------- */

/* The part that the context's lines go to, with the lines that say where it is. */
static FILE *part_of(struct reading *r)
{
    const struct context *c = &r->stack[r->depth];
    unsigned which = c->criteria[0] || c->is_dead ? 1 : 0;
    FILE *out = r->parts[which];
    if (!r->last_file[which] || strcmp(r->last_file[which], c->file) != 0) {
        free(r->last_file[which]);
        r->last_file[which] = strdup(c->file);
        char name[SOURCE_NAME_MAX + 1];
        snprintf(name, sizeof name, "%s", c->file);
        token_clean(name, strlen(name), false); /* one that is no line must not become some */
        fprintf(out, "\n# %s\n", name);
    }
    if (which == 1 && !c->is_dead && strcmp(r->last_criteria, c->criteria) != 0) {
        snprintf(r->last_criteria, sizeof r->last_criteria, "%s", c->criteria);
        fprintf(out, "Match %s\n", c->criteria);
    }
    return out;
}

static void shown(const struct lexer_line *line, char text[VALUE_SHOWN_MAX + 8])
{
    int size = (int)(line->rest_end - line->rest);
    snprintf(text, VALUE_SHOWN_MAX + 8, "%.100s %.*s%s", line->keyword, size < 180 ? size : 180, line->rest,
             size < 180 ? "" : " ...");
    token_clean(text, strlen(text), false);
}

static void note(struct reading *r, uint32_t number, const char *value, const struct translation *t)
{
    json_t *row = found_add_object(json_object_get(r->import->found, "notes"));
    found_set_string(row, "kind", kinds[t->kind]);
    found_set_string(row, "file", r->stack[r->depth].file);
    found_set_number(row, "line", number);
    found_set_string(row, "text", value);
    found_set_string(row, "why", t->why);
}

static const char *heading(const struct translation *t)
{
    if (t->kind == TRANSLATED_CHANGED)
        return "changed";
    if (t->kind == TRANSLATED_LEFT_OUT)
        return "left out";
    return t->text[0] ? "ATTENTION" : "ATTENTION, left out";
}

/* A line, or a comment in its place. number 0: there was none. */
static void translation_write(struct reading *r, uint32_t number)
{
    const struct translation *t = &r->translation;
    FILE *out = part_of(r);
    const char *indent = r->stack[r->depth].criteria[0] ? "    " : "";
    char value[VALUE_SHOWN_MAX + 8];
    r->import->counts[t->kind]++;
    if (t->kind == TRANSLATED_KEPT) {
        fprintf(out, "%s%s\n", indent, t->text);
        return;
    }
    shown(&r->line, value);
    note(r, number, value, t);
    if (t->kind == TRANSLATED_SAME)
        fprintf(out, "%s# %s: %s\n", indent, value, t->why);
    else if (number == 0)
        fprintf(out, "# ATTENTION: %s: %s\n", value, t->why);
    else
        fprintf(out, "%s# %s, line %u: %s: %s\n", indent, heading(t), number, value, t->why);
    if (t->text[0])
        fprintf(out, "%s%s\n", indent, t->text);
}

/* ---- host keys --------------------------------------------------------------------------------------------- */

static bool label_is_taken(const struct import *import, const char *label)
{
    for (size_t i = 0; i < import->key_count; i++)
        if (strcmp(import->keys[i].label, label) == 0)
            return true;
    return false;
}

/* The file's name, which is nothing but letters, digits and what URIs and shells take as it is. */
static void label_make(const struct import *import, const char *path, char label[64])
{
    char base[48];
    const char *slash = strrchr(path, '/');
    snprintf(base, sizeof base, "%s", slash ? slash + 1 : path);
    for (char *at = base; *at; at++)
        if (!isalnum((unsigned char)*at) && !strchr("._-", *at))
            *at = '_';
    snprintf(label, 64, "%s", base[0] ? base : "host");
    for (unsigned i = 2; label_is_taken(import, label); i++)
        snprintf(label, 64, "%s-%u", base, i);
}

static bool key_add(struct import *import, const char *path)
{
    for (size_t i = 0; i < import->key_count; i++)
        if (strcmp(import->keys[i].path, path) == 0)
            return true;
    if (import->key_count == IMPORT_KEYS_MAX)
        return false;
    struct import_key *key = &import->keys[import->key_count];
    label_make(import, path, key->label);
    snprintf(key->path, sizeof key->path, "%s", path);
    import->key_count++;
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), length = strlen(end);
    return size >= length && strcmp(text + size - length, end) == 0;
}

/* The keys stand in front of everything, in the order of their lines. */
static void host_key_translate(struct reading *r)
{
    struct translation *t = &r->translation;
    const char *path = r->line.count == 1 ? r->line.arguments[0] : "";
    r->import->keys_are_said = true;
    *t = (struct translation){.kind = TRANSLATED_LEFT_OUT};
    if (path[0] != '/' || strlen(path) > SOURCE_NAME_MAX)
        snprintf(t->why, sizeof t->why, "expected the absolute path of a key's file");
    else if (ends_with(path, ".pub"))
        snprintf(t->why, sizeof t->why,
                 "this is the public half, and an agent has the other one; if that is in a token, name it: "
                 "HostKey "
                 "pkcs11:token=...;object=...");
    else if (strstr(path, "_dsa_key"))
        snprintf(t->why, sizeof t->why, "DSA is too weak; clients have to learn another key");
    else if (!key_add(r->import, path))
        snprintf(t->why, sizeof t->why, "more than %u host keys", IMPORT_KEYS_MAX);
    else {
        t->kind = TRANSLATED_CHANGED;
        snprintf(t->why, sizeof t->why, "host keys live in a token; it is among those at the beginning");
    }
}

void import_default_keys(struct import *import)
{
    static const char *const paths[] = {"/etc/ssh/ssh_host_rsa_key", "/etc/ssh/ssh_host_ecdsa_key",
                                        "/etc/ssh/ssh_host_ed25519_key"};
    for (unsigned all = 0; all < 2 && import->key_count == 0; all++)
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
            char path[SOURCE_NAME_MAX + 64];
            snprintf(path, sizeof path, "%s%s", import->root, paths[i]);
            if (all || access(path, F_OK) == 0)
                (void)key_add(import, paths[i]);
        }
}

/* ---- lines ------------------------------------------------------------------------------------------------- */

/* A certificate has to be there, for the server reads it with its configuration. */
static void certificate_check(struct reading *r)
{
    struct translation *t = &r->translation;
    char path[2 * SOURCE_NAME_MAX];
    if (t->kind != TRANSLATED_KEPT || strcasecmp(r->line.keyword, "HostCertificate") != 0)
        return;
    snprintf(path, sizeof path, "%s%s", r->import->root, r->line.arguments[0]);
    if (strcmp(r->line.arguments[0], "none") == 0 || access(path, R_OK) == 0)
        return;
    snprintf(t->why, sizeof t->why, "the file cannot be read: %s", strerror(errno));
    t->kind = TRANSLATED_LEFT_OUT;
    t->text[0] = 0;
}

static void line_translate(struct reading *r, uint32_t number)
{
    const struct context *c = &r->stack[r->depth];
    struct translation *t = &r->translation;
    if (c->is_dead) {
        *t = (struct translation){.kind = config_restricts(r->line.keyword) ? TRANSLATED_ATTENTION
                                                                            : TRANSLATED_LEFT_OUT};
        snprintf(t->why, sizeof t->why, "its Match block is left out");
    } else if (strcasecmp(r->line.keyword, "HostKey") == 0 && !c->criteria[0]) {
        host_key_translate(r);
    } else {
        config_translate(&r->line, c->criteria[0] != 0, t);
        certificate_check(r);
    }
    if (t->kind == TRANSLATED_KEPT && strcasecmp(r->line.keyword, "PAMServiceName") == 0)
        r->import->has_pam_service = true;
    if (strcasecmp(r->line.keyword, "UsePAM") == 0)
        r->import->pam_is_said = true;
    translation_write(r, number);
}

/* What sshd does by itself, and this server never. */
static void pam_default_note(struct reading *r)
{
    const char *unused;
    r->stack[0] = (struct context){.file = r->import->file};
    r->depth = 0;
    r->translation = (struct translation){.kind = TRANSLATED_ATTENTION};
    snprintf(
        r->translation.why, sizeof r->translation.why,
        "so it is to sshd where no line says otherwise; here PAM always decides about accounts and "
        "passwords: keyboard-interactive may ask for a password, and a key may do for an account that is "
        "locked");
    if (lexer_split(sp_text("UsePAM no"), &r->line, &unused) == 0)
        translation_write(r, 0);
}

/* Of a Match in an included file the criteria of both have to hold. */
static void match_enter(struct reading *r, uint32_t number)
{
    struct context *c = &r->stack[r->depth];
    const struct context *around = r->depth != 0 ? &r->stack[r->depth - 1] : NULL;
    struct translation *t = &r->translation;
    char criteria[LEXER_LINE_MAX + 1];
    bool has_outer = around && around->criteria[0] && strcasecmp(around->criteria, "all") != 0;
    bool is_all = r->line.count == 1 && strcasecmp(r->line.arguments[0], "all") == 0;
    *t = (struct translation){.kind = TRANSLATED_ATTENTION};
    c->is_dead = around && around->is_dead;
    bool fits = config_match_fits(&r->line, t->why, sizeof t->why);
    int size = snprintf(criteria, sizeof criteria, "%s%s%.*s", has_outer ? around->criteria : "",
                        has_outer && !is_all ? " " : "",
                        has_outer && is_all ? 0 : (int)(r->line.rest_end - r->line.rest), r->line.rest);
    if (fits && !c->is_dead && size < (int)sizeof criteria - 16) {
        snprintf(c->criteria, sizeof c->criteria, "%s", criteria);
        r->last_criteria[0] = 0; /* a block of its own, also if it is like the one before */
        (void)part_of(r);
        return;
    }
    if (fits)
        snprintf(t->why, sizeof t->why, "%s", c->is_dead ? "its Match block is left out" : "it is too long");
    c->criteria[0] = 0;
    c->is_dead = true;
    translation_write(r, number);
}

static int entry_take(struct reading *r, const struct source_entry *entry)
{
    const char *why;
    if (entry->kind == SOURCE_BEGIN) {
        if (entry->line != 0) {
            if (r->depth + 1 == ARRAY_SIZE(r->stack))
                return -E2BIG;
            r->stack[r->depth + 1] = r->stack[r->depth];
            r->depth++;
        }
        r->stack[r->depth].file = entry->text;
    } else if (entry->kind == SOURCE_END) {
        r->depth -= r->depth != 0;
    } else if (lexer_split(sp_text(entry->text), &r->line, &why) == 0) {
        if (strcasecmp(r->line.keyword, "Match") == 0)
            match_enter(r, entry->line);
        else
            line_translate(r, entry->line);
    }
    return 0;
}

int import_lines(struct import *import, const struct config_source *source)
{
    CLEANUP_FREE struct reading *r = calloc(1, sizeof *r);
    size_t sizes[2];
    if (!r || !found_make_array(import->found, "notes"))
        return ctl_fail("out of memory");
    r->import = import;
    r->stack[0].file = import->file;
    r->parts[0] = open_memstream(&import->global, &sizes[0]);
    r->parts[1] = open_memstream(&import->blocks, &sizes[1]);
    int status = r->parts[0] && r->parts[1] ? 0 : -ENOMEM;
    for (size_t i = 0; status == 0 && i < source->count; i++)
        status = entry_take(r, &source->entries[i]);
    if (status == 0 && !import->pam_is_said)
        pam_default_note(r);
    for (unsigned i = 0; i < 2; i++) {
        if (r->parts[i] && (ferror(r->parts[i]) | fclose(r->parts[i])) && status == 0)
            status = -ENOMEM;
        free(r->last_file[i]);
    }
    return status ? ctl_fail("%s: %s", import->file, strerror(-status)) : 0;
}

void import_free(struct import *import)
{
    free(import->global);
    free(import->blocks);
}
