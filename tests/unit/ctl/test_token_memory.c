/* Which token a PIN is remembered for. */
#include "support.h"

#include <string.h>

#include "ctl/token_memory.h"

static const struct sp_token_slot slots[] = {
    {.label = "one",
     .serial = "0a",
     .model = "M 1",
     .manufacturer = "Maker; Inc",
     .flags = SP_TOKEN_INITIALISED},
    {.label = "two",
     .serial = "0b",
     .model = "M 1",
     .manufacturer = "Maker; Inc",
     .flags = SP_TOKEN_INITIALISED},
    {.label = "", .serial = "0c", .model = "M 1", .manufacturer = "Maker; Inc"},
};
#define ALL_OF_ONE "token=one;manufacturer=Maker%3B%20Inc;serial=0a;model=M%201"

static const char *identified(const char *asked, size_t count)
{
    static char text[REFUSED_TOKEN_MAX];
    token_identify(slots, count, asked, text);
    return text;
}

static void a_token_is_known_by_all_that_it_says(void **state)
{
    assert_string_equal(identified("token=one", 3), ALL_OF_ONE);
    assert_string_equal(identified("serial=0a", 3), ALL_OF_ONE);
    assert_string_equal(identified("", 1), ALL_OF_ONE);
}

static void what_is_not_one_token_stays_as_it_was_asked_for(void **state)
{
    assert_string_equal(identified("", 3), "");
    assert_string_equal(identified("model=M%201", 3), "model=M%201");
    assert_string_equal(identified("token=three", 3), "token=three");
    assert_string_equal(identified("serial=0c", 3), "serial=0c"); /* it has no PIN yet */
}

static void no_token_fills_more_than_its_room(void **state)
{
    struct sp_token_slot slot = {.flags = SP_TOKEN_INITIALISED};
    char text[REFUSED_TOKEN_MAX];
    memset(slot.label, ';', sizeof slot.label - 1);
    memset(slot.serial, ';', sizeof slot.serial - 1);
    memset(slot.model, ';', sizeof slot.model - 1);
    memset(slot.manufacturer, ';', sizeof slot.manufacturer - 1);
    token_attributes(&slot, text);
    assert_true(strlen(text) < REFUSED_TOKEN_MAX);
    assert_non_null(strstr(text, ";model=%3B"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_known_by_all_that_it_says),
        cmocka_unit_test(what_is_not_one_token_stays_as_it_was_asked_for),
        cmocka_unit_test(no_token_fills_more_than_its_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
