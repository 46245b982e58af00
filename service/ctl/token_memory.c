/* The memory of refused PINs, in the tool. Input: the token that is to be logged in to, and the signer's file. Output: whether
 * the PIN may be sent. */
#include "ctl/token_memory.h"

#include <stdio.h>
#include <string.h>

#include <sallyport/wire.h>

#include "signer/pin_source.h"

#define CREDENTIALS_OF_SIGNER "/run/credentials/sallyport-signer.service"

const char *token_credentials(void)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    return credentials ? credentials : CREDENTIALS_OF_SIGNER;
}

/* ---- which token ------------------------------------------------------------------------------------------- */

void token_attributes(const struct sp_token_slot *slot, char text[REFUSED_TOKEN_MAX])
{
    const struct {
        const char *name, *value;
    } rows[] = {{"token", slot->label},
                {"manufacturer", slot->manufacturer},
                {"serial", slot->serial},
                {"model", slot->model}};
    struct sp_out out = {.data = (uint8_t *)text, .capacity = REFUSED_TOKEN_MAX - 1};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct sp_out before = out;
        if (!*rows[i].value)
            continue;
        sp_put_raw(&out, sp_text(out.size ? ";" : ""));
        sp_put_raw(&out, sp_text(rows[i].name));
        sp_put_u8(&out, '=');
        if (token_uri_escape(sp_text(rows[i].value), &out) != 0)
            out = before;
    }
    text[out.size] = 0;
}

void token_identify(const struct sp_token_slot *slots, size_t count, const char *asked,
                    char text[REFUSED_TOKEN_MAX])
{
    char attributes[REFUSED_TOKEN_MAX];
    size_t fitting = 0;
    for (size_t i = 0; i < count; i++) {
        token_attributes(&slots[i], attributes);
        if (!(slots[i].flags & SP_TOKEN_INITIALISED) ||
            refused_tokens_differ(sp_text(asked), sp_text(attributes)))
            continue;
        fitting++;
        memcpy(text, attributes, sizeof attributes);
    }
    if (fitting != 1)
        snprintf(text, REFUSED_TOKEN_MAX, "%s", asked);
}

/* Of the token that the command is about. */
static void identity_take(struct token_run *run, char text[REFUSED_TOKEN_MAX])
{
    static struct sp_token_slot slots[SP_MANAGE_SLOTS_MAX];
    struct sp_hostkey_error error;
    size_t count = 0;
    if (manage_slots(run->manage, slots, &count, &error) != 0)
        count = 0;
    token_identify(slots, count, run->setup.token, text);
}

/* ---- what is remembered ------------------------------------------------------------------------------------ */

int token_memory_check(struct token_run *run, struct refused_pins *refused, struct refused_entry *pin)
{
    char token[REFUSED_TOKEN_MAX];
    bool has = false;
    const struct token_setup *s = &run->setup;
    int r = refused_open(refused, s->state_dir);
    if (r)
        return ctl_fail("%s: what is remembered of refused PINs cannot be read: %s; name another with "
                        "--state-dir",
                        s->state_dir, strerror(-r));
    identity_take(run, token);
    r = refused_has(refused, sp_text(s->module), sp_text(token), secret_span(&run->pin), &has);
    if (r == 0)
        r = refused_make(refused, sp_text(s->module), sp_text(token), secret_span(&run->pin), pin);
    if (r)
        return ctl_fail("%s", strerror(-r));
    if (!has)
        return 0;
    return ctl_fail("the token has refused this PIN before, and it is not sent again: correct it, or, if the "
                    "token has been given this PIN since, remove %s and reload the server",
                    refused->path);
}

enum token_remembered token_memory_knows(struct token_run *run, char path[PATH_MAX])
{
    CLEANUP_FREE struct refused_pins *refused = calloc(1, sizeof *refused);
    char why[1024], token[REFUSED_TOKEN_MAX];
    bool has = false;
    const struct token_setup *s = &run->setup;
    enum token_remembered result = REMEMBERED_UNKNOWN;
    if (!refused || !s->pin_source[0] ||
        pin_source_read(s->pin_source, token_credentials(), &run->pin, why, sizeof why) != 0)
        return result;
    identity_take(run, token);
    if (refused_open(refused, s->state_dir) == 0 &&
        refused_has(refused, sp_text(s->module), sp_text(token), secret_span(&run->pin), &has) == 0)
        result = has ? REMEMBERED_REFUSED : REMEMBERED_NOT;
    snprintf(path, PATH_MAX, "%s", refused->path);
    secret_wipe(&run->pin);
    return result;
}
