/* signer/policy_trust.c: configurations under trust anchors, from real files that the real ssh-keygen has signed. */
#include "../policy/workshop.h"

#include <errno.h>
#include <sys/stat.h>

#include <sallyport/wire.h>

#include "policy/builtin.h"
#include "signer/generation.h"
#include "signer/policy_trust.h"

#define NOW 1800000000 /* 2027-01-15 */

static struct workshop shop;
static struct policy_anchors *anchors;

static struct policy_anchors *anchors_for(const char *policy)
{
    char path[128], why[1024] = "";
    struct policy_anchors *opened = NULL;
    snprintf(path, sizeof path, "%s/signers", shop.directory);
    int r = policy_trust_open(path, policy, &opened, why, sizeof why);
    assert_string_equal(why, "");
    assert_int_equal(r, 0);
    return opened;
}

static void tell(struct policy_anchors *a, bool usable, const char *why, const struct serials *serials)
{
    static uint8_t room[SERIALS_PACKED_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    char text[1025];
    assert_int_equal(serials_pack(serials, &out), 0);
    const struct msg_policy_serials message = {
        .usable = usable, .why = sp_text(why), .serials = sp_written(&out)};
    assert_int_equal(policy_trust_remember(a, &message, text, sizeof text), 0);
    assert_string_equal(text, why);
}

static const struct serials nothing = {.count = 0};

static int enter(void **state)
{
    workshop_open(&shop);
    workshop_run(&shop,
                 "ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -q -t ed25519 -N '' -f stranger &&"
                 " printf 'site %%s\\n' \"$(cat key.pub)\" >signers && mkdir p");
    anchors = anchors_for("");
    tell(anchors, true, "", &nothing);
    return 0;
}

static int leave(void **state)
{
    policy_trust_close(anchors);
    workshop_close(&shop);
    return 0;
}

/* ---- configurations ---------------------------------------------------------------------------------------------- */

/* A signed file: its name, its serial and what else it says. */
static void policy_write(const char *name, unsigned serial, const char *rest)
{
    char text[1024], file[64];
    snprintf(text, sizeof text, "Name %s\nSerial %u\n%s", name, serial, rest);
    snprintf(file, sizeof file, "p/%s.policy", name);
    workshop_write(&shop, file, text);
    workshop_run(&shop, "rm -f %s.sig; ssh-keygen -Y sign -n sallyport-policy -f key %s", file, file);
}

static void policies_remove(void)
{
    workshop_run(&shop, "rm -f p/*");
}

static int accept_by(const struct policy_anchors *a, const char *lines, struct serials *accepted, char *why,
                     size_t size)
{
    char text[2048], path[128];
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {{0}};
    snprintf(text, sizeof text, "HostKey pkcs11:object=x\nPolicyDirectory %s/p\n%s\n", shop.directory, lines);
    workshop_write(&shop, "conf", text);
    snprintf(path, sizeof path, "%s/conf", shop.directory);
    int r = config_source_read(path, &source, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(r, 0);
    assert_int_equal(config_evaluate(source, &(struct config_who){0}, &config, &error), 0);
    why[0] = 0;
    r = policy_trust_accept(a, source, config, NOW, accepted, why, size);
    config_free(config);
    config_source_free(source);
    return r;
}

static void assert_accepted(const char *lines)
{
    static struct serials accepted;
    char why[2048];
    int r = accept_by(anchors, lines, &accepted, why, sizeof why);
    assert_string_equal(why, "");
    assert_int_equal(r, 0);
    assert_int_equal(anchors->serials.count, 0); /* nothing is remembered before it is in force */
}

static void assert_refused_by(const struct policy_anchors *a, const char *lines, const char *words)
{
    static struct serials accepted;
    char why[2048];
    assert_int_equal(accept_by(a, lines, &accepted, why, sizeof why), POLICY_TRUST_E_REFUSED);
    if (!strstr(why, words))
        fail_msg("\"%s\" is not in \"%s\"", words, why);
}

static void assert_refused(const char *lines, const char *words)
{
    assert_refused_by(anchors, lines, words);
}

static void a_signed_policy_is_accepted_with_its_serial(void **state)
{
    static struct serials accepted;
    char why[2048];
    policies_remove();
    policy_write("SITE", 7, "Inherit BASE\nRequiredRSASize 3072\n");
    policy_write("BASE", 3, "Inherit DEFAULT\n");
    assert_int_equal(accept_by(anchors, "Policy SITE", &accepted, why, sizeof why), 0);
    assert_int_equal(accepted.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(accepted.items[i].serial, strcmp(accepted.items[i].name, "SITE") == 0 ? 7 : 3);
}

static void every_file_needs_a_signature(void **state)
{
    policies_remove();
    policy_write("SITE", 7, "Inherit BASE\n");
    policy_write("BASE", 3, "Inherit DEFAULT\n");
    policy_write("LOCAL", 1, "SubPolicy yes\nRequiredRSASize 3072\n");
    assert_accepted("Policy SITE:LOCAL");
    workshop_run(&shop, "mv p/BASE.policy.sig kept");
    assert_refused("Policy SITE:LOCAL", "p/BASE.policy is not signed");
    workshop_run(&shop, "mv kept p/BASE.policy.sig && mv p/LOCAL.policy.sig kept");
    assert_refused("Policy SITE:LOCAL", "p/LOCAL.policy is not signed");
    assert_accepted("Policy SITE"); /* one that is not used does not matter */
    assert_refused("Policy SITE\nMatch Address 192.0.2.1\nPolicy SITE:LOCAL", "p/LOCAL.policy is not signed");
    workshop_run(&shop, "mv kept p/LOCAL.policy.sig && printf '#\\n' >>p/SITE.policy");
    assert_refused("Policy SITE", "p/SITE.policy.sig: it is no signature of this file");
    workshop_run(&shop,
                 "rm p/SITE.policy.sig; ssh-keygen -Y sign -n sallyport-policy -f stranger p/SITE.policy");
    assert_refused("Policy SITE", "does not name");
    workshop_run(&shop, "rm p/SITE.policy.sig; ssh-keygen -Y sign -n file -f key p/SITE.policy");
    assert_refused("Policy SITE", "namespace \"file\"");
}

static void one_signed_policy_is_not_taken_for_another(void **state)
{
    policies_remove();
    policy_write("LAX", 9, "Inherit DEFAULT\n");
    policy_write("SITE", 7, "Inherit DEFAULT\nRequiredRSASize 3072\n");
    workshop_run(&shop, "cp p/LAX.policy p/SITE.policy && cp p/LAX.policy.sig p/SITE.policy.sig");
    assert_refused("Policy SITE", "p/SITE.policy line 1: the signed text is that of policy LAX");
}

static void the_programs_own_policy_is_not_a_way_out(void **state)
{
    policies_remove();
    policy_write("SITE", 7, "Inherit DEFAULT\n");
    policy_write("LOCAL", 1, "SubPolicy yes\nRequiredRSASize 3072\n");
    assert_refused("", "there is no Policy");
    assert_refused("Policy DEFAULT", "Policy DEFAULT: nobody has signed it");
    assert_accepted("Policy DEFAULT:LOCAL");
    assert_refused("Policy DEFAULT:LOCAL\nMatch Address 192.0.2.1\nPolicy DEFAULT",
                   "Policy DEFAULT: nobody has signed it");
    /* Called as the program's own one, and not what it is. */
    workshop_write(&shop, "p/DEFAULT.policy", "KexAlgorithms curve25519-sha256\n");
    assert_refused("Policy SITE", "p/DEFAULT.policy is not signed");
    policy_write("DEFAULT", 1, "KexAlgorithms curve25519-sha256\n");
    assert_refused("KexAlgorithms +ecdh-sha2-nistp256", "there is no Policy");
}

static void write_the_programs_own(void)
{
    CLEANUP_FREE char *text = calloc(1, builtin_default.text.size + 1);
    assert_non_null(text);
    memcpy(text, builtin_default.text.data, builtin_default.text.size);
    workshop_write(&shop, "p/DEFAULT.policy", text);
}

static void a_shipped_copy_of_the_programs_own_policy_needs_no_signature(void **state)
{
    static struct serials accepted;
    char why[2048];
    policies_remove();
    policy_write("SITE", 7, "Inherit DEFAULT\n");
    write_the_programs_own();
    assert_int_equal(accept_by(anchors, "Policy SITE", &accepted, why, sizeof why), 0);
    assert_int_equal(accepted.count, 1);
}

#define SITES_OWN                                                                                            \
    "KexAlgorithms curve25519-sha256\nHostKeyAlgorithms ssh-ed25519\nCiphers aes256-gcm@openssh.com\n"       \
    "MACs hmac-sha2-256\nCompressionAlgorithms none\nPubkeyAcceptedAlgorithms ssh-ed25519\n"                 \
    "CASignatureAlgorithms ssh-ed25519\n"

/* The program has one of that name, which stands in for a file that is missing. */
static void a_sites_own_default_cannot_be_taken_away(void **state)
{
    static struct serials accepted;
    static const char words[] =
        "policy DEFAULT: this machine has accepted the site's own with Serial 4 before";
    char why[2048];
    struct policy_anchors *a = anchors_for("");
    policies_remove();
    policy_write("LOCAL", 1, "SubPolicy yes\nRequiredRSASize 3072\n");
    policy_write("BASE", 3, "Inherit DEFAULT\n");
    policy_write("SITE", 7, "Inherit BASE\n");
    policy_write("WHOLE", 1, SITES_OWN);
    policy_write("DEFAULT", 4, SITES_OWN);
    assert_int_equal(accept_by(anchors, "Policy SITE", &accepted, why, sizeof why), 0);
    assert_int_equal(accepted.count, 3);
    tell(a, true, "", &accepted);
    assert_int_equal(accept_by(a, "Policy SITE", &accepted, why, sizeof why), 0);
    workshop_run(&shop, "rm p/DEFAULT.policy p/DEFAULT.policy.sig");
    assert_refused_by(a, "Policy SITE", words);
    assert_refused_by(a, "Policy BASE", words);
    assert_refused_by(a, "Policy DEFAULT:LOCAL", words);
    assert_refused_by(a, "Policy WHOLE\nMatch Address 192.0.2.1\nPolicy DEFAULT:LOCAL", words);
    assert_int_equal(accept_by(a, "Policy WHOLE", &accepted, why, sizeof why), 0); /* does without one */
    write_the_programs_own();
    assert_refused_by(a, "Policy SITE", words);
    assert_refused_by(a, "Policy DEFAULT:LOCAL", words);
    policy_write("DEFAULT", 3, SITES_OWN);
    assert_refused_by(a, "Policy SITE", "policy DEFAULT: its Serial 3 is older than 4");
    policy_write("DEFAULT", 5, SITES_OWN);
    assert_int_equal(accept_by(a, "Policy SITE", &accepted, why, sizeof why), 0);
    policy_trust_close(a);
}

static void the_configuration_may_not_loosen_it(void **state)
{
    policies_remove();
    policy_write("SITE", 7,
                 "Inherit DEFAULT\nKexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org\n");
    policy_write("WIDE", 1, "Inherit DEFAULT\n");
    assert_accepted("Policy SITE\nKexAlgorithms -curve25519-sha256@libssh.org");
    assert_refused("Policy SITE\nKexAlgorithms +ecdh-sha2-nistp256", "ecdh-sha2-nistp256");
    assert_refused("Policy SITE\nMatch Address 192.0.2.1\nPolicy WIDE", "/conf line 5");
    assert_refused("Policy SITE\nMatch User root\nPubkeyAcceptedAlgorithms +ssh-rsa", "/conf line 5");
    policy_write("SITE", 8, "Inherit DEFAULT\nKexAlgorithms curve25519-sha256\nAllowLoosening yes\n");
    assert_accepted("Policy SITE\nKexAlgorithms +ecdh-sha2-nistp256");
}

static void another_policy_than_the_chosen_one_is_refused(void **state)
{
    static struct serials accepted;
    char why[2048];
    struct policy_anchors *a = anchors_for("SITE");
    tell(a, true, "", &nothing);
    policies_remove();
    policy_write("SITE", 7, "Inherit DEFAULT\n");
    policy_write("LAX", 1, "Inherit DEFAULT\n");
    policy_write("LOCAL", 1, "SubPolicy yes\nRequiredRSASize 3072\n");
    assert_int_equal(accept_by(a, "Policy SITE", &accepted, why, sizeof why), 0);
    assert_int_equal(
        accept_by(a, "Policy SITE\nMatch Address 192.0.2.1\nPolicy SITE:LOCAL", &accepted, why, sizeof why),
        0);
    assert_refused_by(a, "Policy LAX", "Policy LAX: the signer was started for SITE");
    assert_refused_by(a, "Policy SITE:LOCAL", "Policy SITE:LOCAL: the signer was started for SITE");
    policy_trust_close(a);
}

static void an_expired_policy_is_refused(void **state)
{
    policies_remove();
    policy_write("SITE", 7, "Inherit DEFAULT\nExpires 2027-01-14\n");
    assert_refused("Policy SITE", "2027-01-14");
    policy_write("SITE", 7, "Inherit DEFAULT\nExpires 2027-01-15\n");
    assert_accepted("Policy SITE");
}

static void serials_do_not_go_backwards(void **state)
{
    static struct serials seven;
    char why[2048];
    struct policy_anchors *a = anchors_for("");
    tell(a, true, "", &nothing);
    policies_remove();
    policy_write("SITE", 7, "Inherit DEFAULT\n");
    assert_int_equal(accept_by(a, "Policy SITE", &seven, why, sizeof why), 0);
    tell(a, true, "", &seven);
    assert_int_equal(a->serials.count, 1);
    assert_int_equal(accept_by(a, "Policy SITE", &seven, why, sizeof why), 0); /* the same once more */
    policy_write("SITE", 7, "Inherit DEFAULT\n# changed\n");
    assert_refused_by(a, "Policy SITE", "another text with Serial 7");
    policy_write("SITE", 6, "Inherit DEFAULT\n");
    assert_refused_by(a, "Policy SITE", "Serial 6 is older than 7");
    policy_write("SITE", 8, "Inherit DEFAULT\n");
    assert_int_equal(accept_by(a, "Policy SITE", &seven, why, sizeof why), 0);
    assert_int_equal(a->serials.items[0].serial, 7);
    tell(a, true, "", &seven);
    tell(a, true, "", &nothing); /* a late answer to less takes nothing back */
    assert_int_equal(a->serials.items[0].serial, 8);
    policy_trust_close(a);
}

static void nothing_is_accepted_while_the_memory_is_not_known(void **state)
{
    struct policy_anchors *a = anchors_for("");
    policies_remove();
    policy_write("SITE", 7, "Inherit DEFAULT\n");
    assert_refused_by(a, "Policy SITE", "what was accepted before is not known yet");
    tell(a, false, "/var/lib/x/policy-serials: the file is damaged", &nothing);
    assert_refused_by(a, "Policy SITE", "/var/lib/x/policy-serials: the file is damaged");
    char text[1025];
    assert_int_equal(
        policy_trust_remember(a, &(struct msg_policy_serials){.usable = false}, text, sizeof text), 0);
    assert_refused_by(a, "Policy SITE", "what was accepted before is not known");
    policy_trust_close(a);
}

/* What is not on the disk is forgotten with the signer: nothing newer is begun until it is. */
static void nothing_is_accepted_until_what_was_can_be_written(void **state)
{
    static struct serials accepted;
    char why[2048];
    struct policy_anchors *a = anchors_for("");
    policies_remove();
    policy_write("SITE", 7, "Inherit DEFAULT\n");
    tell(a, false, "cannot write /var/lib/x/policy-serials: No space left on device", &nothing);
    assert_refused_by(a, "Policy SITE", "No space left on device");
    tell(a, true, "", &nothing);
    assert_int_equal(accept_by(a, "Policy SITE", &accepted, why, sizeof why), 0);
    policy_trust_close(a);
}

static void a_malformed_memory_ends_the_signer(void **state)
{
    struct policy_anchors *a = anchors_for("");
    char why[64];
    const struct msg_policy_serials message = {.usable = true, .serials = sp_text("nonsense")};
    assert_int_equal(policy_trust_remember(a, &message, why, sizeof why), -EPROTO);
    assert_false(a->is_told);
    policy_trust_close(a);
}

/* ---- coming into force ------------------------------------------------------------------------------------------- */

/* A signer, and the end of its link that the spawner would have. */
static struct link spawner;

static struct signer signer_make(const struct serials *remembered)
{
    struct signer s = {.anchors = anchors_for("")};
    int fds[2];
    assert_int_equal(link_pair(fds), 0);
    link_init(&s.spawner, fds[0], ROLE_SIGNER, ROLE_SPAWNER);
    link_init(&spawner, fds[1], ROLE_SPAWNER, ROLE_SIGNER);
    tell(s.anchors, true, "", remembered);
    return s;
}

static void signer_end(struct signer *s)
{
    link_close(&spawner);
    link_close(&s->spawner);
    policy_trust_close(s->anchors);
}

static void accept(struct signer *s, const char *lines, struct serials *accepted)
{
    char why[2048];
    int r = accept_by(s->anchors, lines, accepted, why, sizeof why);
    assert_string_equal(why, "");
    assert_int_equal(r, 0);
}

static void assert_written(uint64_t serial)
{
    static struct link_inbox inbox;
    static struct serials kept;
    assert_int_equal(link_receive(&spawner, PHASE_ANY, &inbox), 0);
    assert_int_equal(inbox.row->number, MSG_policy_serial_keep);
    assert_int_equal(serials_unpack(inbox.body.policy_serial_keep.serials, &kept), 0);
    assert_int_equal(kept.items[0].serial, serial);
}

static void assert_nothing_written(void)
{
    static struct link_inbox inbox;
    assert_int_equal(link_receive(&spawner, PHASE_ANY, &inbox), LINK_E_AGAIN);
}

/* Both were accepted when 4 was the latest; then the newer one came into force first. */
static void an_older_policy_does_not_overtake_a_newer_one(void **state)
{
    static struct serials older, newer;
    char why[2048];
    struct signer s = signer_make(&nothing);
    policies_remove();
    policy_write("SITE", 5, "Inherit DEFAULT\n");
    accept(&s, "Policy SITE", &older);
    policy_write("SITE", 6, "Inherit DEFAULT\n");
    accept(&s, "Policy SITE", &newer);
    assert_int_equal(policy_trust_check(s.anchors, &older, why, sizeof why), 0);
    assert_int_equal(policy_trust_keep(&s, &newer, why, sizeof why), 0);
    assert_written(6);
    assert_int_equal(policy_trust_check(s.anchors, &older, why, sizeof why), POLICY_TRUST_E_REFUSED);
    assert_int_equal(policy_trust_keep(&s, &older, why, sizeof why), POLICY_TRUST_E_REFUSED);
    assert_non_null(strstr(why, "Serial 5 is older than 6"));
    newer.items[0].digest[0] ^= 1;
    assert_int_equal(policy_trust_keep(&s, &newer, why, sizeof why), POLICY_TRUST_E_REFUSED);
    assert_non_null(strstr(why, "another text with Serial 6"));
    assert_nothing_written();
    signer_end(&s);
}

static void what_is_in_force_is_written_once(void **state)
{
    static struct serials accepted;
    char why[2048];
    struct signer s = signer_make(&nothing);
    policies_remove();
    policy_write("SITE", 5, "Inherit DEFAULT\n");
    accept(&s, "Policy SITE", &accepted);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(policy_trust_keep(&s, &accepted, why, sizeof why), 0);
    assert_written(5);
    assert_nothing_written();
    signer_end(&s);
}

/* One of its policies is older: the other one, which is newer, does not count either. */
static void a_refused_set_of_policies_leaves_no_trace(void **state)
{
    static struct serials first, second;
    char why[2048];
    struct signer s = signer_make(&nothing);
    policies_remove();
    policy_write("BASE", 3, "Inherit DEFAULT\n");
    policy_write("SITE", 6, "Inherit BASE\n");
    accept(&s, "Policy SITE", &first);
    policy_write("BASE", 2, "Inherit DEFAULT\n");
    policy_write("SITE", 7, "Inherit BASE\n");
    accept(&s, "Policy SITE", &second);
    assert_int_equal(policy_trust_keep(&s, &first, why, sizeof why), 0);
    assert_int_equal(policy_trust_keep(&s, &second, why, sizeof why), POLICY_TRUST_E_REFUSED);
    for (size_t i = 0; i < s.anchors->serials.count; i++)
        assert_int_equal(s.anchors->serials.items[i].serial,
                         strcmp(s.anchors->serials.items[i].name, "SITE") == 0 ? 6 : 3);
    assert_int_equal(policy_trust_keep(&s, &first, why, sizeof why), 0);
    signer_end(&s);
}

/* Being ready is not being in force: somebody has to be served first. */
static void a_generation_counts_from_its_first_exchange(void **state)
{
    static struct serials older, newer;
    char why[2048];
    struct signer s = signer_make(&nothing);
    struct generation old = {.signer = &s, .id = 1, .accepted = &older};
    struct generation fresh = {.signer = &s, .id = 2, .accepted = &newer};
    struct generation unsigned_one = {.signer = &s, .id = 3};
    policies_remove();
    policy_write("SITE", 5, "Inherit DEFAULT\n");
    accept(&s, "Policy SITE", &older);
    assert_int_equal(generation_serve(&old, true, why, sizeof why), 0);
    assert_written(5);
    policy_write("SITE", 6, "Inherit DEFAULT\n");
    accept(&s, "Policy SITE", &newer);
    assert_int_equal(generation_serve(&old, true, why, sizeof why), 0);    /* the newer is not in force */
    assert_int_equal(generation_serve(&fresh, false, why, sizeof why), 0); /* nor by a later exchange */
    assert_nothing_written();
    assert_int_equal(generation_serve(&fresh, true, why, sizeof why), 0);
    assert_written(6);
    /* Who is connected goes on; nobody begins. */
    assert_int_equal(generation_serve(&old, false, why, sizeof why), 0);
    assert_int_equal(generation_serve(&old, true, why, sizeof why), POLICY_TRUST_E_REFUSED);
    assert_non_null(strstr(why, "Serial 5 is older than 6"));
    assert_int_equal(generation_serve(&unsigned_one, true, why, sizeof why), 0);
    assert_nothing_written();
    signer_end(&s);
}

/* ---- the anchors ------------------------------------------------------------------------------------------------- */

static void assert_not_opened(const char *path, const char *words)
{
    struct policy_anchors *opened = NULL;
    char why[1024] = "";
    assert_int_equal(policy_trust_open(path, "", &opened, why, sizeof why), POLICY_TRUST_E_REFUSED);
    if (!strstr(why, words))
        fail_msg("\"%s\" is not in \"%s\"", words, why);
    assert_null(opened);
}

static void anchors_must_be_roots(void **state)
{
    char path[128];
    snprintf(path, sizeof path, "%s/signers", shop.directory);
    assert_int_equal(chmod(path, 0664), 0);
    assert_not_opened(path, "PolicyTrust");
    assert_not_opened(path, "must belong to root");
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(chmod(shop.directory, 0777), 0);
    assert_not_opened(path, "others than root can change this directory");
    assert_int_equal(chmod(shop.directory, 0700), 0);
    assert_not_opened("signers", "must be absolute");
    assert_not_opened("/etc/no-such-file", "No such file");
    assert_not_opened("/etc", "no regular file");
    snprintf(path, sizeof path, "%s/key", shop.directory);
    assert_not_opened(path, "line 1: expected");
}

static void an_odd_keyword_is_noticed(void **state)
{
    const struct {
        struct policy_anchors *anchors;
        const char *keyword, *words;
    } rows[] = {
        {NULL, "none", NULL},
        {NULL, "/etc/signers", "started without"},
        {anchors, "none", "started with one"},
        {anchors, "/etc/signers", "another file"},
        {anchors, anchors->path, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[128];
        snprintf(text, sizeof text, "%s", rows[i].keyword);
        const struct config config = {.policy_trust = text};
        const char *oddity = policy_trust_oddity(rows[i].anchors, &config);
        assert_int_equal(oddity != NULL, rows[i].words != NULL);
        if (oddity)
            assert_non_null(strstr(oddity, rows[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signed_policy_is_accepted_with_its_serial),
        cmocka_unit_test(every_file_needs_a_signature),
        cmocka_unit_test(one_signed_policy_is_not_taken_for_another),
        cmocka_unit_test(the_programs_own_policy_is_not_a_way_out),
        cmocka_unit_test(a_shipped_copy_of_the_programs_own_policy_needs_no_signature),
        cmocka_unit_test(a_sites_own_default_cannot_be_taken_away),
        cmocka_unit_test(the_configuration_may_not_loosen_it),
        cmocka_unit_test(another_policy_than_the_chosen_one_is_refused),
        cmocka_unit_test(an_expired_policy_is_refused),
        cmocka_unit_test(serials_do_not_go_backwards),
        cmocka_unit_test(nothing_is_accepted_while_the_memory_is_not_known),
        cmocka_unit_test(nothing_is_accepted_until_what_was_can_be_written),
        cmocka_unit_test(a_malformed_memory_ends_the_signer),
        cmocka_unit_test(an_older_policy_does_not_overtake_a_newer_one),
        cmocka_unit_test(what_is_in_force_is_written_once),
        cmocka_unit_test(a_refused_set_of_policies_leaves_no_trace),
        cmocka_unit_test(a_generation_counts_from_its_first_exchange),
        cmocka_unit_test(anchors_must_be_roots),
        cmocka_unit_test(an_odd_keyword_is_noticed),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
