/*
 * Answers of the login process to authentication requests. Input: auth_* messages, checked against messages.def.
 * Output: USERAUTH_FAILURE, _SUCCESS, _BANNER and the messages numbered 60 (RFC 4252, RFC 4256), and the step to LOGIN.
 *
 * The login process is believed: it alone decides. That it answers when nothing was asked is its mistake, and ends the
 * connection rather than being guessed at.
 */
#include "ipc/messages.h"
#include "worker/auth.h"
#include "worker/compression.h"
#include "worker/connection.h"
#include "worker/packet.h"

enum {
    SSH_MSG_USERAUTH_FAILURE = 51,
    SSH_MSG_USERAUTH_SUCCESS = 52,
    SSH_MSG_USERAUTH_BANNER = 53,
    SSH_MSG_USERAUTH_BY_METHOD = 60, /* PK_OK, PASSWD_CHANGEREQ, INFO_REQUEST */
};

#define PROMPTS_MAX 64u

static int answer_failure(struct connection *c, const union msg_body *body)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_USERAUTH_FAILURE);
    sp_put_string(out, body->auth_failure.methods); /* authentications that can continue */
    sp_put_bool(out, body->auth_failure.partial);   /* partial success */
    return packet_end(c);
}

static int answer_success(struct connection *c, const union msg_body *body)
{
    const struct msg_auth_success *success = &body->auth_success;
    int r = channels_open_table(c, success->max_channels);
    if (r)
        return r;
    c->auth.limits = (struct auth_limits){
        .alive_interval_s = success->alive_interval_s,
        .alive_count_max = success->alive_count_max,
        .rekey_octets = success->rekey_octets,
        .rekey_s = success->rekey_s,
    };
    packet_begin(c, SSH_MSG_USERAUTH_SUCCESS);
    r = packet_end(c);
    if (r == 0)
        r = compression_begin(c);
    if (r)
        return r;
    connection_move(c, PHASE_LOGIN);
    return hostkeys_announce(c);
}

static int answer_pk_ok(struct connection *c, const union msg_body *body)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_USERAUTH_BY_METHOD);
    sp_put_string(out, body->auth_pk_ok.algorithm); /* public key algorithm name from the request */
    sp_put_string(out, body->auth_pk_ok.blob);      /* public key blob from the request */
    return packet_end(c);
}

static int answer_passwd_changereq(struct connection *c, const union msg_body *body)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_USERAUTH_BY_METHOD);
    sp_put_string(out, body->auth_passwd_changereq.prompt);
    sp_put_text(out, ""); /* language tag */
    return packet_end(c);
}

/* Prompts come from PAM modules, through the login process: their form is checked, since a client has to parse it. */
static bool prompts_are_sound(const struct msg_auth_info_request *info)
{
    struct sp_in in = sp_in_of(info->prompts);
    if (info->count > PROMPTS_MAX)
        return false;
    for (uint32_t i = 0; i < info->count; i++) {
        sp_get_string(&in, in.left);
        sp_get_bool(&in);
    }
    return sp_get_end(&in) == 0;
}

static int answer_info_request(struct connection *c, const union msg_body *body)
{
    const struct msg_auth_info_request *info = &body->auth_info_request;
    if (!prompts_are_sound(info))
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Internal error");
    struct sp_out *out = packet_begin(c, SSH_MSG_USERAUTH_BY_METHOD);
    sp_put_string(out, info->name);
    sp_put_string(out, info->instruction);
    sp_put_text(out, "");           /* language tag */
    sp_put_u32(out, info->count);   /* num-prompts */
    sp_put_raw(out, info->prompts); /* prompt[i], echo[i] */
    c->auth.state = AUTH_PROMPTED;
    c->auth.prompts = info->count;
    return packet_end(c);
}

static int say_banner(struct connection *c, const union msg_body *body)
{
    struct sp_out *out = packet_begin(c, SSH_MSG_USERAUTH_BANNER);
    sp_put_string(out, body->auth_banner.text);
    sp_put_text(out, ""); /* language tag */
    return packet_end(c);
}

static int end_over(struct connection *c, const union msg_body *body)
{
    const struct msg_auth_over *over = &body->auth_over;
    return connection_fail(c, over->reason, "%.*s", (int)over->text.size, (const char *)over->text.data);
}

struct answer_row {
    enum msg_number number;
    bool answers; /* a request, which has to be under way; else it is legal at any time */
    int (*handle)(struct connection *c, const union msg_body *body);
};

static const struct answer_row rows[] = {
    {MSG_auth_failure, true, answer_failure},
    {MSG_auth_success, true, answer_success},
    {MSG_auth_pk_ok, true, answer_pk_ok},
    {MSG_auth_info_request, true, answer_info_request},
    {MSG_auth_passwd_changereq, true, answer_passwd_changereq},
    {MSG_auth_banner, false, say_banner},
    {MSG_auth_over, false, end_over},
};

int auth_on_answer(struct connection *c, unsigned number, const union msg_body *body)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].number != number)
            continue;
        if (rows[i].answers && c->auth.state != AUTH_ASKED)
            break;
        if (rows[i].answers)
            c->auth.state = AUTH_IDLE;
        return rows[i].handle(c, body);
    }
    return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Internal error");
}
