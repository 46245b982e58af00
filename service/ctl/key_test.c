/* `sallyport key test`. Input: the token's keys. Output: for each and every algorithm of it, whether a signature came and
 * was good, and how long it took. */
#include <stdio.h>
#include <time.h>

#include "ctl/key_found.h"
#include "signer/proof.h"

#define ROUNDS 5u

static double now_ms(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e3 + (double)at.tv_nsec / 1e6;
}

/* The best and the worst of a few: the first one often pays for what the others share. */
static int algorithm_test(struct token_run *run, const struct sp_manage_key *key,
                          const struct sp_keytype_ops *algorithm, struct sp_span message, json_t *row)
{
    uint8_t bytes[SP_SIGNATURE_MAX];
    struct sp_hostkey_error error = {{0}};
    double best = 0, worst = 0;
    int r = 0;
    for (unsigned i = 0; r == 0 && i < ROUNDS; i++) {
        struct sp_out signature = {.data = bytes, .capacity = sizeof bytes};
        double before = now_ms();
        r = key_sign(run, key, algorithm, message, &signature, &error);
        double took = now_ms() - before;
        best = i == 0 || took < best ? took : best;
        worst = took > worst ? took : worst;
    }
    found_set_label(row, "label", key->label);
    found_set_string(row, "algorithm", algorithm->head.name);
    found_set_bool(row, "good", r == 0);
    if (r) {
        found_set_label(row, "why", error.text);
        return CTL_FINDING;
    }
    (void)json_object_set_new(row, "best_ms", json_real(best));
    (void)json_object_set_new(row, "worst_ms", json_real(worst));
    return CTL_OK;
}

static int key_tests(struct token_run *run, const struct sp_manage_key *key, struct sp_span message,
                     json_t *list)
{
    struct sp_span blob = sp_span_of(key->blob, key->blob_size);
    const struct sp_keytype_ops *algorithm;
    int status = CTL_OK;
    size_t i = 0;
    for (; blob.size != 0 && (algorithm = key_algorithm(blob, i)); i++)
        if (algorithm_test(run, key, algorithm, message, found_add_object(list)))
            status = CTL_FINDING;
    if (i != 0)
        return status;
    json_t *row = found_add_object(list);
    found_set_label(row, "label", key->label);
    found_set_string(row, "algorithm", "");
    found_set_bool(row, "good", false);
    found_set_label(row, "why", blob.size ? "no algorithm of ours is for it" : key->why);
    return CTL_FINDING;
}

int key_test_work(struct token_run *run, json_t *found)
{
    CLEANUP_FREE struct key_table *table = NULL;
    uint8_t bytes[PROOF_SIZE_MAX];
    struct sp_out message = {.data = bytes, .capacity = sizeof bytes};
    int status = CTL_OK;
    int r =
        proof_message(&message) ? ctl_fail("libcrypto does not make SHA-512 digests") : token_set(run, found);
    if (r == 0)
        r = keys_load(run, &table);
    if (r == 0)
        r = keys_check_labels(run, table);
    if (r)
        return r;
    json_t *list = found_make_array(found, "tests");
    for (size_t i = 0; i < table->count; i++)
        if (keys_wants(run, &table->keys[i]) && key_tests(run, &table->keys[i], sp_written(&message), list))
            status = CTL_FINDING;
    return json_array_size(list) ? status : ctl_fail("the token has no private key");
}

void key_test_show(const struct token_run *run, const json_t *found)
{
    const json_t *list = json_object_get(found, "tests");
    printf("%-16s %-22s %-6s %10s %10s\n", "key", "algorithm", "result", "best ms", "worst ms");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *row = json_array_get(list, i);
        printf("%-16s %-22s ", found_get(row, "label"), found_get(row, "algorithm"));
        if (found_is(row, "good"))
            printf("%-6s %10.2f %10.2f\n", "good", json_real_value(json_object_get(row, "best_ms")),
                   json_real_value(json_object_get(row, "worst_ms")));
        else
            printf("FAILED %s\n", found_get(row, "why"));
    }
}
