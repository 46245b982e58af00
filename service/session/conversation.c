/*
 * PAM conversations. Input: messages of PAM modules, answers of the client. Output: responses for the modules; texts
 * for the user. pam_conv(3), RFC 4256.
 *
 * Texts before the first answered prompt of authentication are not shown: anybody would see them, and modules tell in
 * them whether a user exists ("The account is locked due to 3 failed logins").
 */
#include "session/conversation.h"

#include <errno.h>
#include <security/pam_appl.h>
#include <strings.h>

#include "session/dialogue.h"
#include "session/login.h"
#include "session/peers.h"

/* C0, DEL and the C1 range in UTF-8 would let a text drive the user's terminal. */
static bool is_control(const unsigned char *at)
{
    return (*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f;
}

void text_add_line(char *room, size_t size, const char *line)
{
    size_t used = strlen(room);
    for (const unsigned char *at = (const unsigned char *)line; *at && used + 2 < size; at++) {
        if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f)
            at++;
        else if (!is_control(at))
            room[used++] = (char)*at;
    }
    if (used + 1 < size && (used == 0 || room[used - 1] != '\n'))
        room[used++] = '\n';
    room[used] = 0;
}

/* Junk of the same length takes a module the same time, and is nobody's password. */
static char *answer_copy(const struct conversation *c, struct sp_span answer)
{
    char *copy = calloc(1, answer.size + 1);
    if (copy && answer.size != 0)
        memcpy(copy, answer.data, answer.size);
    if (copy && (!c->honest || memchr(answer.data ? (const char *)answer.data : "", 0, answer.size)))
        memset(copy, 0x7f, answer.size);
    return copy;
}

static int respond(const struct conversation *c, struct pam_response *response, struct sp_span answer)
{
    response->resp = answer_copy(c, answer);
    return response->resp ? PAM_SUCCESS : PAM_BUF_ERR;
}

/* A password is the answer to one question, not to every question that a module may think of. */
static int answer_password(struct conversation *c, const struct pam_message *message,
                           struct pam_response *response)
{
    if (message->msg_style != PAM_PROMPT_ECHO_OFF || c->old_given != 0)
        return PAM_CONV_ERR;
    c->old_given = 1;
    return respond(c, response, c->password);
}

static bool asks_for_new(const char *prompt)
{
    return strcasestr(prompt, "new") || strcasestr(prompt, "retype") || strcasestr(prompt, "again") ||
           strcasestr(prompt, "confirm");
}

/* The new password and its repetition; a third question means that the module did not take it. */
static int answer_change(struct conversation *c, const struct pam_message *message,
                         struct pam_response *response)
{
    if (message->msg_style != PAM_PROMPT_ECHO_OFF)
        return PAM_CONV_ERR;
    if (!asks_for_new(message->msg) && c->new_given == 0)
        return answer_password(c, message, response);
    if (c->new_given == 2)
        return PAM_CONV_ERR;
    c->new_given++;
    return respond(c, response, c->new_password);
}

static int answer_nothing(struct conversation *c, const struct pam_message *message,
                          struct pam_response *response)
{
    (void)c, (void)message, (void)response;
    return PAM_CONV_ERR;
}

typedef int (*answer_fn)(struct conversation *c, const struct pam_message *message,
                         struct pam_response *response);

static const answer_fn answers[] = {
    [CONVERSATION_SILENT] = answer_nothing,
    [CONVERSATION_PASSWORD] = answer_password,
    [CONVERSATION_CHANGE] = answer_change,
};

static bool is_text(const struct pam_message *message)
{
    return message->msg_style == PAM_TEXT_INFO || message->msg_style == PAM_ERROR_MSG;
}

static int speak_alone(struct conversation *c, int count, const struct pam_message **messages,
                       struct pam_response *responses)
{
    for (int i = 0; i < count; i++) {
        if (is_text(messages[i])) {
            if (c->show || c->answered)
                text_add_line(c->texts, sizeof c->texts, messages[i]->msg);
            continue;
        }
        int r = answers[c->mode](c, messages[i], &responses[i]);
        if (r != PAM_SUCCESS)
            return r;
        c->answered = true;
    }
    return PAM_SUCCESS;
}

/*
 * During authentication a prompt is an answer, too: when it comes would tell how long the modules before it took, and
 * that whether they hashed for somebody who exists. Once the user has been authenticated there is nothing to tell.
 */
#define QUANTUM_FIRST_MS 50u
#define QUANTUM_LATER_MS 1000u

static int question_delay(struct login *login)
{
    struct conversation *c = &login->pam.conversation;
    if (c->show)
        return 0;
    c->ended = c->answered ? peers_sleep_quantum(login, c->heard_ms, QUANTUM_LATER_MS)
                           : peers_sleep_quantum(login, login->auth.asked_ms, QUANTUM_FIRST_MS);
    return c->ended;
}

static int speak_with_client(struct login *login, int count, const struct pam_message **messages,
                             struct pam_response *responses)
{
    struct conversation *c = &login->pam.conversation;
    struct dialogue dialogue = {0};
    struct sp_span given[CONVERSATION_PROMPTS_MAX];
    int at[CONVERSATION_PROMPTS_MAX];
    int prompts = 0;
    for (int i = 0; i < count; i++) {
        if (is_text(messages[i])) {
            text_add_line(dialogue.instruction, sizeof dialogue.instruction, messages[i]->msg);
            continue;
        }
        if (dialogue_add_prompt(&dialogue, messages[i]->msg, messages[i]->msg_style == PAM_PROMPT_ECHO_ON))
            return PAM_CONV_ERR;
        at[prompts++] = i;
    }
    if (prompts == 0 && !c->show && !c->answered)
        return PAM_SUCCESS;
    if (question_delay(login) || dialogue_ask(login, &dialogue, given))
        return PAM_CONV_ERR;
    for (int i = 0; i < prompts; i++)
        if (respond(c, &responses[at[i]], given[i]) != PAM_SUCCESS)
            return PAM_BUF_ERR;
    c->answered = c->answered || prompts != 0;
    return PAM_SUCCESS;
}

static void responses_free(struct pam_response *responses, int count)
{
    for (int i = 0; i < count; i++) {
        if (responses[i].resp)
            explicit_bzero(responses[i].resp, strlen(responses[i].resp));
        free(responses[i].resp);
    }
    free(responses);
}

static bool messages_are_usable(int count, const struct pam_message **messages)
{
    if (count <= 0 || count > CONVERSATION_PROMPTS_MAX)
        return false;
    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        if (!messages[i]->msg)
            return false;
        if (!is_text(messages[i]) && style != PAM_PROMPT_ECHO_OFF && style != PAM_PROMPT_ECHO_ON)
            return false;
    }
    return true;
}

int conversation_speak(int count, const struct pam_message **messages, struct pam_response **responses,
                       void *context)
{
    struct login *login = context;
    struct conversation *c = &login->pam.conversation;
    if (c->ended || c->replaced || !messages_are_usable(count, messages))
        return PAM_CONV_ERR;
    struct pam_response *made = calloc((size_t)count, sizeof *made);
    if (!made)
        return PAM_BUF_ERR;
    int r = c->mode == CONVERSATION_DIALOGUE ? speak_with_client(login, count, messages, made)
                                             : speak_alone(c, count, messages, made);
    if (r != PAM_SUCCESS) {
        responses_free(made, count);
        return r;
    }
    *responses = made;
    return PAM_SUCCESS;
}
