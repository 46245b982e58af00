/*
 * Authentication between a hostile client and a login process that may say anything at any time. The input is a list of
 * `octet step ‖ string what`: payloads of the client, whole or behind a fixed user and service, and messages of the login
 * process with fields from the input. Besides memory errors it looks for broken promises: a login that nobody granted, a
 * user who changes, more questions than requests, a success message out of place, secrets left in the packet.
 */
#include "../unit/worker_channel/fake.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

struct story {
    struct fake *fake;
    bool granted; /* auth_success was sent while a request was under way */
    size_t requests, asked;
    uint8_t user[AUTH_USER_MAX];
    size_t user_size;
};

/* Messages are delivered as the main loop does: not while an answer is owed. */
static int client_says(struct story *s, uint8_t number, struct sp_span payload)
{
    if (session_is_behind(s->fake->c))
        return 0;
    s->requests++;
    int r = fake_deliver_span(s->fake, number, payload);
    return r == FAKE_E_PHASE ? 0 : r;
}

static int client_requests(struct story *s, struct sp_span what)
{
    struct sp_out *out = fake_message(s->fake);
    sp_put_text(out, "ann");
    sp_put_text(out, "ssh-connection");
    sp_put_raw(out, what);
    return client_says(s, 50, sp_written(out));
}

static int link_arrives(struct story *s)
{
    int fds[2];
    if (s->fake->c->auth.state != AUTH_OPENING || link_is_open(&s->fake->session))
        return 0;
    require(link_pair(fds) == 0);
    link_init(&s->fake->session, fds[1], ROLE_SESSION, ROLE_WORKER);
    return auth_link_arrived(s->fake->c, fds[0]);
}

/* A message of the login process whose fields are the input, if they fit it. */
static int session_says(struct story *s, struct sp_span what)
{
    union msg_body body;
    struct sp_in in = sp_in_of(what);
    const struct message_row *row = message_find(112u + sp_get_u8(&in) % 7u);
    if (!link_is_open(&s->fake->session) || message_decode(row, sp_span_of(in.at, in.left), &body))
        return 0;
    bool asked = s->fake->c->auth.state == AUTH_ASKED;
    if (link_send_raw(&s->fake->session, row->number, &body))
        return 0;
    s->granted |= row->number == MSG_auth_success && asked && s->fake->c->phase == PHASE_AUTH;
    return on_session_message(s->fake->c);
}

static void count_asked(struct story *s)
{
    struct fake *f = s->fake;
    while (link_is_open(&f->session) && link_receive(&f->session, PHASE_AUTH, f->inbox) == 0)
        s->asked++;
    if (link_receive(&f->monitor, PHASE_READY, f->inbox) == 0) {
        require(s->user_size == 0 && f->inbox->row->number == MSG_ask_login);
        s->user_size = f->inbox->body.ask_login.user.size;
        if (s->user_size)
            memcpy(s->user, f->inbox->body.ask_login.user.data, s->user_size);
    }
}

static void check(struct story *s)
{
    const struct connection *c = s->fake->c;
    count_asked(s);
    require((c->phase == PHASE_LOGIN) <= s->granted);
    require(s->asked <= s->requests);
    require(c->auth.requests <= AUTH_REQUESTS_MAX + 1);
    if (c->auth.named && s->user_size)
        require(
            sp_span_equal(sp_span_of(c->auth.user, c->auth.user_size), sp_span_of(s->user, s->user_size)));
    for (; s->fake->frame_next < s->fake->frame_count; s->fake->frame_next++) {
        uint8_t number = s->fake->frames[s->fake->frame_next].number;
        require((number >= 51 && number <= 53) || number == 60);
        require(number != 52 || s->granted);
    }
}

static int step(struct story *s, uint8_t what, struct sp_span bytes)
{
    switch (what % 5) {
    case 0:
        return client_requests(s, bytes);
    case 1:
        return client_says(s, 50, bytes);
    case 2:
        return client_says(s, 61, bytes);
    case 3:
        return link_arrives(s);
    default:
        return session_says(s, bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_in in = sp_in_of(sp_span_of(data, size));
    struct story story = {.fake = fake_new()};
    int r = 0;
    while (in.left != 0 && r == 0) {
        uint8_t what = sp_get_u8(&in);
        struct sp_span bytes = sp_get_string(&in, PACKET_PAYLOAD_MAX - 64);
        if (in.bad)
            break;
        r = step(&story, what, bytes);
        require(r == 0 || r == WORKER_E_END);
        require((r == WORKER_E_END) == story.fake->c->ending);
        check(&story);
    }
    fake_free(story.fake);
    return 0;
}
