/* What the watchdog holds against a token, and what it asks of one that nobody asks. The token process is a link's other end. */
#include "support.h"

#include <sallyport/registry.h>

#include "base/loop.h"
#include "ipc/link.h"
#include "signer/generation.h"
#include "signer/watchdog.h"

#define KEEP_ALIVE_MS 1000u /* WatchdogSec=2: a signature within 20 s, asked for after 10 */
#define START_MS 1000000u

struct world {
    struct signer signer;
    struct token token;
    struct generation generation;
    struct token_spec spec;
    struct link process;
    struct link_inbox *inbox;
};

static int open_world(void **state)
{
    int fds[2];
    struct world *w = calloc(1, sizeof *w);
    if (!w || link_pair(fds))
        return -1;
    w->inbox = calloc(1, sizeof *w->inbox);
    w->signer.manager = (struct manager){.fd = -1, .watchdog_ms = KEEP_ALIVE_MS};
    w->signer.monitor.fd = -1;
    w->signer.log = (struct log){.program = "test", .level = LOG_LEVEL_DEBUG, .link = &w->signer.monitor};
    w->signer.tokens[0] = &w->token;
    w->signer.generations = &w->generation;
    w->token = (struct token){.signer = &w->signer,
                              .state = TOKEN_READY,
                              .users = 1,
                              .timeout_ms = 5000,
                              .queue_max = 8,
                              .started_ms = START_MS};
    w->token.spec.module = (char *)(uintptr_t) "/module.so";
    w->token.spec.token = (char *)(uintptr_t) "";
    link_init(&w->token.link, fds[0], ROLE_SIGNER, ROLE_TOKEN);
    link_init(&w->process, fds[1], ROLE_TOKEN, ROLE_SIGNER);
    w->generation = (struct generation){.signer = &w->signer, .state = GENERATION_READY};
    w->generation.plan.replicas = 1;
    w->generation.plan.key_count = 1;
    w->generation.tokens[0] = &w->token;
    w->generation.keys[0].proven.algorithms[0] = keytype_find(sp_text("ssh-ed25519"));
    w->generation.keys[0].proven.algorithm_count = 1;
    *state = w;
    return w->generation.keys[0].proven.algorithms[0] ? 0 : -1;
}

static int close_world(void **state)
{
    struct world *w = *state;
    while (w->token.in_flight.first) {
        struct request *request = w->token.in_flight.first;
        request_remove(&w->token.in_flight, request);
        free(request);
    }
    link_close(&w->token.link);
    link_close(&w->process);
    free(w->inbox);
    free(w);
    return 0;
}

/* What the token process was asked to sign since the last time. */
static size_t asked(struct world *w)
{
    size_t count = 0;
    while (link_receive(&w->process, PHASE_ANY, w->inbox) == 0) {
        assert_int_equal(w->inbox->row->number, MSG_token_sign);
        count++;
    }
    return count;
}

static struct request *take(struct world *w)
{
    struct request *request = w->token.in_flight.first;
    assert_non_null(request);
    request_remove(&w->token.in_flight, request);
    return request;
}

/* As if it had been sent at that time, by whose clock the test runs. */
static void in_flight_since(struct world *w, uint64_t ms)
{
    w->token.in_flight.first->sent_us = ms * 1000;
}

static void a_token_that_signs_for_clients_is_not_asked(void **state)
{
    struct world *w = *state;
    for (uint64_t now = START_MS; now < START_MS + 100000; now += KEEP_ALIVE_MS) {
        w->signer.watchdog.slots[0].signed_ms = now - 5000;
        assert_true(watchdog_look(&w->signer, now));
    }
    assert_int_equal(asked(w), 0);
}

static void an_idle_token_is_asked_for_a_proof_once(void **state)
{
    struct world *w = *state;
    assert_true(watchdog_look(&w->signer, START_MS + 9999));
    assert_int_equal(asked(w), 0);
    assert_true(watchdog_look(&w->signer, START_MS + 10000));
    assert_true(watchdog_look(&w->signer, START_MS + 11000));
    assert_int_equal(asked(w), 1);
    struct request *request = take(w);
    assert_int_equal(request->kind, REQUEST_WATCH);
    assert_int_equal(request->lane, REQUEST_AHEAD);
    struct sp_out proof = {.data = (uint8_t[PROOF_SIZE_MAX]){0}, .capacity = PROOF_SIZE_MAX};
    assert_int_equal(proof_message(&proof), 0);
    assert_true(sp_span_equal(sp_written(&proof), sp_span_of(request->message, request->message_size)));
    watchdog_signed(&w->signer, request);
    assert_int_equal(w->signer.watchdog.slots[0].asked_ms, 0);
    assert_true(w->signer.watchdog.slots[0].signed_ms != 0);
    free(request);
}

static void a_token_that_only_fails_is_held_against_us(void **state)
{
    struct world *w = *state;
    bool well = true;
    uint64_t now = START_MS;
    for (; well && now < START_MS + 60000; now += KEEP_ALIVE_MS) {
        well = watchdog_look(&w->signer, now);
        if (w->token.in_flight.first) {
            struct request *request = take(w);
            watchdog_failed(&w->signer, request, "the token says CKR_GENERAL_ERROR");
            free(request);
        }
    }
    assert_false(well);
    assert_int_equal(now, START_MS + 20 * KEEP_ALIVE_MS + KEEP_ALIVE_MS);
    assert_true(w->signer.watchdog.is_silent);
    assert_int_equal(asked(w), 11); /* at each turn since half of the time had passed */
    /* It recovers by itself: so do we. */
    w->signer.watchdog.slots[0].signed_ms = now;
    assert_true(watchdog_look(&w->signer, now));
    assert_false(w->signer.watchdog.is_silent);
}

static void what_takes_long_is_the_tokens_own_timeout(void **state)
{
    struct world *w = *state;
    assert_true(watchdog_look(&w->signer, START_MS + 19000));
    in_flight_since(w, START_MS + 19000);
    assert_true(watchdog_is_content(&w->signer, &w->token, START_MS + 23999));
    assert_false(watchdog_is_content(&w->signer, &w->token, START_MS + 24000));
}

static void a_token_that_is_away_is_no_reason(void **state)
{
    static const enum token_process states[] = {TOKEN_STOPPED, TOKEN_WAITING, TOKEN_STARTING};
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        w->token.state = states[i];
        assert_true(watchdog_look(&w->signer, START_MS + 10000000));
    }
    assert_int_equal(asked(w), 0);
    /* Back again, it has the whole time before it, and is asked after half of it. */
    w->token.state = TOKEN_READY;
    w->token.started_ms = START_MS + 10000000;
    assert_true(watchdog_look(&w->signer, START_MS + 10000000));
    assert_int_equal(asked(w), 0);
    assert_true(watchdog_look(&w->signer, START_MS + 10010000));
    assert_int_equal(asked(w), 1);
}

static void nothing_is_expected_of_a_token_without_a_key_in_use(void **state)
{
    struct world *w = *state;
    w->generation.keys[0].proven.algorithm_count = 0;
    for (uint64_t now = START_MS; now < START_MS + 100000; now += KEEP_ALIVE_MS)
        assert_true(watchdog_look(&w->signer, now));
    w->signer.generations = NULL;
    for (uint64_t now = START_MS + 100000; now < START_MS + 200000; now += KEEP_ALIVE_MS)
        assert_true(watchdog_look(&w->signer, now));
    assert_int_equal(asked(w), 0);
}

static void an_answer_that_never_comes_is_not_waited_for_for_ever(void **state)
{
    struct world *w = *state;
    assert_true(watchdog_look(&w->signer, START_MS + 10000));
    free(take(w)); /* dropped with its configuration */
    assert_true(watchdog_look(&w->signer, START_MS + 19999));
    assert_int_equal(asked(w), 1);
    (void)!watchdog_look(&w->signer, START_MS + 20000);
    assert_int_equal(asked(w), 1);
}

int main(void)
{
#define CLAIM(name_) cmocka_unit_test_setup_teardown(name_, open_world, close_world)
    const struct CMUnitTest tests[] = {
        CLAIM(a_token_that_signs_for_clients_is_not_asked),
        CLAIM(an_idle_token_is_asked_for_a_proof_once),
        CLAIM(a_token_that_only_fails_is_held_against_us),
        CLAIM(what_takes_long_is_the_tokens_own_timeout),
        CLAIM(a_token_that_is_away_is_no_reason),
        CLAIM(nothing_is_expected_of_a_token_without_a_key_in_use),
        CLAIM(an_answer_that_never_comes_is_not_waited_for_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
