/* Tokens in words. Input: the server's answer, which is root's and is escaped by nobody else. Output: a line for each process. */
#include "ctl/tokens.h"

#include <stdio.h>

#include "ctl/found.h"

/* U+0080 to U+009F: one of them begins a terminal's commands as ESC [ does. */
static bool is_c1(const char *text)
{
    return (unsigned char)text[0] == 0xc2 && ((unsigned char)text[1] & 0xe0) == 0x80;
}

/* Modules have a say in names and reasons. */
static void text_print(const char *text)
{
    for (; *text; text++) {
        bool is_pair = is_c1(text);
        putchar(is_pair || (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
        text += is_pair ? 1 : 0;
    }
}

static size_t keys_that_sign(const json_t *keys)
{
    size_t i, count = 0;
    json_t *key;
    json_array_foreach(keys, i, key) count += found_is(key, "can_sign") ? 1 : 0;
    return count;
}

static void token_show(const json_t *token)
{
    const json_t *keys = json_object_get(token, "keys");
    const char *why = found_get(token, "why");
    printf("  ");
    text_print(found_get(token, "token"));
    if (found_number(token, "process") != 0)
        printf(" (process %lld)", (long long)found_number(token, "process") + 1);
    printf(": %s for %lld s, %zu of %zu host keys can sign", found_get(token, "state"),
           (long long)found_number(token, "seconds"), keys_that_sign(keys), json_array_size(keys));
    if (*why) {
        printf("; ");
        text_print(why);
    }
    printf("\n");
}

void tokens_show(const json_t *answer)
{
    const json_t *tokens = json_object_get(answer, "tokens");
    size_t i;
    json_t *token;
    if (json_array_size(tokens) == 0)
        return;
    printf("Tokens:\n");
    json_array_foreach(tokens, i, token) token_show(token);
}
