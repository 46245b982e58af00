/* How a token is, when it is looked for again, and what the monitor is told of that. No process: its state is moved by hand. */
#include "support.h"

#include <sallyport/wire.h>

#include "base/loop.h"
#include "ipc/link.h"
#include "signer/generation.h"
#include "signer/states.h"

#define URI "pkcs11:token=soft;object=a"

struct world {
    struct signer signer;
    struct token token;
    struct generation generation;
    char *uris[TOKEN_STATE_KEYS_MAX];
    struct token_blob blobs[TOKEN_STATE_KEYS_MAX];
    struct request waiting;
    struct link monitor;
    struct link_inbox *inbox;
};

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static struct token token_like(struct world *w, const char *name)
{
    return (struct token){
        .signer = &w->signer,
        .state = TOKEN_WAITING,
        .link.fd = -1,
        .spec = {.module = text("/module.so"),
                 .pin_source = text(""),
                 .token = text(name),
                 .uris = w->uris,
                 .uri_count = 1},
        .blobs = w->blobs,
        .timeout_ms = 5000,
        .queue_max = 8,
    };
}

static int open_world(void **state)
{
    int fds[2];
    struct world *w = calloc(1, sizeof *w);
    if (!w || link_pair(fds))
        return -1;
    w->inbox = calloc(1, sizeof *w->inbox);
    link_init(&w->signer.monitor, fds[0], ROLE_SIGNER, ROLE_MONITOR);
    link_init(&w->monitor, fds[1], ROLE_MONITOR, ROLE_SIGNER);
    w->signer.log = (struct log){.program = "test", .level = LOG_LEVEL_ERROR};
    w->uris[0] = text(URI);
    w->token = token_like(w, "token=soft");
    w->signer.tokens[0] = &w->token;
    *state = w;
    return w->inbox ? 0 : -1;
}

static int close_world(void **state)
{
    struct world *w = *state;
    link_close(&w->signer.monitor);
    link_close(&w->monitor);
    free(w->inbox);
    free(w);
    return 0;
}

/* ---- conditions -------------------------------------------------------------------------------------------- */

static void a_fresh_token_is_starting(void **state)
{
    struct world *w = *state;
    token_move(&w->token, TOKEN_STARTING);
    assert_int_equal(w->token.condition, TOKEN_IS_STARTING);
}

static void what_is_missing_is_absent_and_what_dies_is_lost(void **state)
{
    struct world *w = *state;
    token_miss(&w->token, "no token fits");
    assert_int_equal(w->token.condition, TOKEN_IS_ABSENT);
    assert_string_equal(w->token.why, "no token fits");
    token_lose(&w->token, "its process ended");
    assert_int_equal(w->token.condition, TOKEN_IS_LOST);
    token_move(&w->token, TOKEN_READY);
    assert_int_equal(w->token.condition, TOKEN_IS_READY);
}

static void what_is_looked_for_is_as_it_was_until_it_is_found(void **state)
{
    struct world *w = *state;
    token_miss(&w->token, "no token fits");
    token_move(&w->token, TOKEN_STARTING);
    assert_int_equal(w->token.condition, TOKEN_IS_ABSENT);
    /* As token_acquire() does it for another configuration. */
    w->token.losses = 0;
    token_move(&w->token, TOKEN_WAITING);
    token_move(&w->token, TOKEN_STARTING);
    assert_int_equal(w->token.condition, TOKEN_IS_ABSENT);
}

static void a_refused_pin_is_told_from_other_mistakes(void **state)
{
    struct world *w = *state;
    token_stop(&w->token, true, "the PIN is wrong");
    assert_int_equal(w->token.condition, TOKEN_IS_PIN_REFUSED);
    token_stop(&w->token, false, "the module cannot be loaded");
    assert_int_equal(w->token.condition, TOKEN_IS_WRONG);
}

static void since_when_is_since_the_condition_changed(void **state)
{
    struct world *w = *state;
    token_miss(&w->token, "no token fits");
    w->token.since_ms = 5;
    token_miss(&w->token, "no token fits");
    assert_int_equal(w->token.since_ms, 5);
    token_lose(&w->token, "its process ended");
    assert_int_not_equal(w->token.since_ms, 5);
}

static bool is_away(struct world *w, const char *name)
{
    struct token_spec spec = w->token.spec;
    spec.token = text(name);
    spec.uri_count = 0; /* whatever is wanted of it */
    return token_is_away(&w->signer, &spec);
}

static void away_is_what_was_found_to_be_absent_or_lost(void **state)
{
    struct world *w = *state;
    assert_false(is_away(w, "token=soft")); /* nothing is known yet */
    token_miss(&w->token, "no token fits");
    assert_true(is_away(w, "token=soft"));
    assert_false(is_away(w, "token=sotf"));
    token_lose(&w->token, "its process ended");
    assert_true(is_away(w, "token=soft"));
    token_stop(&w->token, true, "the PIN is wrong");
    assert_false(is_away(w, "token=soft"));
}

static void a_token_with_one_process_that_is_ready_is_not_away(void **state)
{
    struct world *w = *state;
    struct token other = token_like(w, "token=soft");
    other.spec.replica = 1;
    w->signer.tokens[1] = &other;
    token_miss(&w->token, "no token fits");
    token_move(&other, TOKEN_READY);
    assert_false(is_away(w, "token=soft"));
    token_lose(&other, "its process ended");
    assert_true(is_away(w, "token=soft"));
}

/* ---- looking again ----------------------------------------------------------------------------------------- */

/* After that many losses in a row. */
static uint64_t pause_ms(struct token *t, unsigned losses, bool missing)
{
    t->losses = losses - 1;
    uint64_t before = clock_ms();
    (missing ? token_miss : token_lose)(t, "away");
    return t->retry_ms - before;
}

static void assert_about(uint64_t ms, uint64_t wanted)
{
    assert_in_range(ms, wanted, wanted + 40);
}

static void a_process_that_dies_stays_away_longer_each_time(void **state)
{
    struct world *w = *state;
    assert_about(pause_ms(&w->token, 1, false), 50);
    assert_about(pause_ms(&w->token, 3, false), 200);
    assert_about(pause_ms(&w->token, 8, false), 5000);
    assert_about(pause_ms(&w->token, 1000, false), 5000);
}

static void a_missing_token_is_looked_for_every_second_for_a_minute(void **state)
{
    struct world *w = *state;
    assert_about(pause_ms(&w->token, 1, true), 50);
    assert_about(pause_ms(&w->token, 8, true), 1000);
    assert_about(pause_ms(&w->token, 63, true), 1000);
    assert_about(pause_ms(&w->token, 64, true), 5000);
}

static void it_is_looked_for_sooner_while_somebody_waits(void **state)
{
    struct world *w = *state;
    struct request *loser;
    (void)pause_ms(&w->token, 100, true);
    token_hasten(&w->token); /* for nobody */
    assert_true(w->token.retry_ms > clock_ms() + 4000);
    w->waiting = (struct request){.kind = REQUEST_PROOF, .lane = REQUEST_AHEAD, .token = &w->token};
    assert_int_equal(fair_put(&w->token.waiting, &w->waiting, 8, &loser), 0);
    token_hasten(&w->token);
    assert_true(w->token.retry_ms <= clock_ms() + 250);
    assert_about(pause_ms(&w->token, 100, true), 250);
    assert_about(pause_ms(&w->token, 100, false), 1000);
    fair_remove(&w->token.waiting, &w->waiting);
}

static void a_token_that_is_away_is_due_when_it_is_looked_for(void **state)
{
    struct world *w = *state;
    token_miss(&w->token, "no token fits");
    assert_int_equal(token_due_ms(&w->token, 1), w->token.retry_ms);
    token_move(&w->token, TOKEN_STARTING);
    assert_int_equal(token_due_ms(&w->token, 7), 7);
    token_move(&w->token, TOKEN_READY);
    assert_int_equal(token_due_ms(&w->token, 7), UINT64_MAX);
    token_stop(&w->token, false, "the module cannot be loaded");
    assert_int_equal(token_due_ms(&w->token, 7), UINT64_MAX);
}

static void a_process_behind_another_on_its_token_is_not_due(void **state)
{
    struct world *w = *state;
    struct token other = token_like(w, "token=soft");
    other.spec.replica = 1;
    w->signer.tokens[1] = &other;
    token_miss(&w->token, "no token fits");
    assert_int_equal(token_due_ms(&other, 7), UINT64_MAX);
    token_move(&w->token, TOKEN_READY);
    assert_int_equal(token_due_ms(&other, 7), other.retry_ms);
}

/* ---- what is told ------------------------------------------------------------------------------------------ */

static const struct msg_token_states *told(struct world *w)
{
    if (link_receive(&w->monitor, PHASE_ANY, w->inbox) != 0)
        return NULL;
    assert_int_equal(w->inbox->row->number, MSG_token_states);
    return &w->inbox->body.token_states;
}

static struct token_state first_told(struct world *w)
{
    struct token_state item;
    const struct msg_token_states *message = told(w);
    assert_non_null(message);
    struct sp_in in = sp_in_of(message->tokens);
    assert_int_equal(token_state_get(&in, &item), 0);
    return item;
}

static void a_change_is_told_at_once_and_once(void **state)
{
    struct world *w = *state;
    token_miss(&w->token, "no token fits");
    states_pump(&w->signer);
    struct token_state item = first_told(w);
    assert_int_equal(item.condition, TOKEN_IS_ABSENT);
    assert_true(sp_span_is(item.why, "no token fits"));
    assert_true(sp_span_is(item.name, "token=soft"));
    states_pump(&w->signer);
    assert_null(told(w));
    token_move(&w->token, TOKEN_READY);
    states_pump(&w->signer);
    assert_int_equal(first_told(w).condition, TOKEN_IS_READY);
}

static void counters_are_told_once_in_a_second(void **state)
{
    struct world *w = *state;
    token_count(&w->token, 90);
    token_count(&w->token, 6000000);
    states_pump(&w->signer);
    struct token_state item = first_told(w);
    assert_int_equal(item.signatures, 2);
    assert_int_equal(item.latency_us, 6000090);
    assert_int_equal(item.latencies[0], 1);
    assert_int_equal(item.latencies[TOKEN_LATENCY_LIMITS], 1);
    token_count(&w->token, 90);
    states_pump(&w->signer);
    assert_null(told(w));
    uint64_t now = clock_ms();
    assert_in_range(states_due_ms(&w->signer, now), now + 900, now + 1000);
    w->signer.states.sent_ms -= 1000;
    states_pump(&w->signer);
    assert_int_equal(first_told(w).signatures, 3);
    assert_int_equal(states_due_ms(&w->signer, now), UINT64_MAX);
}

static void a_key_can_sign_when_it_is_proven_and_its_token_is_ready(void **state)
{
    struct world *w = *state;
    static uint8_t blob[] = "a blob";
    w->blobs[0] = (struct token_blob){blob, sizeof blob};
    w->generation.plan = (struct plan){.replicas = 1, .token_count = 1, .key_count = 1};
    w->generation.tokens[0] = &w->token;
    w->generation.keys[0].proven.algorithm_count = 1;
    w->signer.generations = &w->generation;
    static const struct {
        enum token_process token;
        enum key_state key;
        enum generation_state generation;
        bool can_sign;
    } cases[] = {
        {TOKEN_READY, KEY_PROVEN, GENERATION_READY, true},
        {TOKEN_WAITING, KEY_PROVEN, GENERATION_READY, false},
        {TOKEN_READY, KEY_WRONG, GENERATION_READY, false},
        {TOKEN_READY, KEY_PROVING, GENERATION_READY, false},
        {TOKEN_READY, KEY_PROVEN, GENERATION_PROVING, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct token_state_key key;
        w->token.state = cases[i].token;
        w->generation.keys[0].state = cases[i].key;
        w->generation.state = cases[i].generation;
        states_changed(&w->signer);
        states_pump(&w->signer);
        struct token_state item = first_told(w);
        assert_true(token_state_next_key(&item.keys, &key));
        assert_true(sp_span_is(key.uri, URI));
        assert_int_equal(key.fingerprint.size, strlen("SHA256:") + 43);
        assert_int_equal(key.can_sign, cases[i].can_sign);
    }
}

static void nothing_is_told_without_a_monitor(void **state)
{
    struct world *w = *state;
    link_close(&w->signer.monitor);
    token_miss(&w->token, "no token fits");
    states_pump(&w->signer);
    assert_int_equal(states_due_ms(&w->signer, 1), UINT64_MAX);
    assert_false(w->signer.monitor_failed);
}

/* As many tokens as there may be, with as many keys, of the longest names. */
static void what_has_no_room_is_counted(void **state)
{
    struct world *w = *state;
    static struct token tokens[SPAWNER_SLOTS];
    static char uri[TOKEN_STATE_TEXT_MAX + 100];
    struct token_state item;
    size_t count = 0;
    memset(uri, 'u', sizeof uri - 1);
    for (size_t i = 0; i < TOKEN_STATE_KEYS_MAX; i++)
        w->uris[i] = uri;
    for (size_t i = 0; i < SPAWNER_SLOTS; i++) {
        tokens[i] = token_like(w, uri);
        tokens[i].spec.uri_count = TOKEN_STATE_KEYS_MAX;
        w->signer.tokens[i] = &tokens[i];
    }
    states_changed(&w->signer);
    states_pump(&w->signer);
    const struct msg_token_states *message = told(w);
    assert_non_null(message);
    struct sp_in in = sp_in_of(message->tokens);
    while (in.left != 0) {
        assert_int_equal(token_state_get(&in, &item), 0);
        count++;
    }
    assert_true(count >= 2 && count < SPAWNER_SLOTS);
    assert_int_equal(count + message->omitted, SPAWNER_SLOTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_fresh_token_is_starting, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_is_missing_is_absent_and_what_dies_is_lost, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(what_is_looked_for_is_as_it_was_until_it_is_found, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_refused_pin_is_told_from_other_mistakes, open_world, close_world),
        cmocka_unit_test_setup_teardown(since_when_is_since_the_condition_changed, open_world, close_world),
        cmocka_unit_test_setup_teardown(away_is_what_was_found_to_be_absent_or_lost, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_token_with_one_process_that_is_ready_is_not_away, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_process_that_dies_stays_away_longer_each_time, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_missing_token_is_looked_for_every_second_for_a_minute, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(it_is_looked_for_sooner_while_somebody_waits, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_token_that_is_away_is_due_when_it_is_looked_for, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_process_behind_another_on_its_token_is_not_due, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_change_is_told_at_once_and_once, open_world, close_world),
        cmocka_unit_test_setup_teardown(counters_are_told_once_in_a_second, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_key_can_sign_when_it_is_proven_and_its_token_is_ready, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(nothing_is_told_without_a_monitor, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_has_no_room_is_counted, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
