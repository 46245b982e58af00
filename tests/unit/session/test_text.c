/* session/conversation.c and dialogue.c: texts of modules on their way to a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include <sallyport/wire.h>

#include "session/dialogue.h"

static void lines_are_appended(void **state)
{
    char room[64] = "";
    text_add_line(room, sizeof room, "one");
    text_add_line(room, sizeof room, "two\n");
    assert_string_equal(room, "one\ntwo\n");
}

static void control_characters_are_dropped(void **state)
{
    char room[64] = "";
    text_add_line(room, sizeof room,
                  "a\033[2Jb\a\x7f\tc\xc2\x9b"
                  "d\xc3\xa9");
    assert_string_equal(room, "a[2Jb\tcd\xc3\xa9\n");
}

static void full_room_cuts(void **state)
{
    char room[8] = "";
    text_add_line(room, sizeof room, "0123456789");
    text_add_line(room, sizeof room, "more");
    assert_true(strlen(room) < sizeof room);
    assert_memory_equal(room, "012345", 6);
}

static void empty_prompt_is_given_a_word(void **state)
{
    struct dialogue dialogue = {0};
    assert_int_equal(dialogue_add_prompt(&dialogue, "", false), 0);
    assert_int_equal(dialogue_add_prompt(&dialogue, NULL, true), 0);
    struct sp_in in = sp_in_of(sp_span_of(dialogue.prompts, dialogue.prompts_size));
    assert_true(sp_span_is(sp_get_string(&in, 64), "Response: "));
    assert_int_equal(sp_get_u8(&in), 0);
    assert_true(sp_span_is(sp_get_string(&in, 64), "Response: "));
    assert_int_equal(sp_get_u8(&in), 1);
    assert_int_equal(sp_get_end(&in), 0);
    assert_int_equal(dialogue.count, 2);
}

static void prompts_are_bounded(void **state)
{
    struct dialogue dialogue = {0};
    char prompt[1024];
    memset(prompt, 'x', sizeof prompt - 1);
    prompt[sizeof prompt - 1] = 0;
    int r = 0;
    for (int i = 0; i < 32 && r == 0; i++)
        r = dialogue_add_prompt(&dialogue, prompt, false);
    assert_int_equal(r, -E2BIG);
    assert_true(dialogue.prompts_size <= sizeof dialogue.prompts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_appended),  cmocka_unit_test(control_characters_are_dropped),
        cmocka_unit_test(full_room_cuts),      cmocka_unit_test(empty_prompt_is_given_a_word),
        cmocka_unit_test(prompts_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
