/* `sallyport key list`. Input: the token's private keys. Output: what each is, and which the configuration means. */
#include <stdio.h>

#include "ctl/key_found.h"

int key_list_work(struct token_run *run, json_t *found)
{
    CLEANUP_FREE struct key_table *table = NULL;
    int r = token_set(run, found);
    if (r == 0)
        r = keys_load(run, &table);
    if (r)
        return r;
    json_t *list = found_make_array(found, "keys");
    for (size_t i = 0; i < table->count; i++) {
        json_t *row = found_add_object(list);
        key_describe(run, &table->keys[i], row);
        key_describe_attributes(&table->keys[i], row);
        if (run->setup.config)
            found_set_bool(row, "configured", table->configured[i]);
    }
    return CTL_OK;
}

static void row_show(const json_t *row)
{
    if (*found_get(row, "why")) {
        printf("%-16s of no use as a host key: %s\n", found_get(row, "label"), found_get(row, "why"));
        return;
    }
    printf("%-16s %s, %lld bits, %s%s\n", found_get(row, "label"), found_get(row, "type"),
           (long long)found_number(row, "bits"), found_get(row, "fingerprint"),
           found_is(row, "configured") ? ", in use" : "");
    printf("    sensitive %s, never extractable %s, extractable %s, local %s, signs %s, decrypts %s\n",
           key_word(row, "sensitive"), key_word(row, "never_extractable"), key_word(row, "extractable"),
           key_word(row, "local"), key_word(row, "sign"), key_word(row, "decrypt"));
    printf("    %s\n", found_get(row, "uri"));
}

void key_list_show(const struct token_run *run, const json_t *found)
{
    const json_t *token = json_object_get(found, "token"), *list = json_object_get(found, "keys");
    printf("token \"%s\", serial %s, model %s: %zu key%s\n", found_get(token, "label"),
           found_get(token, "serial"), found_get(token, "model"), json_array_size(list),
           json_array_size(list) == 1 ? "" : "s");
    for (size_t i = 0; i < json_array_size(list); i++)
        row_show(json_array_get(list, i));
}
