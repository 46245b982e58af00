/* Asking the client. Input: prompts of a PAM module; auth_answers of the worker. Output: auth_info_request; answers. */
#include "session/dialogue.h"

#include <errno.h>
#include <stdio.h>

#include <sallyport/wire.h>

#include "base/loop.h"

#include "session/login.h"
#include "session/peers.h"

enum {
    DIALOGUE_E_UNANSWERED = 1,
};

int dialogue_add_prompt(struct dialogue *dialogue, const char *prompt, bool echo)
{
    char clean[2048] = "";
    struct sp_out out = {
        .data = dialogue->prompts, .capacity = sizeof dialogue->prompts, .size = dialogue->prompts_size};
    text_add_line(clean, sizeof clean, prompt ? prompt : "");
    size_t size = strlen(clean) - 1; /* without the line feed that ends every text */
    if (size == 0)
        sp_put_text(&out, "Response: ");
    else
        sp_put_string(&out, sp_span_of(clean, size));
    sp_put_bool(&out, echo);
    if (sp_put_end(&out))
        return -E2BIG;
    dialogue->prompts_size = out.size;
    dialogue->count++;
    return 0;
}

static int answers_read(const struct login *login, uint32_t expected, struct sp_span *answers)
{
    const struct msg_auth_answers *message = &login->inbox->body.auth_answers;
    struct sp_in in = sp_in_of(message->answers);
    if (message->count != expected) /* RFC 4256 section 3.4: as many responses as prompts */
        return DIALOGUE_E_UNANSWERED;
    for (uint32_t i = 0; i < expected; i++)
        answers[i] = sp_get_string(&in, CONVERSATION_ANSWER_MAX);
    return sp_get_end(&in) ? DIALOGUE_E_UNANSWERED : 0;
}

/* The worker may answer or begin anew; RFC 4252 section 5.1: a new request abandons the old one. */
static int answers_wait(struct login *login)
{
    struct conversation *c = &login->pam.conversation;
    login->auth.state = AUTH_DIALOGUE;
    c->ended = peers_receive(login);
    login->auth.state = AUTH_IDLE;
    c->heard_ms = clock_ms();
    if (c->ended)
        return DIALOGUE_E_UNANSWERED;
    c->replaced = login->inbox->row->number != MSG_auth_answers;
    return c->replaced ? DIALOGUE_E_UNANSWERED : 0;
}

int dialogue_ask(struct login *login, const struct dialogue *dialogue, struct sp_span *answers)
{
    struct conversation *c = &login->pam.conversation;
    if (c->rounds++ == CONVERSATION_ROUNDS_MAX)
        return DIALOGUE_E_UNANSWERED;
    if (link_send(&login->worker, auth_info_request, .instruction = sp_text(dialogue->instruction),
                  .count = dialogue->count,
                  .prompts = sp_span_of(dialogue->prompts, dialogue->prompts_size))) {
        c->ended = LOGIN_E_GONE;
        return DIALOGUE_E_UNANSWERED;
    }
    int r = answers_wait(login);
    return r ? r : answers_read(login, dialogue->count, answers);
}
