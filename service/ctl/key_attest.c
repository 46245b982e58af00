/* `sallyport key attest`. Input: the token, its keys, and the server if one runs. Output: a signed statement of that for
 * auditors, or the judgement of one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/attestation.h"
#include "ctl/question.h"
#include "ctl/subject.h"
#include "ctl/write_file.h"

#define HOST_NAME_MAX_OCTETS 256u
#define NONCE_MAX 256u
#define EXPECTED_MAX 1048576u

/* ---- before ---------------------------------------------------------------------------------------------------- */

static int verify(struct token_run *run, json_t *found)
{
    CLEANUP_FREE uint8_t *data = NULL, *expected = NULL;
    size_t size = 0, expected_size = 0;
    int r = subject_read_file(run->o.verify, ATTESTATION_MAX, &data, &size);
    if (r == 0 && run->o.keys)
        r = subject_read_file(run->o.keys, EXPECTED_MAX, &expected, &expected_size);
    if (r == 0 && run->o.keys && expected_size == 0)
        r = ctl_fail("%s: there is no key in it", run->o.keys);
    run->done = true;
    return r ? r
             : attestation_verify(sp_span_of(data, size), sp_span_of(expected, expected_size), run->o.nonce,
                                  found);
}

static const json_t *current_of(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "generations");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(found_get(json_array_get(list, i), "state"), "current") == 0)
            return json_array_get(list, i);
    return NULL;
}

/* The policy of the server that runs; without one, nothing is said about it. */
static int policy_ask(const struct token_run *run, json_t *statement)
{
    const struct ctl_options o = {.socket = run->o.socket, .timeout_s = 10};
    json_t *answer = NULL;
    if (!run->o.socket && access(QUESTION_SOCKET, F_OK) < 0) {
        (void)json_object_set_new(statement, "policy", json_null());
        return 0;
    }
    int r = question_ask(&o, "running", "", &answer);
    if (r)
        return r;
    const json_t *current = current_of(answer);
    json_t *policy = found_make_object(statement, "policy");
    found_set_string(policy, "name", found_get(current, "policy"));
    found_set_string(policy, "digest", found_get(current, "digest"));
    json_decref(answer);
    return 0;
}

int key_attest_before(struct token_run *run, json_t *found)
{
    char host[HOST_NAME_MAX_OCTETS + 1] = "";
    if (run->o.verify)
        return verify(run, found);
    if (run->o.nonce && strlen(run->o.nonce) > NONCE_MAX)
        return ctl_misuse("--nonce: expected at most %u octets", NONCE_MAX);
    if (run->o.keys)
        return ctl_misuse("--keys: expected beside --verify");
    if (gethostname(host, sizeof host - 1) < 0)
        return ctl_fail("the host's name: %s", strerror(errno));
    run->given = json_object();
    found_set_string(run->given, "format", ATTESTATION_FORMAT);
    found_set_string(run->given, "version", SALLYPORT_VERSION);
    found_set_string(run->given, "host", host);
    found_set_time(run->given, "time", (int64_t)time(NULL));
    found_set_string(run->given, "nonce", run->o.nonce ? run->o.nonce : "");
    return policy_ask(run, run->given);
}

/* ---- work ------------------------------------------------------------------------------------------------------ */

static void key_state(struct token_run *run, const struct sp_manage_key *key, bool configured, json_t *row)
{
    const struct sp_keytype_ops *algorithm;
    struct sp_span blob = sp_span_of(key->blob, key->blob_size);
    key_describe(run, key, row);
    key_describe_attributes(key, row);
    json_t *names = found_make_array(row, "algorithms");
    for (size_t i = 0; (algorithm = key_algorithm(blob, i)); i++)
        found_add_string(names, algorithm->head.name);
    if (run->setup.config)
        found_set_bool(row, "configured", configured);
}

/* The text as it is signed: JSON, with a newline at its end. NULL: out of memory. */
static char *statement_text(const json_t *statement)
{
    CLEANUP_FREE char *json = json_dumps(statement, JSON_INDENT(2) | JSON_SORT_KEYS);
    char *text = NULL;
    return json && asprintf(&text, "%s\n", json) >= 0 ? text : NULL;
}

static int signatures_make(struct token_run *run, const struct key_table *table, const char *text,
                           json_t *list)
{
    char armoured[ATTESTATION_SIGNATURE_MAX], public_key[KEY_TEXT_MAX];
    int r = 0;
    for (size_t i = 0; r == 0 && i < table->count; i++) {
        const struct sp_manage_key *key = &table->keys[i];
        if (!key_algorithm(sp_span_of(key->blob, key->blob_size), 0))
            continue;
        r = attestation_sign(run, key, sp_text(text), armoured);
        if (r == 0)
            r = key_text(sp_span_of(key->blob, key->blob_size), public_key);
        if (r)
            break;
        json_t *row = found_add_object(list);
        found_set_label(row, "label", key->label);
        found_set_string(row, "key", public_key);
        found_set_string(row, "signature", armoured);
    }
    return r;
}

int key_attest_work(struct token_run *run, json_t *found)
{
    CLEANUP_FREE struct key_table *table = NULL;
    json_t *statement = run->given;
    int r = token_set(run, statement);
    if (r == 0)
        r = keys_load(run, &table);
    if (r)
        return r;
    found_set_string(json_object_get(statement, "token"), "module", run->setup.named);
    json_t *keys = found_make_array(statement, "keys");
    for (size_t i = 0; i < table->count; i++)
        if (key_algorithm(sp_span_of(table->keys[i].blob, table->keys[i].blob_size), 0))
            key_state(run, &table->keys[i], table->configured[i], found_add_object(keys));
    if (json_array_size(keys) == 0)
        return ctl_fail("the token has no key that could sign");
    CLEANUP_FREE char *text = statement_text(statement);
    if (!text)
        return ctl_fail("out of memory");
    found_set_string(found, "statement", text);
    return signatures_make(run, table, text, found_make_array(found, "signatures"));
}

/* ---- afterwards ------------------------------------------------------------------------------------------------ */

static int signature_write(const char *directory, size_t number, const json_t *row, json_t *files)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/statement.json.%zu.sig", directory, number + 1);
    int r = write_file(path, sp_text(found_get(row, "signature")));
    if (r)
        return r;
    json_t *file = found_add_object(files);
    found_set_string(file, "file", path);
    found_set_string(file, "label", found_get(row, "label"));
    return 0;
}

int key_attest_after(struct token_run *run, json_t *found)
{
    char path[PATH_MAX];
    const char *directory = run->o.output;
    const json_t *signatures = json_object_get(found, "signatures");
    if (!directory)
        return 0;
    if (strlen(directory) > PATH_MAX - 64)
        return ctl_misuse("--output: too long");
    CLEANUP_FREE char *whole = json_dumps(found, JSON_INDENT(2));
    int r = whole ? write_directory(directory) : ctl_fail("out of memory");
    snprintf(path, sizeof path, "%s/attestation.json", directory);
    if (r == 0)
        r = write_file(path, sp_text(whole));
    snprintf(path, sizeof path, "%s/statement.json", directory);
    if (r == 0)
        r = write_file(path, sp_text(found_get(found, "statement")));
    json_t *files = found_make_array(found, "files");
    for (size_t i = 0; r == 0 && i < json_array_size(signatures); i++)
        r = signature_write(directory, i, json_array_get(signatures, i), files);
    return r;
}

static void verdict_show(const struct token_run *run, const json_t *found)
{
    const json_t *keys = json_object_get(found, "keys"), *statement = json_object_get(found, "statement");
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *row = json_array_get(keys, i);
        printf("%-16s %s%s\n", found_get(row, "label"),
               found_is(row, "good") ? "signed" : "NOT GOOD: ", found_get(row, "why"));
    }
    if (!found_is(found, "good")) {
        printf("The statement is NOT good: %s\n", found_get(found, "why"));
        return;
    }
    printf("The statement of %s, made at %s, is by the keys in it.\n", found_get(statement, "host"),
           found_get(statement, "time"));
    if (!run->o.keys)
        printf("Whose keys these are was not asked: name the host's known keys with --keys FILE.\n");
}

void key_attest_show(const struct token_run *run, const json_t *found)
{
    const json_t *files = json_object_get(found, "files");
    if (run->o.verify) {
        verdict_show(run, found);
        return;
    }
    if (!run->o.output) {
        (void)json_dumpf(found, stdout, JSON_INDENT(2));
        putchar('\n');
        return;
    }
    printf("%s/attestation.json is for: sallyport key attest --verify\n", run->o.output);
    for (size_t i = 0; i < json_array_size(files); i++)
        printf("ssh-keygen -Y verify -f ALLOWED_SIGNERS -I HOST -n " ATTESTATION_NAMESPACE
               " -s %s < %s/statement.json\n",
               found_get(json_array_get(files, i), "file"), run->o.output);
}
