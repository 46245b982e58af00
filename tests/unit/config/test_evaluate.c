/* Values, defaults, precedence, errors and printing. */
#include "support.h"

#include <ctype.h>
#include <strings.h>

#include "config/checks.h"
#include "config/foreign.h"
#include "config/options.h"
#include "config/values.h"

static void nothing_means_all_defaults(void **state)
{
    struct config *config = must_evaluate("", &nobody_known);
    assert_string_equal(config->ports.items[0], "22");
    assert_int_equal(config->host_keys.count, 0);
    assert_int_equal(config->login_grace_s, 120);
    assert_int_equal(config->startups_begin, 10);
    assert_int_equal(config->startups_rate, 30);
    assert_int_equal(config->startups_full, 100);
    assert_true(config->per_source_max == UINT32_MAX);
    assert_int_equal(config->netblock_ipv4, 32);
    assert_int_equal(config->netblock_ipv6, 128);
    assert_true(config->rekey_octets == 0);
    assert_int_equal(config->authorized_keys_files.count, 2);
    assert_string_equal(config->authorized_keys_files.items[1], ".ssh/authorized_keys2");
    assert_string_equal(config->ciphers, "");
    assert_string_equal(config->permit_root_login, "prohibit-password");
    assert_true(config->strict_modes);
    config_free(config);
}

static void keywords_and_words_know_no_case(void **state)
{
    struct config *config =
        must_evaluate("mAXaUTHtRIES 3\nPERMITROOTLOGIN No\npermittty NO\n", &nobody_known);
    assert_int_equal(config->max_auth_tries, 3);
    assert_string_equal(config->permit_root_login, "no");
    assert_false(config->permit_tty);
    config_free(config);
}

static void the_first_value_wins(void **state)
{
    struct config *config = must_evaluate("MaxAuthTries 3\nMaxAuthTries 4\nBanner /a\nBanner /b\nSetEnv A=1\n"
                                          "SetEnv B=2\nMaxStartups 1:2:3\nMaxStartups 4:5:6\n",
                                          &nobody_known);
    assert_int_equal(config->max_auth_tries, 3);
    assert_string_equal(config->banner, "/a");
    assert_int_equal(config->set_env.count, 1);
    assert_int_equal(config->startups_full, 3);
    config_free(config);
}

static void repeated_keywords_collect(void **state)
{
    struct config *config = must_evaluate("Port 1\nPort 2\nAcceptEnv A B\nAcceptEnv C\n", &nobody_known);
    assert_int_equal(config->ports.count, 2);
    assert_string_equal(config->ports.items[1], "2");
    assert_int_equal(config->accept_env.count, 3);
    config_free(config);
}

static void a_block_overrides_what_is_global(void **state)
{
    static const struct config_who who = {.user = "alice"};
    static const char text[] = "MaxAuthTries 3\nAcceptEnv A\nAllowUsers x\n"
                               "Match User bob\nMaxAuthTries 4\n"
                               "Match User alice\nMaxAuthTries 5\nAcceptEnv B\nRekeyLimit 1M\n"
                               "Match User al*\nMaxAuthTries 6\nAcceptEnv C\nMaxSessions 1\nRekeyLimit 2M\n";
    struct config *config = must_evaluate(text, &who);
    assert_int_equal(config->max_auth_tries, 5);
    assert_int_equal(config->max_sessions, 1);
    assert_int_equal(config->accept_env.count, 2);
    assert_string_equal(config->accept_env.items[0], "B");
    assert_string_equal(config->accept_env.items[1], "C");
    assert_int_equal(config->allow_users.count, 1);
    assert_true(config->rekey_octets == 1024 * 1024);
    config_free(config);
    config = must_evaluate(text, &nobody_known);
    assert_int_equal(config->max_auth_tries, 3);
    assert_int_equal(config->accept_env.count, 1);
    config_free(config);
}

static void blocks_that_do_not_match_are_checked_too(void **state)
{
    must_refuse("Match User nobody-at-all\n\nMaxAuthTries many\n",
                "test.conf line 3: MaxAuthTries: ", "1 to 100");
    must_refuse("Match User a\nMatch Address x/y\n", "test.conf line 2: Match: Address: ", "numeric");
    must_refuse("Match User a\nNonsense 1\n", "test.conf line 2: ", "unknown keyword");
    must_refuse("Match User a\nX11Forwarding yes\n", "test.conf line 2: X11Forwarding", "not available");
    must_refuse("Match User a\nRekeyLimit x\n", "test.conf line 2: RekeyLimit: ", "octets");
}

static void later_values_are_checked_although_the_first_wins(void **state)
{
    must_refuse("MaxAuthTries 3\nMaxAuthTries x\n", "test.conf line 2: MaxAuthTries: ", "got \"x\"");
}

static void global_keywords_are_refused_in_every_block(void **state)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *option = option_at(i);
        char text[128];
        if (option->scope != OPTION_GLOBAL)
            continue;
        snprintf(text, sizeof text, "Match all\n%s x\n", option->keyword);
        must_refuse(text, "test.conf line 2: ", "before the first Match");
    }
}

static void every_keyword_wants_a_value_and_says_which(void **state)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char text[128], place[128];
        snprintf(text, sizeof text, "\n%s\n", option_at(i)->keyword);
        snprintf(place, sizeof place, "test.conf line 2: %s: expected ", option_at(i)->keyword);
        must_refuse(text, place, "");
    }
}

static const struct {
    const char *line;
    const char *words; /* NULL: accepted */
} values[] = {
    {"Port 65535", NULL},
    {"Port 0", NULL},
    {"Port 65536", "0 to 65535"},
    {"Port ssh", "0 to 65535"},
    {"Port 22 23", "lines of their own"},
    {"ListenAddress [::1]:22", NULL},
    {"ListenAddress example.com", "names are not looked up"},
    {"ListenAddress 192.0.2.1 rdomain x", "lines of their own"},
    {"HostKey pkcs11:object=a", NULL},
    {"HostKey /etc/ssh/ssh_host_ed25519_key", "host keys live in a token"},
    {"HostKeyStaged pkcs11:object=a", NULL},
    {"HostKeyStaged /etc/ssh/ssh_host_ed25519_key", "host keys live in a token"},
    {"HostKeyStaged pkcs11:object=a pkcs11:object=b", "lines of their own"},
    {"TokenModule softhsm2.so", "absolute path"},
    {"TokenPIN file:/run/pin", NULL},
    {"TokenPIN credential:pin", NULL},
    {"TokenPIN credential:../pin", "file:/PATH"},
    {"TokenPIN file:pin", "file:/PATH"},
    {"TokenPIN 1234", "not the PIN itself"},
    {"TokenEnvironment SOFTHSM2_CONF=/a", NULL},
    {"TokenEnvironment SOFTHSM2_CONF", "NAME=VALUE"},
    {"TokenEnvironment 1A=b", "NAME=VALUE"},
    {"TokenThreads 0", "1 to 16"},
    {"TokenThreads 99999999999999999999", "1 to 16"},
    {"TokenTimeout 0", "1 to 300"},
    {"TokenTimeout none", "1 to 300"},
    {"LoginGraceTime none", NULL},
    {"LoginGraceTime 1h30m", NULL},
    {"LoginGraceTime 1h30", NULL},
    {"LoginGraceTime 1D", NULL},
    {"LoginGraceTime 1d1s", "86400"},
    {"LoginGraceTime -1", "a time"},
    {"LoginGraceTime m", "a time"},
    {"LoginGraceTime 1x", "a time"},
    {"LoginGraceTime 4294967296", "a time"},
    {"LoginGraceTime 7102w", "a time"},
    {"MaxStartups 10", NULL},
    {"MaxStartups 10:30:100", NULL},
    {"MaxStartups 10:30", "START:RATE:FULL"},
    {"MaxStartups 10:0:100", "START:RATE:FULL"},
    {"MaxStartups 10:101:100", "START:RATE:FULL"},
    {"MaxStartups 101:30:100", "START:RATE:FULL"},
    {"MaxStartups 0:30:100", "START:RATE:FULL"},
    {"MaxStartups 1:2:3:4", "START:RATE:FULL"},
    {"MaxStartups 1:2:", "START:RATE:FULL"},
    {"PerSourceMaxStartups none", NULL},
    {"PerSourceMaxStartups 5", NULL},
    {"PerSourceMaxStartups 0", "\"none\""},
    {"PerSourceNetBlockSize 24:64", NULL},
    {"PerSourceNetBlockSize 24", NULL},
    {"PerSourceNetBlockSize 33:64", "32:128"},
    {"PerSourceNetBlockSize 24:129", "32:128"},
    {"LogLevel debug3", NULL},
    {"LogLevel LOUD", "QUIET|FATAL"},
    {"Subsystem sftp /usr/lib/sftp-server", NULL},
    {"Subsystem sftp", "a name and a command"},
    {"Subsystem \"a b\" c", "a name of letters"},
    {"KexAlgorithms +curve25519-sha256", NULL},
    {"KexAlgorithms +", "separated by commas"},
    {"KexAlgorithms a,,b", "separated by commas"},
    {"Ciphers a,b,", "separated by commas"},
    {"Ciphers \"a b\"", "separated by commas"},
    {"MACs a b", "more than one"},
    {"RequiredRSASize 1024", "2048"},
    {"RekeyLimit default none", NULL},
    {"RekeyLimit 1G 1h", NULL},
    {"RekeyLimit 1023", "1K"},
    {"RekeyLimit 1K", NULL},
    {"RekeyLimit 1T", "octets"},
    {"RekeyLimit G", "octets"},
    {"RekeyLimit 18446744073709551615G", "octets"},
    {"RekeyLimit 1G 1h x", "octets"},
    {"RekeyLimit 1G 100w", "octets"},
    {"AcceptEnv LC_* LANG", NULL},
    {"AcceptEnv A=b", "names of variables"},
    {"SetEnv A=b C=", NULL},
    {"SetEnv A", "NAME=VALUE"},
    {"SetEnv =b", "NAME=VALUE"},
    {"AllowUsers alice b*@192.0.2.0/24", NULL},
    {"AllowUsers !alice", "without negation"},
    {"AllowUsers @192.0.2.1", "USER"},
    {"AllowUsers a@192.0.2.1/24", "CIDR"},
    {"DenyGroups !wheel", "without negation"},
    {"AuthenticationMethods any", NULL},
    {"AuthenticationMethods publickey,password publickey,keyboard-interactive:pam", NULL},
    {"AuthenticationMethods any publickey", "alone"},
    {"AuthenticationMethods publickey,", "publickey, password"},
    {"AuthenticationMethods hostbased", "publickey, password"},
    {"AuthorizedKeysFile none", NULL},
    {"AuthorizedKeysFile /etc/keys/%u %h/.keys/%%", NULL},
    {"AuthorizedKeysFile /etc/keys/%x", "%h"},
    {"AuthorizedKeysFile /etc/keys/%", "%h"},
    {"AuthorizedKeysFile none a", "alone"},
    {"Banner none", NULL},
    {"Banner NONE", "\"none\""},
    {"Banner issue", "absolute path"},
    {"ClientAliveInterval 15s", NULL},
    {"ForceCommand internal-sftp", NULL},
    {"PasswordAuthentication maybe", "\"yes\" or \"no\""},
    {"PasswordAuthentication yes no", "more than one"},
    {"PermitRootLogin without-password", NULL},
    {"PermitRootLogin never", "yes|no"},
    {"MaxSessions 257", "0 to 256"},
    {"PAMServiceName ../login", "a name of letters"},
    {"PAMServiceName .hidden", "a name of letters"},
    {"PAMConfigDirectory pam.d", "absolute path"},
};

static void values_are_checked(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char text[256], place[128];
        snprintf(text, sizeof text, "\n\n%s\n", values[i].line);
        if (!values[i].words) {
            config_free(must_evaluate(text, &nobody_known));
            continue;
        }
        snprintf(place, sizeof place, "test.conf line 3: %.*s: expected ", (int)strcspn(values[i].line, " "),
                 values[i].line);
        must_refuse(text, place, values[i].words);
    }
}

static void times_are_in_seconds(void **state)
{
    static const struct {
        const char *text;
        uint32_t seconds;
    } rows[] = {{"0", 0},         {"90", 90},     {"2m", 120}, {"1h30m", 5400},
                {"1w2d", 777600}, {"1h30", 3630}, {"10S", 10}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        uint32_t seconds = 1;
        assert_true(duration_parse(rows[i].text, &seconds));
        assert_int_equal(seconds, rows[i].seconds);
    }
}

static void a_subsystem_is_a_name_and_a_command(void **state)
{
    struct config *config =
        must_evaluate("Subsystem sftp /usr/lib/sftp -l \"A  b\" # c\nSubsystem x y\n", &nobody_known);
    assert_string_equal(config_subsystem(config, sp_text("sftp")), "/usr/lib/sftp -l \"A  b\"");
    assert_string_equal(config_subsystem(config, sp_text("x")), "y");
    assert_null(config_subsystem(config, sp_text("sft")));
    assert_null(config_subsystem(config, sp_text("sftp ")));
    assert_null(config_subsystem(config, sp_span_of("x\0", 2)));
    config_free(config);
}

static void a_forced_command_is_the_rest_of_the_line(void **state)
{
    struct config *config =
        must_evaluate("ForceCommand echo 'a  b' \"$SSH_ORIGINAL_COMMAND\" # c\n", &nobody_known);
    assert_string_equal(config->force_command, "echo 'a  b' \"$SSH_ORIGINAL_COMMAND\" # c");
    config_free(config);
}

/* One line per keyword of another server, with a value that nothing accepts. */
static void every_foreign_keyword_says_what_to_do(void **state)
{
    assert_true(foreign_count() > 70);
    for (size_t i = 0; i < foreign_count(); i++) {
        char text[128], place[128];
        snprintf(text, sizeof text, "\n%s @@\n", foreign_keyword(i));
        snprintf(place, sizeof place, "test.conf line 2: %s", foreign_keyword(i));
        must_refuse(text, place, ": ");
        assert_null(option_find(foreign_keyword(i)));
    }
}

static void foreign_values_that_are_true_anyway_are_accepted(void **state)
{
    config_free(must_evaluate(
        "UsePAM yes\nX11Forwarding no\nAllowTcpForwarding no\nPrintMotd no\n"
        "AllowAgentForwarding no\nGatewayPorts no\nPermitTunnel no\nPrintLastLog no\nUseDNS no\n"
        "PidFile none\nProtocol 2\n"
        "Match all\nX11Forwarding no\n",
        &nobody_known));
    must_refuse("UsePAM no", "test.conf line 1: UsePAM: ", "PAM always decides");
    must_refuse("Compression maybe", "test.conf line 1: Compression: ", "yes|delayed|no");
    must_refuse("AllowTcpForwarding yes",
                "test.conf line 1: AllowTcpForwarding: ", "forwarding is not available");
    must_refuse("X11Forwarding no no", "test.conf line 1: X11Forwarding: ", "expected");
}

static void misspelled_keywords_get_a_suggestion(void **state)
{
    must_refuse("PasswordAuthentification yes", "test.conf line 1: ", "\"PasswordAuthentication\"");
    must_refuse("prot 22", "test.conf line 1: ", "\"Port\"");
    must_refuse("Matsh all", "test.conf line 1: ", "\"Match\"");
    must_refuse("Qqqqqqqq 1", "test.conf line 1: ", "sallyport.conf(5)");
    must_refuse("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 1",
                "test.conf line 1: ", "unknown keyword");
}

static void every_check_belongs_to_a_keyword(void **state)
{
    for (size_t i = 0; check_keyword_at(i); i++)
        assert_non_null(option_find(check_keyword_at(i)));
}

static void lists_have_an_end(void **state)
{
    enum { LINES = VALUE_LIST_MAX / 512, SIZE = LINES * (10 + 512 * 2 + 1) };
    static char text[SIZE + 64];
    char *at = text;
    for (size_t i = 0; i < LINES; i++) {
        at += sprintf(at, "AcceptEnv");
        for (size_t j = 0; j < 512; j++)
            at += sprintf(at, " A");
        at += sprintf(at, "\n");
    }
    struct config *config = must_evaluate(text, &nobody_known);
    assert_int_equal(config->accept_env.count, VALUE_LIST_MAX);
    config_free(config);
    strcpy(at, "AcceptEnv B\n");
    must_refuse(text, "test.conf line 9: AcceptEnv: ", "4096 items");
}

static void errors_are_printable_and_bounded(void **state)
{
    static char text[4096];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "MaxAuthTries ", 13);
    must_refuse(text, "test.conf line 1: MaxAuthTries: ", "expected");
    must_refuse("MaxAuthTries a\tb", "test.conf line 1: MaxAuthTries: ", "a?b");
}

static void prints_what_reads_as_the_same(void **state)
{
    static const char text[] =
        "Port 1\nPort 2\nHostKey pkcs11:object=a%20b;token=\"t\"\nSetEnv \"A=b c\" 'D=\"e\\\\'\n"
        "Subsystem sftp /x -l \"a b\"\nForceCommand echo \"a  b\"\nCiphers -*-ctr\n"
        "RekeyLimit 3M 2h\nPerSourceMaxStartups 3\nLoginGraceTime 0\nAllowUsers \"a b\" '#c'\n"
        "MaxStartups 7\nMACs \"a\\\\\\\\b\"\nPermitRootLogin without-password\nBanner /a\\ b\n";
    struct config *config = must_evaluate(text, &nobody_known);
    char *once = must_print(config);
    config_free(config);
    config = must_evaluate(once, &nobody_known);
    char *twice = must_print(config);
    config_free(config);
    assert_string_equal(once, twice);
    assert_non_null(strstr(once, "port 1\nport 2\n"));
    assert_non_null(strstr(once, "\nsetenv \"A=b c\" \"D=\\\"e\\\\\"\n"));
    assert_non_null(strstr(once, "\nciphers "));
    assert_non_null(strstr(once, "\nmaxstartups 7:100:7\n"));
    assert_non_null(strstr(once, "\nrekeylimit 3145728 7200\n"));
    assert_non_null(strstr(once, "\nbanner \"/a b\"\n"));
    free(once);
    free(twice);
}

static void prints_values_that_begin_with_an_equals_sign(void **state)
{
    struct config *config = must_evaluate("DenyGroups a =b\nForceCommand = =c\n", &nobody_known);
    char *text = must_print(config);
    config_free(config);
    config = must_evaluate(text, &nobody_known);
    assert_string_equal(config->deny_groups.items[1], "=b");
    assert_string_equal(config->force_command, "=c");
    config_free(config);
    free(text);
}

static void prints_lower_case_keywords_and_each_at_most_as_set(void **state)
{
    struct config *config = must_evaluate("", &nobody_known);
    char *text = must_print(config);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        size_t size = strcspn(line, " ");
        assert_int_equal(line[size], ' ');
        for (size_t i = 0; i < size; i++)
            assert_true(islower((unsigned char)line[i]));
        line[size] = '\0';
        assert_non_null(option_find(line));
    }
    free(text);
    config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_means_all_defaults),
        cmocka_unit_test(keywords_and_words_know_no_case),
        cmocka_unit_test(the_first_value_wins),
        cmocka_unit_test(repeated_keywords_collect),
        cmocka_unit_test(a_block_overrides_what_is_global),
        cmocka_unit_test(blocks_that_do_not_match_are_checked_too),
        cmocka_unit_test(later_values_are_checked_although_the_first_wins),
        cmocka_unit_test(global_keywords_are_refused_in_every_block),
        cmocka_unit_test(every_keyword_wants_a_value_and_says_which),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(times_are_in_seconds),
        cmocka_unit_test(a_subsystem_is_a_name_and_a_command),
        cmocka_unit_test(a_forced_command_is_the_rest_of_the_line),
        cmocka_unit_test(every_foreign_keyword_says_what_to_do),
        cmocka_unit_test(foreign_values_that_are_true_anyway_are_accepted),
        cmocka_unit_test(misspelled_keywords_get_a_suggestion),
        cmocka_unit_test(every_check_belongs_to_a_keyword),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(errors_are_printable_and_bounded),
        cmocka_unit_test(prints_what_reads_as_the_same),
        cmocka_unit_test(prints_values_that_begin_with_an_equals_sign),
        cmocka_unit_test(prints_lower_case_keywords_and_each_at_most_as_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
