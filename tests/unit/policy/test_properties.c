/*
 * What must hold of any policy, tried on policies that a seeded generator writes: tightening never lets anything in,
 * comparing and resolving agree on any build, order means something only where it is said to.
 */
#include "support.h"

#include <sallyport/wire.h>

#include "base/addresses.h"

enum { ROUNDS = 400 };

static uint32_t seed;

static uint32_t random_below(uint32_t bound)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % bound;
}

static bool coin(void)
{
    return random_below(2) == 0;
}

#define NAMES_MAX 12u

static const char *const names[POLICY_KINDS][NAMES_MAX] = {
    [POLICY_KEX] = {"mlkem768x25519-sha256", "curve25519-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
                    "diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512", "curve448-sha512"},
    [POLICY_HOST_KEY] = {"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", "rsa-sha2-256", "rsa-sha2-512",
                         "rsa-sha2-512-cert-v01@openssh.com", "ecdsa-sha2-nistp256", "ssh-ed448"},
    [POLICY_CIPHER] = {"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
                       "aes128-ctr", "aes192-ctr", "aes256-ctr"},
    [POLICY_MAC] = {"hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com",
                    "hmac-sha2-512-etm@openssh.com"},
    [POLICY_COMPRESSION] = {"none", "zlib@openssh.com"},
    [POLICY_USER_KEY] = {"ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512", "ecdsa-sha2-nistp256"},
    [POLICY_CA_KEY] = {"ssh-ed25519", "rsa-sha2-512", "ecdsa-sha2-nistp384"},
};

static uint32_t count_of(enum policy_kind kind)
{
    uint32_t count = 0;
    while (count < NAMES_MAX && names[kind][count])
        count++;
    return count;
}

/* ---- texts ---- */

struct text {
    char room[8192];
    size_t size;
};

PRINTF_LIKE(2, 3) static void put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text->size += (size_t)vsnprintf(text->room + text->size, sizeof text->room - text->size, format, args);
    va_end(args);
    assert_true(text->size < sizeof text->room);
}

/* A non-empty choice in any order, perhaps with repetitions. */
static void put_names(struct text *text, enum policy_kind kind)
{
    for (uint32_t i = 0, count = 1 + random_below(count_of(kind)); i < count; i++)
        put(text, "%s%s", i == 0 ? "" : ",", names[kind][random_below(count_of(kind))]);
}

static const char *const addresses[] = {"192.0.2.1",
                                        "192.0.2.0/24",
                                        "192.0.0.0/16",
                                        "2001:db8::/32",
                                        "192.0.2.0/24,!192.0.2.1",
                                        "2001:db8::1,192.0.2.0/25"};
static const char *const dates[] = {"2027-01-01", "2027-06-30T12:00:00Z", "20280229000000Z"};

static enum policy_kind random_kind(void)
{
    return (enum policy_kind)random_below(POLICY_KINDS);
}

static void put_exception(struct text *text, enum policy_kind kind, const char *name)
{
    put(text, "%s +%s", policy_keyword(kind), name);
    uint32_t form = random_below(3);
    if (form != 0)
        put(text, " NotAfter %s", dates[random_below(ARRAY_SIZE(dates))]);
    if (form != 1)
        put(text, " Address %s", addresses[random_below(ARRAY_SIZE(addresses))]);
    put(text, "\n");
}

static void put_rule(struct text *text)
{
    static const char *const rules[] = {
        "RequiredRSASize 2048",
        "RequiredRSASize 3072",
        "RequiredRSASize 4096",
        "AllowedRSASizes 3072,4096",
        "AllowedRSASizes 4096",
        "AllowedRSASizes any",
        "RequiredECSize 384",
        "RequiredDHSize 3072",
        "RekeyLimit 1G 1h",
        "RekeyLimit 512M",
        "RekeyLimit default none",
        "RequirePostQuantum yes",
        "RequirePostQuantum no",
        "RequireStrictKex yes",
        "RequireHostCertificates yes",
        "RequireHostCertificates no",
        "RequireConstantCipher yes",
        "AllowedAuthenticationMethods publickey",
        "AllowedAuthenticationMethods publickey,password",
        "AllowedAuthenticationMethods any",
    };
    put(text, "%s\n", rules[random_below(ARRAY_SIZE(rules))]);
}

static void put_change(struct text *text)
{
    enum policy_kind kind = random_kind();
    switch (random_below(7)) {
    case 0:
    case 1:
        put_rule(text);
        break;
    case 2:
        put_exception(text, kind, names[kind][random_below(count_of(kind))]);
        break;
    default:
        put(text, "%s %c", policy_keyword(kind), "+-^-"[random_below(4)]);
        put_names(text, kind);
        put(text, "\n");
    }
}

static void put_base(struct text *text)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        put(text, "%s ", policy_keyword(kind));
        put_names(text, kind);
        put(text, "\n");
    }
    for (uint32_t i = random_below(6); i > 0; i--)
        put_change(text);
}

static struct policy *load_text(const char *text)
{
    return must_load(files_of("S.policy", text, NULL), "S");
}

/* ---- builds ---- */

struct machine {
    struct policy_build build;
    char room[POLICY_KINDS + 1][2][1024];
};

static void choose(char room[1024], enum policy_kind kind, uint32_t of_ten)
{
    size_t used = 0;
    room[0] = '\0';
    for (uint32_t i = 0; i < count_of(kind); i++)
        if (random_below(10) < of_ten)
            used += (size_t)snprintf(room + used, 1024 - used, "%s%s", used == 0 ? "" : ",", names[kind][i]);
}

static void random_machine(struct machine *machine)
{
    machine->build = (struct policy_build){.fips_provider = true};
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        choose(machine->room[kind][0], kind, 9);
        choose(machine->room[kind][1], kind, 9);
        machine->build.known[kind] = machine->room[kind][0];
        machine->build.available[kind] = machine->room[kind][1];
    }
    choose(machine->room[POLICY_KINDS][0], POLICY_KEX, 3);
    machine->build.post_quantum = machine->room[POLICY_KINDS][0];
}

static bool resolve(const struct policy *policy, const struct policy_build *build, int64_t now,
                    struct policy_effective *effective)
{
    struct policy_error error = {{0}};
    int result = policy_resolve(policy, build, now, effective, &error);
    assert_true(result == 0 || (result == POLICY_E_INVALID && error.text[0] != '\0'));
    return result == 0;
}

/* Whether somebody at this address may use the name. */
static bool lets_in(const struct policy_effective *effective, enum policy_kind kind, const char *name,
                    const char *address)
{
    if (sp_list_has(sp_text(effective->lists[kind]), sp_text(name)))
        return true;
    for (size_t i = 0; i < effective->exception_count; i++) {
        const struct policy_exception *e = &effective->exceptions[i];
        if (e->kind == kind && strcmp(e->name, name) == 0 &&
            (e->addresses[0] == '\0' || addresses_match(address, e->addresses) == 1))
            return true;
    }
    return false;
}

static const char *const people[] = {"192.0.2.1",   "192.0.2.7",   "192.0.2.200", "192.0.77.1",
                                     "2001:db8::1", "2001:db8::2", "198.51.100.1"};
static const int64_t times[] = {0,          1798804800, 1798847999, 1798848000,
                                1814356800, 1814356801, 1835395200, 1835395201};

static void assert_within(const struct policy *outer, const struct policy *inner)
{
    struct machine machine;
    struct policy_effective outside, inside;
    random_machine(&machine);
    int64_t now = times[random_below(ARRAY_SIZE(times))];
    if (!resolve(inner, &machine.build, now, &inside))
        return;
    assert_true(resolve(outer, &machine.build, now, &outside));
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        for (uint32_t i = 0; i < count_of(kind); i++)
            for (size_t who = 0; who < ARRAY_SIZE(people); who++)
                if (lets_in(&inside, kind, names[kind][i], people[who]))
                    assert_true(lets_in(&outside, kind, names[kind][i], people[who]));
}

/* ---- claims ---- */

static void what_compares_as_stricter_resolves_to_less(void **state)
{
    size_t stricter = 0;
    for (seed = 1; stricter < ROUNDS; seed++) {
        uint32_t mine = seed;
        struct text outer_text = {.size = 0}, inner_text;
        struct policy_error error;
        put_base(&outer_text);
        inner_text = outer_text;
        for (uint32_t i = 1 + random_below(3); i > 0; i--)
            put_change(coin() ? &inner_text : &outer_text);
        struct policy *outer = load_text(outer_text.room), *inner = load_text(inner_text.room);
        if (policy_compare(outer, inner, &error) == 0) {
            stricter++;
            for (int i = 0; i < 4; i++)
                assert_within(outer, inner);
        }
        policy_free(outer);
        policy_free(inner);
        seed = mine;
    }
}

/* Whom the policy lets use the name, one bit per time and address. */
static uint64_t reach_of(const struct policy *policy, enum policy_kind kind, const char *name)
{
    const struct policy_build build = whole_build();
    uint64_t reach = 0;
    for (size_t when = 1; when < ARRAY_SIZE(times); when++) {
        struct policy_effective effective;
        must_resolve(policy, &build, times[when], &effective);
        for (size_t who = 0; who < ARRAY_SIZE(people); who++)
            if (lets_in(&effective, kind, name, people[who]))
                reach |= UINT64_C(1) << (when * ARRAY_SIZE(people) + who);
    }
    return reach;
}

static void an_exception_that_compares_as_stricter_reaches_less(void **state)
{
    static const char name[] = "aes256-gcm@openssh.com";
    size_t stricter = 0, reaching = 0;
    for (uint32_t round = 1; stricter < ROUNDS; round++) {
        struct text texts[2] = {{.size = 0}, {.size = 0}};
        struct policy *policies[2];
        struct policy_error error;
        seed = round;
        for (size_t i = 0; i < 2; i++) {
            put(&texts[i], "%s", BASE);
            for (uint32_t left = 1 + random_below(2); left > 0; left--)
                put_exception(&texts[i], POLICY_CIPHER, name);
            policies[i] = load_text(texts[i].room);
        }
        if (policy_compare(policies[0], policies[1], &error) == 0) {
            uint64_t outer = reach_of(policies[0], POLICY_CIPHER, name);
            uint64_t inner = reach_of(policies[1], POLICY_CIPHER, name);
            assert_int_equal(inner & ~outer, 0);
            stricter++;
            reaching += inner != 0 && inner != outer ? 1 : 0;
        }
        policy_free(policies[0]);
        policy_free(policies[1]);
    }
    assert_true(reaching > ROUNDS / 4);
}

static void every_policy_is_within_itself_and_within_its_inheritor(void **state)
{
    for (uint32_t round = 1; round < ROUNDS; round++) {
        struct text text = {.size = 0};
        struct policy_error error;
        seed = round;
        put_base(&text);
        struct policy *one = load_text(text.room);
        struct policy *heir =
            must_load(files_of("A.policy", text.room, "S.policy", "Inherit A\n", NULL), "S");
        assert_int_equal(policy_compare(one, one, &error), 0);
        assert_int_equal(policy_compare(one, heir, &error), 0);
        assert_int_equal(policy_compare(heir, one, &error), 0);
        policy_free(one);
        policy_free(heir);
    }
}

static void a_sub_policy_without_leave_never_adds(void **state)
{
    size_t loaded = 0;
    for (uint32_t round = 1; loaded < ROUNDS; round++) {
        struct text base_text = {.size = 0}, sub_text = {.size = 0};
        struct policy *sub = NULL;
        struct policy_error error = {{0}};
        seed = round;
        put_base(&base_text);
        put(&sub_text, "SubPolicy yes\n");
        for (uint32_t i = 1 + random_below(3); i > 0; i--)
            put_change(&sub_text);
        struct policy *base = load_text(base_text.room);
        struct policy_files *files = files_of("S.policy", base_text.room, "X.policy", sub_text.room, NULL);
        int result = policy_load(files, "S:X", 0, &sub, &error);
        assert_true(result == 0 || strncmp(error.text, "X.policy line ", 14) == 0);
        if (result == 0) {
            loaded++;
            assert_int_equal(policy_compare(base, sub, &error), 0);
            for (int i = 0; i < 4; i++)
                assert_within(base, sub);
        }
        policy_free(base);
        policy_free(sub);
        policy_files_free(files);
    }
}

static char *text_on(const struct policy *policy, const struct policy_build *build, int64_t now)
{
    struct policy_effective effective;
    char *text = NULL;
    if (resolve(policy, build, now, &effective))
        assert_int_equal(policy_effective_text(&effective, &text), 0);
    return text;
}

/* Both resolve to the same text, or neither resolves. */
static void assert_same(const struct policy *one, const struct policy *other)
{
    struct machine machine;
    random_machine(&machine);
    int64_t now = times[random_below(ARRAY_SIZE(times))];
    char *a = text_on(one, &machine.build, now), *b = text_on(other, &machine.build, now);
    assert_int_equal(a != NULL, b != NULL);
    if (a)
        assert_string_equal(a, b);
    free(a);
    free(b);
}

static void the_order_in_which_files_are_added_means_nothing(void **state)
{
    for (uint32_t round = 1; round < ROUNDS; round++) {
        struct text base = {.size = 0}, site = {.size = 0}, sub = {.size = 0};
        seed = round;
        put_base(&base);
        put(&site, "Inherit A\n");
        put_change(&site);
        put(&sub, "SubPolicy yes\nAllowLoosening yes\n");
        put_change(&sub);
        struct policy *one = must_load(
            files_of("A.policy", base.room, "B.policy", site.room, "X.policy", sub.room, NULL), "B:X");
        struct policy *other = must_load(
            files_of("X.policy", sub.room, "B.policy", site.room, "A.policy", base.room, NULL), "B:X");
        assert_same(one, other);
        policy_free(one);
        policy_free(other);
    }
}

static void the_order_of_removals_means_nothing(void **state)
{
    for (uint32_t round = 1; round < ROUNDS; round++) {
        struct text forth = {.size = 0}, back, removals[3];
        seed = round;
        put_base(&forth);
        back = forth;
        for (size_t i = 0; i < 3; i++) {
            enum policy_kind kind = random_kind();
            removals[i].size = 0;
            put(&removals[i], "%s -", policy_keyword(kind));
            put_names(&removals[i], kind);
            put(&removals[i], "\n");
        }
        for (size_t i = 0; i < 3; i++) {
            put(&forth, "%s", removals[i].room);
            put(&back, "%s", removals[2 - i].room);
        }
        struct policy *one = load_text(forth.room), *other = load_text(back.room);
        assert_same(one, other);
        policy_free(one);
        policy_free(other);
    }
}

/* `names` of the line that is being tried are in the list for good afterwards, and nothing left it. */
static void check_grown(const struct policy *before, const struct policy *after, enum policy_kind kind,
                        struct sp_span line, bool is_in_front)
{
    struct policy_error error;
    const struct policy_list *list = &after->lists[kind];
    assert_int_equal(policy_compare(after, before, &error), 0);
    if (is_in_front)
        assert_true(sp_span_is(sp_next_name(&line), list->entries[0].name));
    for (size_t i = 0; i < list->count; i++) {
        bool was_there = false;
        for (size_t j = 0; j < before->lists[kind].count; j++)
            was_there = was_there || strcmp(before->lists[kind].entries[j].name, list->entries[i].name) == 0;
        assert_true(was_there || list->entries[i].origin.line == 99);
    }
}

static void adding_and_preferring_take_nothing_away(void **state)
{
    for (uint32_t round = 1; round < ROUNDS; round++) {
        struct text base = {.size = 0}, line = {.size = 0};
        struct policy_error error = {{0}};
        seed = round;
        put_base(&base);
        enum policy_kind kind = random_kind();
        bool is_in_front = coin();
        put(&line, "%c", is_in_front ? '^' : '+');
        put_names(&line, kind);
        struct policy *before = load_text(base.room), *after = load_text(base.room);
        assert_int_equal(policy_amend(after, kind, line.room, "c.conf", 99, &error), 0);
        check_grown(before, after, kind, sp_text(line.room + 1), is_in_front);
        policy_free(before);
        policy_free(after);
    }
}

/* The canonical text of a policy, read as a policy: it has lists and rules in the language, and exceptions nearly. */
static void write_again(const char *effective_text, struct text *policy_text)
{
    for (const char *line = effective_text; *line != '\0'; line = strchr(line, '\n') + 1) {
        char keyword[64], name[128], date[64], patterns[256];
        if (sscanf(line, "exception %63s %127s NotAfter %63s Address %255s", keyword, name, date, patterns) ==
            4)
            put(policy_text, "%s +%s%s%s%s%s\n", keyword, name, date[0] != '-' ? " NotAfter " : "",
                date[0] != '-' ? date : "", patterns[0] != '-' ? " Address " : "",
                patterns[0] != '-' ? patterns : "");
        else
            put(policy_text, "%.*s\n", (int)strcspn(line, "\n"), line);
    }
}

static void what_is_enforced_can_be_written_as_a_policy(void **state)
{
    size_t resolved = 0;
    for (uint32_t round = 1; resolved < ROUNDS; round++) {
        struct text text = {.size = 0}, again = {.size = 0};
        struct machine machine;
        seed = round;
        put_base(&text);
        random_machine(&machine);
        struct policy *policy = load_text(text.room);
        char *once = text_on(policy, &machine.build, 0);
        policy_free(policy);
        if (!once)
            continue;
        resolved++;
        write_again(once, &again);
        policy = load_text(again.room);
        char *twice = text_on(policy, &machine.build, 0);
        assert_non_null(twice);
        assert_string_equal(once, twice);
        policy_free(policy);
        free(once);
        free(twice);
    }
}

static void explaining_agrees_with_resolving(void **state)
{
    size_t resolved = 0;
    for (uint32_t round = 1; resolved < ROUNDS; round++) {
        struct text text = {.size = 0};
        struct machine machine;
        struct policy_effective effective;
        seed = round;
        put_base(&text);
        random_machine(&machine);
        int64_t now = times[random_below(ARRAY_SIZE(times))];
        struct policy *policy = load_text(text.room);
        if (resolve(policy, &machine.build, now, &effective)) {
            resolved++;
            for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
                for (uint32_t i = 0; i < count_of(kind); i++) {
                    struct policy_verdict verdict;
                    bool is_in = sp_list_has(sp_text(effective.lists[kind]), sp_text(names[kind][i])),
                         excepted = false;
                    for (size_t j = 0; j < effective.exception_count; j++)
                        excepted = excepted || (effective.exceptions[j].kind == kind &&
                                                strcmp(effective.exceptions[j].name, names[kind][i]) == 0);
                    policy_explain(policy, &machine.build, now, kind, sp_text(names[kind][i]), &verdict);
                    assert_int_equal(verdict.reason == POLICY_IN, is_in);
                    assert_int_equal(verdict.reason == POLICY_IN_EXCEPTION, excepted);
                    assert_true(verdict.text[0] != '\0');
                }
        }
        policy_free(policy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_compares_as_stricter_resolves_to_less),
        cmocka_unit_test(an_exception_that_compares_as_stricter_reaches_less),
        cmocka_unit_test(every_policy_is_within_itself_and_within_its_inheritor),
        cmocka_unit_test(a_sub_policy_without_leave_never_adds),
        cmocka_unit_test(the_order_in_which_files_are_added_means_nothing),
        cmocka_unit_test(the_order_of_removals_means_nothing),
        cmocka_unit_test(adding_and_preferring_take_nothing_away),
        cmocka_unit_test(what_is_enforced_can_be_written_as_a_policy),
        cmocka_unit_test(explaining_agrees_with_resolving),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
