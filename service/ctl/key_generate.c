/* `sallyport key generate`. Input: a type and a label. Output: a key that has never been outside the token. */
#include <stdio.h>
#include <string.h>

#include "ctl/key_found.h"

static const struct {
    const char *name;
    enum sp_key_make make;
    unsigned bits;
} types[] = {
    {"ed25519", SP_MAKE_ED25519, 0}, {"ecdsa-p256", SP_MAKE_P256, 0}, {"ecdsa-p384", SP_MAKE_P384, 0},
    {"ecdsa-p521", SP_MAKE_P521, 0}, {"rsa-2048", SP_MAKE_RSA, 2048}, {"rsa-3072", SP_MAKE_RSA, 3072},
    {"rsa-4096", SP_MAKE_RSA, 4096},
};

static int type_find(const char *name, size_t *index)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (name && strcmp(types[i].name, name) == 0) {
            *index = i;
            return 0;
        }
    return ctl_misuse("--type: expected ed25519, ecdsa-p256, ecdsa-p384, ecdsa-p521, rsa-2048, rsa-3072 or "
                      "rsa-4096%s%s",
                      name ? ", got " : "", name ? name : "");
}

int key_generate_before(struct token_run *run, json_t *found)
{
    size_t index;
    int r = type_find(run->o.type, &index);
    return r ? r : key_label_check(run);
}

int key_generate_work(struct token_run *run, json_t *found)
{
    CLEANUP_FREE struct sp_manage_key *key = calloc(1, sizeof *key);
    struct sp_hostkey_error error = {{0}};
    size_t index = 0;
    int r = key ? type_find(run->o.type, &index) : ctl_fail("out of memory");
    if (r == 0)
        r = key_label_is_free(run);
    if (r)
        return r;
    if (manage_generate(run->manage, types[index].make, types[index].bits, run->o.label, key, &error))
        return ctl_fail("a key of type %s: %s", types[index].name, error.text);
    r = key_prove(run, key);
    if (r) {
        key_unmake(run, key);
        return r;
    }
    json_t *row = found_make_object(found, "key");
    key_describe(run, key, row);
    key_describe_attributes(key, row);
    return CTL_OK;
}

void key_generate_show(const struct token_run *run, const json_t *found)
{
    key_new_show(found);
}
