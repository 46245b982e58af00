/*
 * The file of signers. Input: its text, which is root's, or what an administrator wants checked. Output: a table of keys
 * and what each may sign until when. ssh-keygen(1), ALLOWED SIGNERS.
 */
#include "policy/signers.h"

#include <errno.h>
#include <strings.h>
#include <time.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"
#include "base/wildcard.h"
#include "policy/error.h"
#include "policy/source.h"

/* ---- keys and lists ---------------------------------------------------------------------------------------------- */

/* The types of keys that may sign policies: what RFC 8332 and PROTOCOL.sshsig leave of those that SSH has. */
static bool type_may_sign(struct sp_span type)
{
    static const char *const types[] = {"ssh-ed25519",
                                        "ecdsa-sha2-nistp256",
                                        "ecdsa-sha2-nistp384",
                                        "ecdsa-sha2-nistp521",
                                        "ssh-rsa",
                                        "sk-ssh-ed25519@openssh.com",
                                        "sk-ecdsa-sha2-nistp256@openssh.com"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (sp_span_is(type, types[i]))
            return true;
    return false;
}

static const struct sp_keytype_ops *keytype_of(struct sp_span type)
{
    const struct sp_keytype_ops *keytype = NULL;
    for (size_t i = 0; (keytype = keytype_at(i)) != NULL; i++)
        if (!keytype->plain && sp_span_is(type, keytype->blob_type))
            break;
    return keytype;
}

const char *signers_key_objection(struct sp_span blob)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, POLICY_NAME_MAX);
    if (in.bad || !type_may_sign(type))
        return "keys of this type cannot sign policies";
    const struct sp_keytype_ops *keytype = keytype_of(type);
    unsigned bits = 0;
    if (!keytype)
        return "keys of this type are not supported in this build";
    int r = keytype->inspect(blob, &bits);
    if (r == SP_E_REFUSED || (r == 0 && sp_span_is(type, "ssh-rsa") && bits < SIGNERS_RSA_BITS_MIN))
        return "the key is too weak or too large: RSA keys need at least 2048 bits";
    if (r != 0)
        return "the key is malformed";
    return NULL;
}

bool signers_list_has(const char *patterns, struct sp_span name)
{
    struct sp_span list = sp_text(patterns);
    bool found = false;
    while (list.size != 0) {
        struct sp_span pattern = sp_next_name(&list);
        bool negated = pattern.size != 0 && pattern.data[0] == '!';
        if (negated)
            pattern = sp_span_of(pattern.data + 1, pattern.size - 1);
        if (!wildcard_matches(name, pattern))
            continue;
        if (negated)
            return false;
        found = true;
    }
    return found;
}

/* ---- one line ---------------------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void blanks_skip(struct sp_span *text)
{
    while (text->size != 0 && is_blank(text->data[0]))
        *text = sp_span_of(text->data + 1, text->size - 1);
}

/* Up to a blank, or to `stop`, that does not stand between quotes; *open: a quote was not closed. */
static struct sp_span word_take(struct sp_span *text, char stop, bool *open)
{
    bool quoted = false;
    size_t size = 0;
    for (; size < text->size; size++) {
        uint8_t c = text->data[size];
        if (c == '\\' && quoted && size + 1 < text->size && text->data[size + 1] == '"')
            size++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (is_blank(c) || (stop && c == (uint8_t)stop)))
            break;
    }
    struct sp_span word = sp_span_of(text->data, size);
    *text = sp_span_of(text->data + size, text->size - size);
    *open = quoted;
    return word;
}

/* A copy without its quotes; a value has them around it whole or not at all. 0, POLICY_E_INVALID or -ENOMEM. */
static int value_copy(struct sp_span word, char **value)
{
    bool quoted = word.size >= 2 && word.data[0] == '"' && word.data[word.size - 1] == '"';
    if (quoted)
        word = sp_span_of(word.data + 1, word.size - 2);
    CLEANUP_FREE char *copy = malloc(word.size + 1);
    if (!copy)
        return -ENOMEM;
    size_t kept = 0;
    for (size_t i = 0; i < word.size; i++) {
        if (quoted && word.data[i] == '\\' && i + 1 < word.size && word.data[i + 1] == '"')
            i++;
        else if (word.data[i] == '"' || word.data[i] == 0)
            return POLICY_E_INVALID;
        copy[kept++] = (char)word.data[i];
    }
    copy[kept] = 0;
    if (kept == 0)
        return POLICY_E_INVALID;
    *value = TAKE(copy);
    return 0;
}

static int digits_take(const char **at, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        value = value * 10 + (**at - '0');
    }
    return value;
}

/* YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z], a moment after 1970; without Z in this machine's time zone. */
static bool time_parse(const char *text, int64_t *moment)
{
    size_t digits = strspn(text, "0123456789");
    bool is_utc = text[digits] == 'Z';
    if ((digits != 8 && digits != 12 && digits != 14) || text[digits + (is_utc ? 1 : 0)] != 0)
        return false;
    const char *at = text;
    struct tm wanted = {.tm_year = digits_take(&at, 4) - 1900, .tm_isdst = -1};
    wanted.tm_mon = digits_take(&at, 2) - 1;
    wanted.tm_mday = digits_take(&at, 2);
    wanted.tm_hour = digits > 8 ? digits_take(&at, 2) : 0;
    wanted.tm_min = digits > 8 ? digits_take(&at, 2) : 0;
    wanted.tm_sec = digits > 12 ? digits_take(&at, 2) : 0;
    struct tm made = wanted;
    time_t value = is_utc ? timegm(&made) : mktime(&made);
    /* The day alone: an hour may not exist where clocks are put forward. */
    if (value <= 0 || made.tm_mday != wanted.tm_mday || made.tm_mon != wanted.tm_mon || wanted.tm_hour > 23 ||
        wanted.tm_min > 59 || wanted.tm_sec > 59)
        return false;
    *moment = value;
    return true;
}

static int time_take(struct sp_span word, const char *name, int64_t *moment, struct policy_error *error)
{
    CLEANUP_FREE char *text = NULL;
    if (*moment != 0)
        return policy_refuse(error, NULL, "%s stands there twice", name);
    int r = value_copy(word, &text);
    if (r < 0)
        return r;
    if (r || !time_parse(text, moment))
        return policy_refuse(error, NULL, "expected %s=YYYYMMDD[Z] or YYYYMMDDHHMM[SS][Z]", name);
    return 0;
}

static bool name_take(struct sp_span *word, const char *name)
{
    size_t size = strlen(name);
    if (word->size < size || strncasecmp((const char *)word->data, name, size) != 0)
        return false;
    *word = sp_span_of(word->data + size, word->size - size);
    return true;
}

static int option_take(struct sp_span word, struct signer_line *line, struct policy_error *error)
{
    struct sp_span value = word;
    if (word.size == strlen("cert-authority") && name_take(&value, "cert-authority")) {
        line->is_authority = true;
        return 0;
    }
    if (name_take(&value, "valid-after="))
        return time_take(value, "valid-after", &line->valid_after, error);
    if (name_take(&value, "valid-before="))
        return time_take(value, "valid-before", &line->valid_before, error);
    if (!name_take(&value, "namespaces="))
        return policy_refuse(error, NULL,
                             "expected a key type, or cert-authority, namespaces=, valid-after= or "
                             "valid-before=, got \"%.*s\"",
                             (int)size_min(word.size, 100), (const char *)word.data);
    if (line->namespaces)
        return policy_refuse(error, NULL, "namespaces stands there twice");
    int r = value_copy(value, &line->namespaces);
    return r > 0 ? policy_refuse(error, NULL, "expected namespaces=\"NAME,NAME\"") : r;
}

static int options_take(struct sp_span options, struct signer_line *line, struct policy_error *error)
{
    bool open;
    for (;;) {
        int r = option_take(word_take(&options, ',', &open), line, error);
        if (r || options.size == 0)
            return r;
        options = sp_span_of(options.data + 1, options.size - 1);
    }
}

static int key_take(struct sp_span type, struct sp_span base64, struct signer_line *line,
                    struct policy_error *error)
{
    uint8_t bytes[SP_KEY_BLOB_MAX];
    struct sp_out blob = {.data = bytes, .capacity = sizeof bytes};
    if (base64.size == 0 || base64_decode(base64, &blob) != 0)
        return policy_refuse(error, NULL, "expected the key in base64 behind its type");
    struct sp_in in = sp_in_of(sp_written(&blob));
    if (!sp_span_equal(sp_get_text(&in, POLICY_NAME_MAX), type))
        return policy_refuse(error, NULL, "the key is of another type than the line says");
    const char *objection = signers_key_objection(sp_written(&blob));
    if (objection)
        return policy_refuse(error, NULL, "%s", objection);
    line->blob = malloc(blob.size);
    if (!line->blob)
        return -ENOMEM;
    memcpy(line->blob, bytes, blob.size);
    line->blob_size = blob.size;
    return 0;
}

/* *error without file and line. */
static int line_read(struct sp_span text, struct signer_line *line, struct policy_error *error)
{
    bool open;
    int r = value_copy(word_take(&text, 0, &open), &line->principals);
    if (r)
        return r > 0 ? policy_refuse(error, NULL,
                                     "expected principals, without quotes or between a pair of them")
                     : r;
    blanks_skip(&text);
    struct sp_span word = word_take(&text, 0, &open);
    if (open)
        return policy_refuse(error, NULL, "a quote is not closed");
    if (!type_may_sign(word)) {
        r = options_take(word, line, error);
        if (r)
            return r;
        blanks_skip(&text);
        word = word_take(&text, 0, &open);
        if (!type_may_sign(word))
            return policy_refuse(error, NULL, "expected a type of keys that can sign policies, got \"%.*s\"",
                                 (int)size_min(word.size, 100), (const char *)word.data);
    }
    blanks_skip(&text);
    struct sp_span base64 = word_take(&text, 0, &open);
    return key_take(word, base64, line, error);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static int line_add(struct signers *signers, unsigned number, struct sp_span text, struct policy_error *error)
{
    const struct policy_origin origin = {.file = signers->file, .line = number};
    struct policy_error what = {{0}};
    if (signers->count == SIGNERS_MAX)
        return policy_refuse(error, &origin, "more than %u signers", SIGNERS_MAX);
    struct signer_line *grown =
        realloc(signers->lines, (signers->count + 1) * sizeof *signers->lines); /* few, and read once */
    if (!grown)
        return -ENOMEM;
    signers->lines = grown;
    struct signer_line *line = &signers->lines[signers->count++];
    *line = (struct signer_line){.line = number};
    int r = line_read(text, line, &what);
    return r > 0 ? policy_refuse(error, &origin, "%.600s", what.text) : r;
}

static int lines_read(struct signers *signers, struct sp_span text, struct policy_error *error)
{
    struct sp_span line;
    for (unsigned number = 1; source_next_line(&text, &line); number++) {
        blanks_skip(&line);
        if (line.size > SIGNERS_LINE_MAX)
            return policy_refuse(error, &(struct policy_origin){.file = signers->file, .line = number},
                                 "longer than %u octets", SIGNERS_LINE_MAX);
        int r = line.size == 0 || line.data[0] == '#' ? 0 : line_add(signers, number, line, error);
        if (r)
            return r;
    }
    if (signers->count == 0)
        return policy_refuse(error, NULL, "%.300s names no signer", signers->file);
    return 0;
}

int signers_read(const char *file, struct sp_span text, struct signers **signers, struct policy_error *error)
{
    if (text.size > SIGNERS_TEXT_MAX)
        return policy_refuse(error, NULL, "%.300s is larger than %u octets", file, SIGNERS_TEXT_MAX);
    struct signers *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    fresh->file = strdup(file);
    int r = fresh->file ? lines_read(fresh, text, error) : -ENOMEM;
    if (r == 0)
        *signers = TAKE(fresh);
    signers_free(fresh);
    return r;
}

void signers_free(struct signers *signers)
{
    if (!signers)
        return;
    for (size_t i = 0; i < signers->count; i++) {
        free(signers->lines[i].principals);
        free(signers->lines[i].namespaces);
        free(signers->lines[i].blob);
    }
    free(signers->lines);
    free(signers->file);
    free(signers);
}
