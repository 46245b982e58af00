/* Keys of a generation: found, proven, wrong, away again. Tokens and proofs are played. */
#include "support.h"

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/loop.h"
#include "signer/generation_parts.h"

enum { SOFT, LATE, TOKENS };

struct world {
    struct signer signer;
    struct token tokens[TOKENS];
    struct token_blob blobs[TOKENS];
    uint8_t bytes[TOKENS][64];
    struct generation generation;
};

/* An Ed25519 key whose octets are all of that value. */
static void blob_make(struct world *w, size_t token, uint8_t value)
{
    struct sp_out out = {.data = w->bytes[token], .capacity = sizeof w->bytes[token]};
    uint8_t point[32];
    memset(point, value, sizeof point);
    sp_put_text(&out, "ssh-ed25519");
    sp_put_string(&out, sp_span_of(point, sizeof point));
    w->blobs[token] = (struct token_blob){w->bytes[token], out.size};
}

static int open_world(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (!w)
        return -1;
    w->signer.monitor.fd = -1;
    w->signer.log = (struct log){.program = "test", .level = LOG_LEVEL_ERROR, .link = &w->signer.monitor};
    struct generation *g = &w->generation;
    *g = (struct generation){.signer = &w->signer, .state = GENERATION_TOKENS};
    g->plan = (struct plan){.replicas = 1, .token_count = TOKENS, .key_count = TOKENS};
    for (size_t i = 0; i < TOKENS; i++) {
        w->tokens[i] = (struct token){.signer = &w->signer, .state = TOKEN_READY, .blobs = &w->blobs[i]};
        w->tokens[i].spec.module = (char *)(uintptr_t) "/module.so";
        w->tokens[i].spec.token = (char *)(uintptr_t) "token=x";
        g->tokens[i] = &w->tokens[i];
        g->plan.keys[i] = (struct plan_key){.keyword = "HostKey", .written = "pkcs11:x", .first_token = i};
        blob_make(w, i, (uint8_t)(i + 1));
    }
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < TOKENS; i++)
        key_forget(&w->generation, i);
    free(w);
    return 0;
}

/* As answer.c tells it. failure: NULL if it was signed. */
static void proof_ends(struct world *w, size_t key, const char *failure)
{
    struct generation *g = &w->generation;
    struct request request = {.kind = REQUEST_PROOF,
                              .generation = g,
                              .key = key,
                              .token = g->tokens[key],
                              .keytype = g->keys[key].candidate.algorithms[0]};
    assert_non_null(request.keytype);
    g->proofs_open++;
    generation_proved(&request, failure);
    assert_int_equal(g->proofs_open, 0);
}

static void serve_with_the_first(struct world *w)
{
    w->tokens[LATE].state = TOKEN_WAITING;
    assert_int_equal(keys_begin(&w->generation), 0);
    proof_ends(w, SOFT, NULL);
    keys_end(&w->generation);
    w->generation.state = GENERATION_READY;
    assert_int_equal(w->generation.keys[SOFT].state, KEY_PROVEN);
}

static void keys_of_tokens_that_are_away_are_awaited(void **state)
{
    struct world *w = *state;
    serve_with_the_first(w);
    const struct generation_key *key = &w->generation.keys[LATE];
    assert_int_equal(key->state, KEY_AWAITED);
    assert_int_equal(key->proven.algorithm_count, 0);
    assert_int_equal(keys_signing(&w->generation, KEY_PROVEN), 1);
}

static void a_key_that_is_found_joins_when_it_has_proved_itself(void **state)
{
    struct world *w = *state;
    serve_with_the_first(w);
    w->tokens[LATE].state = TOKEN_READY;
    assert_int_equal(keys_begin(&w->generation), 0);
    const struct generation_key *key = &w->generation.keys[LATE];
    assert_int_equal(key->state, KEY_PROVING);
    assert_int_equal(key->proven.algorithm_count, 0); /* nobody is sent there before */
    proof_ends(w, LATE, NULL);
    keys_end(&w->generation);
    assert_int_equal(key->state, KEY_PROVEN);
    assert_int_equal(key->proven.algorithm_count, 1);
    assert_int_equal(w->generation.keys[SOFT].state, KEY_PROVEN);
}

static void a_key_that_proves_nothing_ends_a_generation_that_serves_nobody(void **state)
{
    struct world *w = *state;
    assert_int_equal(keys_begin(&w->generation), 0);
    proof_ends(w, SOFT, NULL);
    proof_ends(w, LATE, "its signatures are wrong");
    keys_end(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_FAILED);
}

static void a_key_that_proves_nothing_does_no_harm_to_one_that_serves(void **state)
{
    struct world *w = *state;
    serve_with_the_first(w);
    w->tokens[LATE].state = TOKEN_READY;
    assert_int_equal(keys_begin(&w->generation), 0);
    proof_ends(w, LATE, "its signatures are wrong");
    keys_end(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_READY);
    assert_int_equal(w->generation.keys[LATE].state, KEY_WRONG);
    assert_int_equal(w->generation.keys[LATE].proven.algorithm_count, 0);
    assert_int_equal(keys_begin(&w->generation), 0); /* nor is it tried again */
    assert_int_equal(w->generation.keys[LATE].state, KEY_WRONG);
}

static void a_key_whose_token_was_lost_on_the_way_is_awaited_again(void **state)
{
    struct world *w = *state;
    serve_with_the_first(w);
    w->tokens[LATE].state = TOKEN_READY;
    assert_int_equal(keys_begin(&w->generation), 0);
    w->tokens[LATE].state = TOKEN_WAITING;
    proof_ends(w, LATE, "its process ended");
    keys_end(&w->generation);
    assert_int_equal(w->generation.keys[LATE].state, KEY_AWAITED);
    assert_string_equal(key_trouble(&w->generation, LATE), "ssh-ed25519: its process ended");
    w->tokens[LATE].state = TOKEN_READY;
    assert_int_equal(keys_begin(&w->generation), 0);
    proof_ends(w, LATE, NULL);
    keys_end(&w->generation);
    assert_int_equal(w->generation.keys[LATE].state, KEY_PROVEN);
}

static void a_reload_does_not_wait_for_a_token_that_was_lost_on_the_way(void **state)
{
    struct world *w = *state;
    w->generation.reload = true;
    assert_int_equal(keys_begin(&w->generation), 0);
    proof_ends(w, SOFT, NULL);
    w->tokens[LATE].state = TOKEN_WAITING;
    proof_ends(w, LATE, "its process ended");
    keys_end(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_FAILED);
}

static void a_key_waits_for_all_processes_on_its_token(void **state)
{
    struct world *w = *state;
    w->generation.plan.replicas = TOKENS;
    w->generation.plan.key_count = 1;
    blob_make(w, LATE, 1);
    w->tokens[LATE].state = TOKEN_STARTING;
    assert_int_equal(keys_begin(&w->generation), 0);
    assert_int_equal(w->generation.keys[0].state, KEY_AWAITED);
    w->tokens[LATE].state = TOKEN_READY;
    assert_int_equal(keys_begin(&w->generation), 0);
    assert_int_equal(w->generation.keys[0].state, KEY_PROVING);
}

static void processes_that_see_different_keys_are_a_mistake(void **state)
{
    struct world *w = *state;
    w->generation.plan.replicas = TOKENS;
    w->generation.plan.key_count = 1;
    assert_int_equal(keys_begin(&w->generation), 0);
    assert_int_equal(w->generation.state, GENERATION_FAILED);
}

static void a_key_of_no_type_of_ours_is_a_mistake(void **state)
{
    struct world *w = *state;
    w->blobs[LATE].size--;
    assert_int_equal(keys_begin(&w->generation), 0);
    assert_int_equal(w->generation.state, GENERATION_FAILED);
}

static void a_staged_key_does_not_count_as_one_that_signs(void **state)
{
    struct world *w = *state;
    w->generation.plan.keys[SOFT].staged = true;
    assert_int_equal(keys_begin(&w->generation), 0);
    assert_int_equal(keys_in(&w->generation, KEY_PROVING), 2);
    assert_int_equal(keys_signing(&w->generation, KEY_PROVING), 1);
}

/* ---- the offer --------------------------------------------------------------------------------------------- */

/* With a policy that allows whatever there is. */
static void offer_as_it_is(struct world *w)
{
    struct generation *g = &w->generation;
    bool changed = false;
    if (!g->variants[0].effective) {
        g->variant_count = 1;
        g->variants[0].spec = (char *)(uintptr_t) "TEST";
        g->variants[0].effective = test_calloc(1, sizeof *g->variants[0].effective);
        for (size_t i = 0; i < POLICY_KINDS; i++)
            strcpy(g->variants[0].effective->lists[i], i == POLICY_HOST_KEY ? "ssh-ed25519" : "x");
    }
    assert_int_equal(offer_renew(g, &changed), 0);
    assert_true(changed);
}

static struct sp_span offered_first(const struct world *w)
{
    struct sp_span keys = w->generation.offers->offer.keys;
    struct offer_key key;
    assert_true(offer_next_key(&keys, &key));
    return key.blob;
}

/* Else a connection's host key would become another one in the middle. */
static void a_key_that_joins_does_not_take_the_place_of_one_with_its_algorithm(void **state)
{
    struct world *w = *state;
    struct generation *g = &w->generation;
    g->plan.keys[0].first_token = LATE; /* written before the other one */
    g->plan.keys[1].first_token = SOFT;
    w->tokens[LATE].state = TOKEN_WAITING;
    assert_int_equal(keys_begin(g), 0);
    proof_ends(w, 1, NULL);
    keys_end(g);
    g->state = GENERATION_READY;
    offer_as_it_is(w);
    assert_true(sp_span_equal(offered_first(w), g->keys[1].proven.blob));
    w->tokens[LATE].state = TOKEN_READY;
    assert_int_equal(keys_begin(g), 0);
    proof_ends(w, 0, NULL);
    keys_end(g);
    offer_as_it_is(w);
    assert_non_null(g->offers->older);
    assert_true(sp_span_equal(offered_first(w), g->keys[1].proven.blob));
    offers_free(g);
    test_free(g->variants[0].effective);
}

/* ---- what is decided when tokens are away ------------------------------------------------------------------ */

static void tokens_miss(struct world *w, unsigned losses, bool missing)
{
    w->generation.deadline_ms = clock_ms() + 100000;
    for (size_t i = 0; i < TOKENS; i++) {
        w->tokens[i].state = TOKEN_WAITING;
        w->tokens[i].missing = missing;
        w->tokens[i].losses = losses;
    }
}

static void a_start_waits_when_every_token_is_away(void **state)
{
    struct world *w = *state;
    tokens_miss(w, 3, true);
    generation_step(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_TOKENS);
    assert_true(w->generation.is_waiting);
    /* As long as nothing comes, nothing follows. */
    generation_step(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_TOKENS);
}

static void nothing_is_given_up_at_the_first_loss(void **state)
{
    struct world *w = *state;
    tokens_miss(w, 2, true);
    generation_step(&w->generation);
    assert_false(w->generation.is_waiting);
    tokens_miss(w, 3, false); /* one that dies may be a moment's mishap for longer than one that is missing */
    generation_step(&w->generation);
    assert_false(w->generation.is_waiting);
    tokens_miss(w, 4, false);
    generation_step(&w->generation);
    assert_true(w->generation.is_waiting);
}

static void time_is_up_for_what_says_nothing(void **state)
{
    struct world *w = *state;
    tokens_miss(w, 0, false);
    w->generation.deadline_ms = clock_ms();
    generation_step(&w->generation);
    assert_true(w->generation.is_waiting);
}

static void a_reload_is_refused_for_a_token_that_was_there(void **state)
{
    struct world *w = *state;
    tokens_miss(w, 3, true);
    w->tokens[SOFT].state = TOKEN_READY;
    w->generation.reload = true;
    generation_step(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_FAILED);
}

static void a_reload_without_any_key_is_refused(void **state)
{
    struct world *w = *state;
    tokens_miss(w, 3, true);
    w->generation.reload = w->generation.was_away[SOFT] = w->generation.was_away[LATE] = true;
    generation_step(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_FAILED);
}

static void what_is_wrong_ends_a_start_whatever_else_is_there(void **state)
{
    struct world *w = *state;
    tokens_miss(w, 3, true);
    w->tokens[SOFT].state = TOKEN_READY;
    w->tokens[LATE].state = TOKEN_STOPPED;
    generation_step(&w->generation);
    assert_int_equal(w->generation.state, GENERATION_FAILED);
}

/* They start one after the other: no loss of their own is to be waited for. */
static void processes_behind_one_that_is_away_are_away(void **state)
{
    struct world *w = *state;
    w->generation.plan.replicas = TOKENS;
    w->generation.plan.key_count = 1;
    tokens_miss(w, 3, true);
    w->tokens[LATE].spec.replica = 1;
    w->tokens[LATE].losses = 0;
    generation_step(&w->generation);
    assert_true(w->generation.is_waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keys_of_tokens_that_are_away_are_awaited, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_key_that_is_found_joins_when_it_has_proved_itself, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_key_that_proves_nothing_ends_a_generation_that_serves_nobody,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_key_that_proves_nothing_does_no_harm_to_one_that_serves, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_key_whose_token_was_lost_on_the_way_is_awaited_again, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_reload_does_not_wait_for_a_token_that_was_lost_on_the_way,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_key_waits_for_all_processes_on_its_token, open_world, close_world),
        cmocka_unit_test_setup_teardown(processes_that_see_different_keys_are_a_mistake, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_key_of_no_type_of_ours_is_a_mistake, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_staged_key_does_not_count_as_one_that_signs, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_key_that_joins_does_not_take_the_place_of_one_with_its_algorithm,
                                        open_world, close_world),
        cmocka_unit_test_setup_teardown(a_start_waits_when_every_token_is_away, open_world, close_world),
        cmocka_unit_test_setup_teardown(nothing_is_given_up_at_the_first_loss, open_world, close_world),
        cmocka_unit_test_setup_teardown(time_is_up_for_what_says_nothing, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_reload_is_refused_for_a_token_that_was_there, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(a_reload_without_any_key_is_refused, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_is_wrong_ends_a_start_whatever_else_is_there, open_world,
                                        close_world),
        cmocka_unit_test_setup_teardown(processes_behind_one_that_is_away_are_away, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
