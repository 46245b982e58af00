/* The waiting room: whose turn it is, who has no place, and that it is whole whatever is taken out of it. */
#include "support.h"

#include <errno.h>
#include <stdio.h>

#include "signer/fair.h"

#define REQUESTS 400u

/* The linker has the room's calls of calloc() come here (meson.build). */
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
static bool memory_is_out;
void *__wrap_calloc(size_t count, size_t size)
{
    return memory_is_out ? NULL : __real_calloc(count, size);
}

static struct request requests[REQUESTS];
static size_t made;

static void begin(struct fair *room)
{
    *room = (struct fair){.count = 0};
    memset(requests, 0, sizeof requests);
    made = 0;
}

static struct request *make(const char *address, enum request_lane lane)
{
    struct request *request = &requests[made++];
    request->ticket = made;
    request->lane = lane;
    request->source = fair_source_of(address);
    return request;
}

/* With room for it. */
static struct request *put(struct fair *room, const char *address, enum request_lane lane)
{
    struct request *loser, *request = make(address, lane);
    assert_int_equal(fair_put(room, request, SIZE_MAX, &loser), 0);
    assert_null(loser);
    return request;
}

static struct request *put_bounded(struct fair *room, const char *address, enum request_lane lane,
                                   size_t limit)
{
    struct request *loser, *request = make(address, lane);
    assert_int_equal(fair_put(room, request, limit, &loser), 0);
    return loser;
}

static void drain(struct fair *room)
{
    while (fair_take(room))
        ;
    assert_int_equal(room->count, 0);
    assert_null(room->sources);
    assert_null(room->oldest);
    assert_null(room->newest);
    assert_null(room->lanes[REQUEST_FIRST].first);
    assert_null(room->lanes[REQUEST_REKEY].first);
    assert_int_equal(room->lanes[REQUEST_FIRST].count, 0);
    assert_int_equal(room->lanes[REQUEST_REKEY].count, 0);
}

/* Which address the n-th IPv6 network of ours has. */
static const char *network(unsigned n)
{
    static char text[64];
    snprintf(text, sizeof text, "2001:db8:%x:%x::1", n / 65536, n % 65536);
    return text;
}

static void serves_one_source_in_its_order(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 5; i++)
        put(&room, "192.0.2.1", REQUEST_FIRST);
    for (uint64_t ticket = 1; ticket <= 5; ticket++)
        assert_int_equal(fair_take(&room)->ticket, ticket);
    assert_null(fair_take(&room));
    drain(&room);
}

static void serves_sources_in_turn(void **state)
{
    static const uint64_t order[] = {1, 301, 303, 2, 302, 3, 4};
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 300; i++)
        put(&room, "192.0.2.1", REQUEST_FIRST);
    put(&room, "192.0.2.2", REQUEST_FIRST);
    put(&room, "192.0.2.2", REQUEST_FIRST);
    put(&room, "192.0.2.3", REQUEST_FIRST);
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        assert_int_equal(fair_take(&room)->ticket, order[i]);
    drain(&room);
}

/* Else who has one connection at a time would always come before the one who has many, or never. */
static void a_source_that_comes_back_waits_for_one_round(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 50; i++) {
        put(&room, "192.0.2.1", REQUEST_FIRST);
        put(&room, "192.0.2.2", REQUEST_FIRST);
    }
    for (size_t i = 0; i < 20; i++) {
        struct request *mine = put(&room, "192.0.2.9", REQUEST_FIRST);
        size_t before = 0;
        while (fair_take(&room) != mine)
            before++;
        assert_in_range(before, 0, 2);
    }
    drain(&room);
}

static void an_ipv6_network_is_one_source(void **state)
{
    struct fair room;
    begin(&room);
    put(&room, "2001:db8:1:2::1", REQUEST_FIRST);
    put(&room, "2001:db8:1:2:ffff:ffff:ffff:ffff", REQUEST_FIRST);
    struct request *other = put(&room, "2001:db8:1:3::1", REQUEST_FIRST);
    assert_int_equal(fair_take(&room)->ticket, 1);
    assert_ptr_equal(fair_take(&room), other);
    assert_int_equal(fair_take(&room)->ticket, 2);
    drain(&room);
}

static void ipv4_addresses_are_sources_each(void **state)
{
    const struct request_source a = fair_source_of("192.0.2.1"), b = fair_source_of("192.0.2.2");
    const struct request_source mapped = fair_source_of("::ffff:192.0.2.1");
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_memory_equal(&a, &mapped, sizeof a);
}

/* An IPv6 network must not pass for an IPv4 address that has the same octets, nor for whoever has no address. */
static void families_do_not_mix(void **state)
{
    const struct request_source four = fair_source_of("32.1.13.184"), six = fair_source_of("2001:db8::1");
    const struct request_source none = fair_source_of(NULL), zero = fair_source_of("::1");
    const struct request_source word = fair_source_of("not-an-address");
    assert_memory_not_equal(&four, &six, sizeof four);
    assert_memory_not_equal(&none, &zero, sizeof none);
    assert_memory_equal(&none, &word, sizeof none);
}

static void rekeys_and_first_exchanges_take_turns(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 10; i++) {
        put(&room, "192.0.2.1", REQUEST_FIRST);
        put(&room, "192.0.2.2", REQUEST_REKEY);
    }
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(fair_take(&room)->lane, REQUEST_REKEY);
        assert_int_equal(fair_take(&room)->lane, REQUEST_FIRST);
    }
    drain(&room);
}

/* Its own flood of first exchanges does not keep a source's sessions waiting. */
static void a_rekey_passes_first_exchanges_of_its_own_source(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 100; i++)
        put(&room, "192.0.2.1", REQUEST_FIRST);
    struct request *rekey = put(&room, "192.0.2.1", REQUEST_REKEY);
    struct request *first = fair_take(&room), *second = fair_take(&room);
    assert_true(first == rekey || second == rekey);
    drain(&room);
}

static void what_is_ahead_comes_first_and_always_has_room(void **state)
{
    struct fair room;
    begin(&room);
    put(&room, "192.0.2.1", REQUEST_FIRST);
    assert_null(put_bounded(&room, NULL, REQUEST_AHEAD, 1));
    assert_null(put_bounded(&room, NULL, REQUEST_AHEAD, 1));
    struct request *lost = make("192.0.2.5", REQUEST_REKEY);
    fair_put_back(&room, lost);
    assert_ptr_equal(fair_take(&room), lost);
    assert_int_equal(fair_take(&room)->ticket, 2);
    assert_int_equal(fair_take(&room)->ticket, 3);
    assert_int_equal(fair_take(&room)->ticket, 1);
    drain(&room);
}

/* It does not count against the clients' bound either. */
static void what_is_ahead_takes_nobody_s_place(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 10; i++)
        put(&room, NULL, REQUEST_AHEAD);
    assert_null(put_bounded(&room, "192.0.2.1", REQUEST_FIRST, 1));
    assert_non_null(put_bounded(&room, "192.0.2.2", REQUEST_FIRST, 1));
    drain(&room);
}

static void a_full_room_takes_no_more_of_the_fullest_source(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 8; i++)
        assert_null(put_bounded(&room, "192.0.2.1", REQUEST_FIRST, 8));
    struct request *loser = put_bounded(&room, "192.0.2.1", REQUEST_FIRST, 8);
    assert_ptr_equal(loser, &requests[8]);
    assert_null(loser->room);
    assert_int_equal(room.count, 8);
    drain(&room);
}

static void the_fullest_source_makes_place_with_its_newest(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 8; i++)
        assert_null(put_bounded(&room, "192.0.2.1", REQUEST_FIRST, 8));
    struct request *loser = put_bounded(&room, "192.0.2.2", REQUEST_FIRST, 8);
    assert_ptr_equal(loser, &requests[7]);
    assert_null(loser->room);
    assert_int_equal(room.count, 8);
    assert_int_equal(fair_take(&room)->ticket, 1);
    assert_int_equal(fair_take(&room)->ticket, 9);
    drain(&room);
}

/* However it floods, before or after the other, and however the other comes. */
static void a_flood_ends_up_with_an_equal_share(void **state)
{
    struct fair room;
    begin(&room);
    for (size_t i = 0; i < 100; i++)
        (void)put_bounded(&room, "192.0.2.1", REQUEST_FIRST, 16);
    for (size_t i = 0; i < 100; i++)
        (void)put_bounded(&room, "192.0.2.2", REQUEST_FIRST, 16);
    for (size_t i = 0; i < 100; i++)
        (void)put_bounded(&room, "192.0.2.1", REQUEST_FIRST, 16);
    size_t count[2] = {0};
    assert_int_equal(room.count, 16);
    for (struct request *request; (request = fair_take(&room));)
        count[request->source.network[3] - 1]++;
    assert_int_equal(count[0], 8);
    assert_int_equal(count[1], 8);
    drain(&room);
}

static void among_equals_who_comes_last_has_no_place(void **state)
{
    struct fair room;
    begin(&room);
    for (unsigned i = 0; i < 16; i++)
        assert_null(put_bounded(&room, network(i), REQUEST_FIRST, 16));
    assert_ptr_equal(put_bounded(&room, network(99), REQUEST_FIRST, 16), &requests[16]);
    drain(&room);
}

static void a_rekey_takes_the_place_of_a_first_exchange(void **state)
{
    struct fair room;
    begin(&room);
    for (unsigned i = 0; i < 16; i++)
        assert_null(put_bounded(&room, network(i), REQUEST_FIRST, 16));
    for (unsigned i = 0; i < 8; i++) {
        struct request *loser = put_bounded(&room, network(100 + i), REQUEST_REKEY, 16);
        assert_non_null(loser);
        assert_int_equal(loser->lane, REQUEST_FIRST);
    }
    /* half of the room is theirs now, and no more */
    struct request *loser = put_bounded(&room, network(200), REQUEST_REKEY, 16);
    assert_int_equal(loser->lane, REQUEST_REKEY);
    assert_ptr_equal(loser, &requests[made - 1]);
    assert_int_equal(room.lanes[REQUEST_REKEY].count, 8);
    drain(&room);
}

static void a_first_exchange_goes_before_a_rekey_does(void **state)
{
    struct fair room;
    begin(&room);
    struct request *first = put(&room, "192.0.2.1", REQUEST_FIRST);
    put(&room, "192.0.2.1", REQUEST_REKEY);
    put(&room, "192.0.2.1", REQUEST_REKEY);
    assert_ptr_equal(put_bounded(&room, "192.0.2.2", REQUEST_FIRST, 3), first);
    drain(&room);
}

static void nobody_has_a_place_in_a_room_of_none(void **state)
{
    struct fair room;
    begin(&room);
    assert_ptr_equal(put_bounded(&room, "192.0.2.1", REQUEST_FIRST, 0), &requests[0]);
    assert_ptr_equal(put_bounded(&room, "192.0.2.1", REQUEST_REKEY, 0), &requests[1]);
    drain(&room);
}

/* Each source of a full room holds its place, and whoever comes from elsewhere without memory for it gets none. */
static void without_memory_nobody_loses_a_place(void **state)
{
    struct fair room;
    struct request *loser;
    begin(&room);
    for (unsigned i = 0; i < 8; i++)
        (void)put(&room, "192.0.2.1", REQUEST_FIRST);
    struct request *late = make("192.0.2.2", REQUEST_FIRST);
    memory_is_out = true;
    int r = fair_put(&room, late, 8, &loser);
    memory_is_out = false;
    assert_int_equal(r, -ENOMEM);
    assert_null(loser);
    assert_int_equal(room.count, 8);
    assert_int_equal(fair_put(&room, late, 8, &loser), 0);
    assert_non_null(loser);
    assert_ptr_not_equal(loser, late);
    drain(&room);
}

/* A rekey may take the place of the only other request of its own source. */
static void a_source_outlives_its_last_request_for_the_next_one(void **state)
{
    struct fair room;
    begin(&room);
    struct request *first = put(&room, "192.0.2.1", REQUEST_FIRST);
    (void)put(&room, "192.0.2.2", REQUEST_FIRST);
    (void)put(&room, "192.0.2.3", REQUEST_FIRST);
    (void)put(&room, "192.0.2.4", REQUEST_FIRST);
    assert_ptr_equal(put_bounded(&room, "192.0.2.1", REQUEST_REKEY, 4), first);
    assert_int_equal(room.count, 4);
    drain(&room);
}

static void removes_from_anywhere(void **state)
{
    static const char *const addresses[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1"};
    struct fair room;
    for (size_t at = 0; at < 12; at++) {
        begin(&room);
        for (size_t i = 0; i < 12; i++)
            put(&room, addresses[i % 3], i % 4 == 3 ? REQUEST_AHEAD : i % 2 ? REQUEST_REKEY : REQUEST_FIRST);
        fair_remove(&room, &requests[at]);
        assert_null(requests[at].room);
        size_t left = 0;
        for (struct request *request; (request = fair_take(&room)); left++)
            assert_ptr_not_equal(request, &requests[at]);
        assert_int_equal(left, 11);
        drain(&room);
    }
}

static void keeps_the_order_of_coming_for_who_looks_at_all(void **state)
{
    struct fair room;
    begin(&room);
    put(&room, "192.0.2.1", REQUEST_FIRST);
    put(&room, NULL, REQUEST_AHEAD);
    put(&room, "192.0.2.2", REQUEST_REKEY);
    put(&room, "192.0.2.1", REQUEST_FIRST);
    fair_remove(&room, &requests[2]);
    const struct request *at = room.oldest;
    for (uint64_t ticket = 1; ticket <= 4; ticket++) {
        if (ticket == 3)
            continue;
        assert_int_equal(at->ticket, ticket);
        assert_ptr_equal(at->room, &room);
        at = at->younger;
    }
    assert_null(at);
    drain(&room);
}

/* Anything in any order: what was put in and neither lost nor removed comes out, once, and the bound holds all along. */
static void is_whole_after_anything(void **state)
{
    struct fair room;
    uint32_t random = 1;
    for (unsigned round = 0; round < 200; round++) {
        bool is_in[REQUESTS] = {false};
        size_t in = 0, ahead = 0;
        begin(&room);
        while (made < REQUESTS) {
            random = random * 1664525u + 1013904223u;
            unsigned pick = random >> 24, which = (random >> 16) & 255;
            if (pick < 160) {
                enum request_lane lane = which % 8 == 0   ? REQUEST_AHEAD
                                         : which % 3 == 0 ? REQUEST_REKEY
                                                          : REQUEST_FIRST;
                struct request *loser = put_bounded(&room, network(pick % 7), lane, 20);
                is_in[made - 1] = true;
                in++;
                ahead += lane == REQUEST_AHEAD;
                if (loser) {
                    assert_true(is_in[loser - requests]);
                    is_in[loser - requests] = false;
                    in--;
                }
            } else if (pick < 210) {
                struct request *taken = fair_take(&room);
                assert_true((taken != NULL) == (in != 0));
                if (taken) {
                    assert_true(is_in[taken - requests]);
                    is_in[taken - requests] = false;
                    in--;
                }
            } else if (made && is_in[which % made]) {
                fair_remove(&room, &requests[which % made]);
                is_in[which % made] = false;
                in--;
            }
            assert_int_equal(room.count, in);
            assert_in_range(room.lanes[REQUEST_FIRST].count + room.lanes[REQUEST_REKEY].count, 0, 20);
        }
        for (struct request *request; (request = fair_take(&room)); in--)
            assert_true(is_in[request - requests]);
        assert_int_equal(in, 0);
        assert_true(ahead != 0);
        drain(&room);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_one_source_in_its_order),
        cmocka_unit_test(serves_sources_in_turn),
        cmocka_unit_test(a_source_that_comes_back_waits_for_one_round),
        cmocka_unit_test(an_ipv6_network_is_one_source),
        cmocka_unit_test(ipv4_addresses_are_sources_each),
        cmocka_unit_test(families_do_not_mix),
        cmocka_unit_test(rekeys_and_first_exchanges_take_turns),
        cmocka_unit_test(a_rekey_passes_first_exchanges_of_its_own_source),
        cmocka_unit_test(what_is_ahead_comes_first_and_always_has_room),
        cmocka_unit_test(what_is_ahead_takes_nobody_s_place),
        cmocka_unit_test(a_full_room_takes_no_more_of_the_fullest_source),
        cmocka_unit_test(the_fullest_source_makes_place_with_its_newest),
        cmocka_unit_test(a_flood_ends_up_with_an_equal_share),
        cmocka_unit_test(among_equals_who_comes_last_has_no_place),
        cmocka_unit_test(a_rekey_takes_the_place_of_a_first_exchange),
        cmocka_unit_test(a_first_exchange_goes_before_a_rekey_does),
        cmocka_unit_test(nobody_has_a_place_in_a_room_of_none),
        cmocka_unit_test(without_memory_nobody_loses_a_place),
        cmocka_unit_test(a_source_outlives_its_last_request_for_the_next_one),
        cmocka_unit_test(removes_from_anywhere),
        cmocka_unit_test(keeps_the_order_of_coming_for_who_looks_at_all),
        cmocka_unit_test(is_whole_after_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
