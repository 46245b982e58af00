/* What the facts of a running server come to: serving, serving but, or not serving, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/status.h"

/* A server with nothing the matter; tests change what they are about. */
static const char healthy[] =
    "{\"started\":true,\"stopping\":false,\"accepting\":true,"
    "\"configuration\":{\"generation\":3,\"at_signer\":true,\"served\":true,\"loading\":false},"
    "\"services\":[{\"service\":\"signer\",\"connected\":true},{\"service\":\"worker\",\"connected\":true},"
    "{\"service\":\"session\",\"connected\":true}],"
    "\"tokens_known\":true,\"tokens\":[{\"token\":\"t\",\"state\":\"ready\",\"why\":\"\"}],"
    "\"keys\":[{\"staged\":false,\"can_sign\":true},{\"staged\":false,\"can_sign\":true}],"
    "\"limits\":{\"startups\":3,\"startups_begin\":10,\"connections\":5,\"connections_max\":100}}";

static json_t *facts(void)
{
    json_error_t error;
    json_t *answer = json_loads(healthy, 0, &error);
    assert_non_null(answer);
    return answer;
}

static json_t *at(json_t *from, const char *key, size_t index)
{
    json_t *list = json_object_get(from, key);
    return json_is_array(list) ? json_array_get(list, index) : list;
}

static void put(json_t *into, const char *key, const char *json)
{
    json_error_t error;
    json_t *value = json_loads(json, JSON_DECODE_ANY, &error);
    assert_non_null(value);
    assert_int_equal(json_object_set_new(into, key, value), 0);
}

/* Takes the answer. */
static void expect(json_t *answer, enum status_state state, const char *wanted)
{
    char *text;
    assert_int_equal(status_verdict(answer, &text), state);
    assert_string_equal(text, wanted);
    free(text);
    json_decref(answer);
}

static void a_healthy_server_serves(void **state)
{
    (void)state;
    expect(facts(), STATUS_SERVING, "serving");
}

static void without_a_program_it_does_not(void **state)
{
    (void)state;
    json_t *answer = facts();
    put(at(answer, "services", 0), "connected", "false");
    put(at(answer, "services", 2), "connected", "false");
    expect(answer, STATUS_DOWN,
           "not serving: the signer is not there; the session service is not there, and nobody can log in");
}

static void without_a_key_that_signs_it_does_not(void **state)
{
    (void)state;
    json_t *answer = facts();
    put(at(answer, "keys", 0), "can_sign", "false");
    put(at(answer, "keys", 1), "can_sign", "false");
    put(at(answer, "tokens", 0), "state", "\"absent\"");
    put(at(answer, "tokens", 0), "why", "\"no token\\u001b[2J\"");
    expect(answer, STATUS_DOWN, "not serving: no host key can sign: no token\\x1b[2J");
}

static void with_one_key_less_somebody_should_look(void **state)
{
    (void)state;
    json_t *answer = facts();
    put(at(answer, "keys", 1), "can_sign", "false");
    put(at(answer, "tokens", 0), "state", "\"pin_refused\"");
    expect(answer, STATUS_BUT, "serving, but 1 host key cannot sign: pin_refused");
    answer = facts(); /* what nobody has said is no reason */
    (void)json_object_del(at(answer, "keys", 1), "can_sign");
    expect(answer, STATUS_SERVING, "serving");
    answer = facts(); /* a staged key signs no exchange: the others are enough to serve, and it is told */
    put(at(answer, "keys", 1), "staged", "true");
    put(at(answer, "keys", 1), "can_sign", "false");
    expect(answer, STATUS_BUT, "serving, but 1 host key cannot sign");
}

static void a_refused_configuration_is_told_while_it_is_the_last(void **state)
{
    (void)state;
    json_t *answer = facts();
    put(at(answer, "configuration", 0), "refused", "{\"is_last\":true,\"why\":\"line 3: unknown\"}");
    expect(answer, STATUS_BUT, "serving, but the last configuration was refused: line 3: unknown");
    answer = facts();
    put(at(answer, "configuration", 0), "refused", "{\"is_last\":false,\"why\":\"line 3: unknown\"}");
    expect(answer, STATUS_SERVING, "serving");
}

static void limits_that_are_reached_are_told(void **state)
{
    (void)state;
    json_t *answer = facts();
    put(at(answer, "limits", 0), "startups", "10");
    put(at(answer, "limits", 0), "connections", "100");
    expect(answer, STATUS_BUT,
           "serving, but clients are turned away by MaxStartups; clients are turned away by MaxConnections");
}

static void one_that_stops_says_only_that(void **state)
{
    (void)state;
    json_t *answer = facts();
    put(answer, "stopping", "true");
    put(at(answer, "services", 0), "connected", "false");
    expect(answer, STATUS_DOWN, "not serving: it is stopping, and stays for the sessions that are open");
}

static void before_the_first_configuration_it_does_not(void **state)
{
    (void)state;
    json_t *answer = facts();
    put(answer, "configuration", "{\"loading\":true}");
    expect(answer, STATUS_DOWN, "not serving: no configuration is in force yet");
    answer = facts();
    put(answer, "configuration", "{\"waits\":true}");
    put(at(answer, "tokens", 0), "state", "\"absent\"");
    expect(answer, STATUS_DOWN,
           "not serving: no configuration is in force, as none of its host keys can sign yet: absent");
    answer = facts();
    put(at(answer, "configuration", 0), "waits", "true");
    expect(answer, STATUS_BUT, "serving, but a new configuration waits until one of its host keys can sign");
    answer = facts();
    put(answer, "accepting", "false");
    expect(answer, STATUS_DOWN, "not serving: new clients have to wait until the worker service is ready");
}

/* A server that is ill, or another program, may say anything. */
static void nonsense_is_no_crash(void **state)
{
    static const char *const nonsense[] = {"{}", "{\"services\":3,\"keys\":{},\"tokens\":[[]]}",
                                           "{\"configuration\":[],\"limits\":\"x\",\"services\":[3]}"};
    (void)state;
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        json_error_t error;
        char *text;
        json_t *answer = json_loads(nonsense[i], 0, &error);
        assert_int_equal(status_verdict(answer, &text), STATUS_DOWN);
        free(text);
        json_decref(answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_server_serves),
        cmocka_unit_test(without_a_program_it_does_not),
        cmocka_unit_test(without_a_key_that_signs_it_does_not),
        cmocka_unit_test(with_one_key_less_somebody_should_look),
        cmocka_unit_test(a_refused_configuration_is_told_while_it_is_the_last),
        cmocka_unit_test(limits_that_are_reached_are_told),
        cmocka_unit_test(one_that_stops_says_only_that),
        cmocka_unit_test(before_the_first_configuration_it_does_not),
        cmocka_unit_test(nonsense_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
