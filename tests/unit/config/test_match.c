/* Match blocks: which criteria hold for whom, and what is an error in them. */
#include "support.h"

#include "base/lexer.h"
#include "config/match.h"

static const char *const groups[] = {"staff", "wheel"};
static const struct config_who alice = {.user = "alice",
                                        .groups = groups,
                                        .group_count = 2,
                                        .address = "192.0.2.1",
                                        .local_address = "2001:db8::1",
                                        .local_port = 22,
                                        .listener = "front.socket"};

static int match(const char *text, const struct config_who *who, bool *matches)
{
    static struct lexer_line line;
    const char *why = NULL;
    struct config_error error = {0};
    assert_int_equal(lexer_split(sp_text(text), &line, &why), 0);
    return match_line(&line, who, matches, &error);
}

static void holds(const char *text, const struct config_who *who, bool expected)
{
    bool matches = !expected;
    assert_int_equal(match(text, who, &matches), 0);
    if (matches != expected)
        print_error("%s\n", text);
    assert_int_equal(matches, expected);
}

static void each_criterion_holds_for_its_own(void **state)
{
    holds("Match User alice", &alice, true);
    holds("Match user=a*", &alice, true);
    holds("Match User bob,carol", &alice, false);
    holds("Match Group wheel", &alice, true);
    holds("Match Group admin", &alice, false);
    holds("Match Address 192.0.2.0/24", &alice, true);
    holds("Match Address 198.51.100.0/24", &alice, false);
    holds("Match LocalAddress 2001:db8::/32", &alice, true);
    holds("Match LocalAddress 192.0.2.1", &alice, false);
    holds("Match LocalPort 22", &alice, true);
    holds("Match LocalPort 2222", &alice, false);
    holds("Match Listener front.socket", &alice, true);
    holds("Match Listener=back*,front*", &alice, true);
    holds("Match Listener *,!front.socket", &alice, false);
    holds("Match Listener back", &alice, false);
    holds("Match All", &alice, true);
}

static void criteria_are_anded(void **state)
{
    holds("Match User alice Group wheel Address 192.0.2.1 LocalPort 22", &alice, true);
    holds("Match User alice Group wheel Address 192.0.2.2 LocalPort 22", &alice, false);
    holds("Match User bob Group wheel", &alice, false);
    holds("Match User a* User *e", &alice, true);
    holds("Match User a* User *b", &alice, false);
}

static void negation_takes_out(void **state)
{
    holds("Match User *,!alice", &alice, false);
    holds("Match User *,!bob", &alice, true);
    holds("Match User !bob", &alice, false);
    holds("Match Address *,!192.0.2.0/24", &alice, false);
    /* One of several groups is enough, in either order of the person's groups. */
    holds("Match Group staff,!wheel", &alice, false);
    holds("Match Group wheel,!staff", &alice, false);
}

static void nothing_matches_whom_we_do_not_know(void **state)
{
    static const char *const lines[] = {"Match User *",         "Match Group *",      "Match Address *",
                                        "Match LocalAddress *", "Match LocalPort 22", "Match Listener *"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
        holds(lines[i], &nobody_known, false);
    holds("Match all", &nobody_known, true);
}

static void every_criterion_is_checked(void **state)
{
    must_refuse("Match", "test.conf line 1: Match: ", "got nothing");
    must_refuse("Match User", "test.conf line 1: Match: User: ", "patterns");
    must_refuse("Match User a,,b", "test.conf line 1: Match: User: ", "patterns");
    must_refuse("Match User bob Address", "test.conf line 1: Match: Address: ", "CIDR");
    must_refuse("Match User bob Address 10.0.0.1/8", "test.conf line 1: Match: Address: ", "host bits");
    must_refuse("Match Address gate.example.com", "test.conf line 1: Match: Address: ", "numeric");
    must_refuse("Match LocalPort 0", "test.conf line 1: Match: LocalPort: ", "65535");
    must_refuse("Match LocalPort 22,23", "test.conf line 1: Match: LocalPort: ", "65535");
    must_refuse("Match Listener a,", "test.conf line 1: Match: Listener: ", "patterns");
    must_refuse("Match all User a", "test.conf line 1: Match: ", "alone");
    must_refuse("Match User a all", "test.conf line 1: Match: ", "alone");
    must_refuse("Match Usr a", "test.conf line 1: Match: ", "expected User, Group");
}

static void criteria_of_others_say_what_to_use(void **state)
{
    must_refuse("Match Host x", "test.conf line 1: Match: the criterion Host", "use Address");
    must_refuse("Match RDomain x", "test.conf line 1: Match: the criterion RDomain", "LocalAddress");
    must_refuse("Match Exec true", "test.conf line 1: Match: the criterion Exec", "User");
    must_refuse("Match Invalid-User", "test.conf line 1: Match: the criterion Invalid-User", "unknown users");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_criterion_holds_for_its_own),
        cmocka_unit_test(criteria_are_anded),
        cmocka_unit_test(negation_takes_out),
        cmocka_unit_test(nothing_matches_whom_we_do_not_know),
        cmocka_unit_test(every_criterion_is_checked),
        cmocka_unit_test(criteria_of_others_say_what_to_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
