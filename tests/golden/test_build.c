/* The tables that snapshots are made with, against the modules and libraries of the machine that this runs on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "golden_build.h"

/* VERSION_CODENAME of os-release(5), or "". */
static void read_codename(char name[64])
{
    char line[256];
    name[0] = '\0';
    FILE *in = fopen("/etc/os-release", "re");
    if (!in)
        return;
    while (fgets(line, sizeof line, in))
        if (sscanf(line, "VERSION_CODENAME=%63[a-z]", name) == 1)
            break;
    fclose(in);
}

static const struct distribution *distribution_here(void)
{
    char name[64];
    read_codename(name);
    for (size_t i = 0; i < DISTRIBUTIONS; i++)
        if (strcmp(distributions[i].name, name) == 0)
            return &distributions[i];
    return NULL;
}

static void exchanges_are_as_available_as_its_distributions_table_says(void **state)
{
    static struct golden_build golden;
    const struct sp_kex_info *info;
    const struct distribution *here = distribution_here();
    size_t count = 0;
    if (!here)
        skip(); /* there is no table of this distribution */
    golden_build_init(&golden, here, &tokens[TOKEN_ALL]);
    for (; (info = kex_info_at(count)) != NULL; count++) {
        bool says = sp_list_has(sp_text(golden.available[POLICY_KEX]), sp_text(info->head.name));
        bool is = !info->available || info->available();
        if (says != is)
            fail_msg("%s: the table of %s says %s", info->head.name, here->name,
                     says ? "available" : "not available");
    }
    assert_true(count > 8);
}

static void exchanges_are_post_quantum_by_the_registry_and_by_the_table_alike(void **state)
{
    static struct golden_build golden;
    const struct sp_kex_info *info;
    golden_build_init(&golden, &distributions[TRIXIE], &tokens[TOKEN_ALL]);
    for (size_t i = 0; (info = kex_info_at(i)) != NULL; i++)
        if (sp_list_has(sp_text(golden.post_quantum), sp_text(info->head.name)) != info->post_quantum)
            fail_msg("%s: the registry says %s", info->head.name,
                     info->post_quantum ? "post-quantum" : "not post-quantum");
}

static void tokens_have_every_plain_host_key_of_the_registry_and_its_certificate(void **state)
{
    static struct golden_build golden;
    const struct sp_keytype_ops *keytype;
    golden_build_init(&golden, &distributions[TRIXIE], &tokens[TOKEN_ALL]);
    for (size_t i = 0; (keytype = keytype_at(i)) != NULL; i++) {
        const char *name = keytype->head.name;
        bool is_authenticator = strncmp(name, "sk-", 3) == 0 || strncmp(name, "webauthn-", 9) == 0;
        if (sp_list_has(sp_text(golden.available[POLICY_HOST_KEY]), sp_text(name)) == is_authenticator)
            fail_msg("%s: the table says %s", name, is_authenticator ? "a host key" : "no host key");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_are_as_available_as_its_distributions_table_says),
        cmocka_unit_test(exchanges_are_post_quantum_by_the_registry_and_by_the_table_alike),
        cmocka_unit_test(tokens_have_every_plain_host_key_of_the_registry_and_its_certificate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
