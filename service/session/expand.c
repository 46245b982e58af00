/* Expansion of path patterns. Input: a configured pattern, the account. Output: an absolute path. */
#include "session/expand.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "session/account.h"

static bool append(char *path, size_t size, size_t *used, const char *text)
{
    size_t length = strlen(text);
    if (length >= size - *used)
        return false;
    memcpy(path + *used, text, length + 1);
    *used += length;
    return true;
}

static bool append_token(char *path, size_t size, size_t *used, char token, const struct account *account)
{
    char uid[16];
    snprintf(uid, sizeof uid, "%u", account->uid);
    const struct {
        char token;
        const char *text;
    } tokens[] = {{'%', "%"}, {'h', account->home}, {'u', account->name}, {'U', uid}};
    for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
        if (tokens[i].token == token)
            return append(path, size, used, tokens[i].text);
    return false;
}

static int expand_tokens(const char *pattern, const struct account *account, char *path, size_t size)
{
    size_t used = 0;
    path[0] = 0;
    for (const char *at = pattern; *at; at++) {
        const char plain[2] = {*at, 0};
        bool fits =
            *at == '%' ? append_token(path, size, &used, *++at, account) : append(path, size, &used, plain);
        if (!fits)
            return EXPAND_E_INVALID;
    }
    return 0;
}

int expand_path(const char *pattern, const struct account *account, char *path, size_t size)
{
    char expanded[4096];
    /* An account that is not valid has no files; its name, which may hold a slash, chooses none. */
    char nowhere[] = "/nonexistent";
    const struct account nobody = {.name = "invalid-user", .uid = ACCOUNT_NOBODY, .home = nowhere};
    const struct account *who = account->valid ? account : &nobody;
    int r = expand_tokens(pattern, who, expanded, sizeof expanded);
    if (r)
        return r;
    int n = expanded[0] == '/' ? snprintf(path, size, "%s", expanded)
                               : snprintf(path, size, "%s/%s", who->home, expanded);
    return n < 0 || (size_t)n >= size ? EXPAND_E_INVALID : 0;
}
