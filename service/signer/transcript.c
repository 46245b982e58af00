/*
 * Transcripts: RFC 4253 sections 7.1 and 8. Input: the worker's span as the monitor relays it, unread. Output: H and
 * which key signs it with which algorithm, or a refusal.
 */
#include "signer/transcript.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <sallyport/kex.h>
#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/ident.h"
#include "ipc/codec.h"

/* RFC 4250 section 4.2.2. */
#define REASON_PROTOCOL_ERROR 2u
#define REASON_KEY_EXCHANGE_FAILED 3u

#define OFFERED_PAYLOAD_MAX 8192u /* octets of our own KEXINIT: as in the transcript's i_s */
#define VERSION_MAX 253u          /* octets without CR LF (RFC 4253 section 4.2) */

struct check {
    const struct transcript_context *context;
    struct msg_transcript said;
    struct kexinit client, server;
    const struct sp_kex_info *kex;
    const struct sp_digest_ops *digest;
    struct transcript_result result;
    struct transcript_refusal *refusal;
};

/* The client's own fault or choice: it may be told what is the matter. */
static PRINTF_LIKE(2, 3) int refuse_client(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->refusal->text, sizeof c->refusal->text, format, args);
    va_end(args);
    snprintf(c->refusal->why, sizeof c->refusal->why, "%s", c->refusal->text);
    c->refusal->reason = REASON_KEY_EXCHANGE_FAILED;
    return TRANSCRIPT_E_REFUSED;
}

/* No worker of ours says this: the client learns nothing, the log everything. */
static PRINTF_LIKE(2, 3) int refuse_worker(struct check *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(c->refusal->why, sizeof c->refusal->why, format, args);
    va_end(args);
    snprintf(c->refusal->text, sizeof c->refusal->text, "protocol error");
    c->refusal->reason = REASON_PROTOCOL_ERROR;
    return TRANSCRIPT_E_REFUSED;
}

static int open_transcript(struct check *c, struct sp_span transcript)
{
    if (message_decode(message_find(MSG_transcript), transcript, &c->said))
        return refuse_worker(c, "the transcript is malformed");
    return 0;
}

/* The monitor's word about the connection has to make sense before anything is compared with it. */
static int check_context(struct check *c)
{
    size_t size = c->context->session_id.size;
    if (c->context->first != (size == 0))
        return refuse_worker(c, "a session id belongs to every exchange but the first");
    if (size != 0 && size != 32 && size != 48 && size != 64)
        return refuse_worker(c, "the session id is %zu octets, which is no digest of ours", size);
    return 0;
}

static bool version_is_sane(struct sp_span version)
{
    static const char *const prefixes[] = {"SSH-2.0-", "SSH-1.99-"};
    bool begins = false;
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t size = strlen(prefixes[i]);
        begins = begins || (version.size > size && memcmp(version.data, prefixes[i], size) == 0);
    }
    if (!begins || version.size > VERSION_MAX)
        return false;
    for (size_t i = 0; i < version.size; i++)
        if (version.data[i] < 0x20 || version.data[i] > 0x7e)
            return false;
    return true;
}

static int check_versions(struct check *c)
{
    if (!sp_span_is(c->said.v_s, SALLYPORT_IDENT))
        return refuse_worker(c, "V_S is not this server's identification");
    if (!version_is_sane(c->said.v_c))
        return refuse_client(c, "the client's identification string is not one of SSH 2.0");
    c->result.client_version = c->said.v_c;
    return 0;
}

/* Whether I_S is what was offered in that second: free in its cookie and in nothing else. 0, TRANSCRIPT_E_REFUSED, -errno. */
static int own_kexinit_compare(const struct check *c, int64_t when)
{
    uint8_t bytes[OFFERED_PAYLOAD_MAX];
    struct sp_out expected = {.data = bytes, .capacity = sizeof bytes};
    struct offer_lists lists;
    if (offer_lists_make(c->context->variant, c->context->keys, c->context->address, when, &lists) ||
        kexinit_build(&lists, c->server.cookie.data, c->context->first, &expected))
        return -EMSGSIZE;
    return sp_span_equal(sp_written(&expected), c->said.i_s) ? 0 : TRANSCRIPT_E_REFUSED;
}

/* As offered now, or at any time since it may have been sent: an exception may have ended meanwhile. */
static int check_own_kexinit(struct check *c)
{
    const struct transcript_context *context = c->context;
    int64_t when = context->now;
    if (kexinit_parse(c->said.i_s, &c->server))
        return refuse_worker(c, "I_S is no KEXINIT");
    int r = own_kexinit_compare(c, when);
    while (r > 0) {
        when = offer_changed_before(context->variant, context->keys, when);
        if (when < context->now - TRANSCRIPT_GRACE_S)
            break;
        r = own_kexinit_compare(c, when);
    }
    c->refusal->by_offer = r > 0;
    if (r > 0)
        return refuse_worker(c, "I_S is not what this server offers in %s exchange by policy %.*s",
                             context->first ? "a first" : "a later", (int)context->variant->policy.size,
                             (const char *)context->variant->policy.data);
    c->result.offered_at = when;
    return r;
}

static int check_client_kexinit(struct check *c)
{
    if (kexinit_parse(c->said.i_c, &c->client))
        return refuse_client(c, "the client's KEXINIT is malformed");
    c->result.client_kexinit = c->said.i_c;
    c->result.client = c->client;
    return 0;
}

/* As much of a list as a DISCONNECT has room for, in whole names. */
#define OFFER_SHOWN_MAX 440u

static struct sp_span shown(struct sp_span list)
{
    if (list.size <= OFFER_SHOWN_MAX)
        return list;
    const uint8_t *comma = memrchr(list.data, ',', OFFER_SHOWN_MAX);
    return sp_span_of(list.data, comma ? (size_t)(comma - list.data) : 0);
}

static int check_negotiation(struct check *c)
{
    enum kexinit_list failed;
    if (negotiate(&c->client, &c->server, &c->result.chosen, &failed)) {
        c->refusal->by_list = true;
        c->refusal->list = failed;
        c->refusal->client_version = c->said.v_c;
        c->refusal->client_list = c->client.lists[failed];
        c->refusal->server_list = kexinit_choices(&c->server, failed);
        struct sp_span names = shown(c->refusal->server_list);
        return refuse_client(c, "no common %s; this server offers %.*s%s", kexinit_list_name(failed),
                             (int)names.size, (const char *)names.data,
                             names.size < c->refusal->server_list.size ? " and others" : "");
    }
    if (!sp_span_equal(c->said.host_key_algorithm, c->result.chosen.names[KEXINIT_HOST_KEY]))
        return refuse_worker(c, "the host key algorithm is not the negotiated one");
    return 0;
}

/* Both were offered, so this build has them; if not, the offer is wrong, and nothing is signed either. */
static int find_modules(struct check *c)
{
    c->kex = kex_info_find(c->result.chosen.names[KEXINIT_KEX]);
    c->digest = c->kex ? digest_find(sp_text(c->kex->digest)) : NULL;
    c->result.keytype = keytype_find(c->result.chosen.names[KEXINIT_HOST_KEY]);
    if (!c->digest || c->digest->size > SP_DIGEST_MAX || !c->result.keytype)
        return refuse_worker(c, "the offer names an algorithm that this build does not have");
    return 0;
}

static PRINTF_LIKE(3, 4) int refuse_by_rule(struct check *c, enum policy_rule rule, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int r = refuse_client(c, "%s: %s", policy_rule_keyword(rule), text);
    char place[POLICY_ORIGIN_MAX];
    c->refusal->rule = policy_rule_keyword(rule);
    snprintf(c->refusal->why, sizeof c->refusal->why, "%s: %s (%s)", policy_rule_keyword(rule), text,
             policy_origin_text(c->context->rules->origins[rule], place));
    return r;
}

/* The n-th name of the first exchange: sign_done's list begins with the client's version. */
static struct sp_span first_chosen(const struct check *c, enum kexinit_list list)
{
    struct sp_in in = sp_in_of(c->context->negotiated);
    struct sp_span name = sp_get_string(&in, VERSION_MAX);
    for (size_t i = 0; i <= (size_t)list; i++)
        name = sp_get_string(&in, KEXINIT_NAME_MAX);
    return in.bad ? (struct sp_span){0} : name;
}

/* RFC 9212 section 5: what protects the connection stays what it was. */
static int check_constant_cipher(struct check *c)
{
    static const enum kexinit_list lists[] = {KEXINIT_CIPHER_C2S, KEXINIT_CIPHER_S2C, KEXINIT_MAC_C2S,
                                              KEXINIT_MAC_S2C};
    if (c->context->first || !c->context->rules->constant_cipher)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        struct sp_span before = first_chosen(c, lists[i]), now = c->result.chosen.names[lists[i]];
        if (now.size == 0)
            now = sp_text(TRANSCRIPT_IMPLICIT);
        if (!sp_span_equal(before, now))
            return refuse_by_rule(c, POLICY_CONSTANT_CIPHER, "the %s was %.*s and would become %.*s",
                                  kexinit_list_name(lists[i]), (int)before.size, (const char *)before.data,
                                  (int)now.size, (const char *)now.data);
    }
    return 0;
}

/*
 * Rules that a resolved list does not express; and those that it does, asked again of what was chosen: a list that were
 * resolved wrongly must not be enough.
 */
static int check_rules(struct check *c)
{
    const struct policy_rules *rules = c->context->rules;
    if (c->context->first && rules->strict_kex && !c->result.chosen.strict)
        return refuse_by_rule(c, POLICY_STRICT_KEX, "the client does not support strict key exchange");
    if (rules->post_quantum && !c->kex->post_quantum)
        return refuse_by_rule(c, POLICY_POST_QUANTUM, "%s is not post-quantum", c->kex->head.name);
    if (rules->host_certificates && !c->result.keytype->plain)
        return refuse_by_rule(c, POLICY_HOST_CERTIFICATES, "%s is no certificate's algorithm",
                              c->result.keytype->head.name);
    return check_constant_cipher(c);
}

/* The first of our keys, in the order of the configuration, that signs with the negotiated algorithm. */
static bool key_may_sign(const struct check *c, const struct offer_key *key, size_t position)
{
    bool is_forbidden = c->context->key_is_forbidden && c->context->key_is_forbidden[position];
    return !is_forbidden && offer_key_holds(key, c->result.offered_at) &&
           sp_list_has(key->algorithms, c->result.chosen.names[KEXINIT_HOST_KEY]);
}

/* The first that may; for a rekey the one that the client has seen, which after a restart of ours need not be the first. It is
 * the monitor's word which that was; but only among keys that may sign anyway. */
static int find_host_key(struct check *c)
{
    struct sp_span keys = c->context->keys;
    struct offer_key key;
    bool found = false;
    for (size_t i = 0; offer_next_key(&keys, &key); i++) {
        bool was_seen = sp_span_equal(key.blob, c->context->host_key);
        if ((found && !was_seen) || !key_may_sign(c, &key, i))
            continue;
        c->result.key = i;
        c->result.host_key = key.blob;
        found = true;
        if (was_seen)
            break;
    }
    return found ? 0 : refuse_worker(c, "no host key of this generation signs with the negotiated algorithm");
}

static bool is_all_zero(struct sp_span bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++)
        any |= bytes.data[i];
    return any == 0;
}

static unsigned dh_bits_min(const struct check *c)
{
    uint32_t wanted = c->context->rules->dh_bits_min;
    return wanted > SP_KEX_GROUP_BITS_MIN ? wanted : SP_KEX_GROUP_BITS_MIN;
}

/* Of methods that negotiate a group (RFC 4419): H over any other than the worker may answer is for nobody. */
static int check_group(struct check *c)
{
    if (!c->kex->check_group)
        return c->said.group.size == 0 ? 0 : refuse_worker(c, "a group for a method that has its own");
    int r = c->kex->check_group(c->kex, c->said.group, dh_bits_min(c));
    return r > 0 ? refuse_worker(c, "the group is not the one that this server answers to that request") : r;
}

/*
 * Public values of the method's length and range. The worker has seen to it that a bad client value gets no further; a
 * worker that is not ours may name anything, and must not get H over a value that no honest server answers.
 */
static int check_values(struct check *c)
{
    int r = check_group(c);
    if (r)
        return r;
    r = c->kex->check_publics(c->kex, c->said.group, c->said.client_public, c->said.server_public);
    if (r < 0)
        return r;
    if (r > 0)
        return refuse_client(c, "a public value of the key exchange is not acceptable");
    size_t size = c->said.secret.size;
    bool fits =
        c->kex->secret_field == SP_KEX_STRING ? size == c->kex->secret_size : size <= c->kex->secret_size;
    if (size == 0 || !fits || is_all_zero(c->said.secret))
        return refuse_worker(c, "the shared secret is not acceptable");
    return 0;
}

static void put_value(struct sp_out *out, enum sp_kex_field field, struct sp_span value)
{
    if (field == SP_KEX_MPINT)
        sp_put_mpint(out, value);
    else
        sp_put_string(out, value);
}

/* H = hash(V_C ‖ V_S ‖ I_C ‖ I_S ‖ K_S ‖ group ‖ publics ‖ K): RFC 4253 section 8, RFC 5656 section 4, RFC 4419
 * section 3 for the group, which other methods do not have. */
static int compute_h(struct check *c)
{
    size_t room = 64 + c->said.v_c.size + c->said.v_s.size + c->said.i_c.size + c->said.i_s.size +
                  c->result.host_key.size + c->said.group.size + c->said.client_public.size +
                  c->said.server_public.size + c->said.secret.size;
    CLEANUP_FREE uint8_t *bytes = malloc(room);
    struct sp_out out = {.data = bytes, .capacity = bytes ? room : 0};
    if (!bytes)
        return -ENOMEM;
    sp_put_string(&out, c->said.v_c);
    sp_put_string(&out, c->said.v_s);
    sp_put_string(&out, c->said.i_c);
    sp_put_string(&out, c->said.i_s);
    sp_put_string(&out, c->result.host_key);
    sp_put_raw(&out, c->said.group);
    put_value(&out, c->kex->public_field, c->said.client_public);
    put_value(&out, c->kex->public_field, c->said.server_public);
    put_value(&out, c->kex->secret_field, c->said.secret);
    struct sp_span all = sp_written(&out);
    int r = sp_put_end(&out) ? -ENOMEM : c->digest->hash(&all, 1, c->result.h);
    explicit_bzero(bytes, room);
    c->result.h_size = c->digest->size;
    return r;
}

bool transcript_exception(const struct transcript_context *context, const struct transcript_result *result,
                          enum kexinit_list list, struct offer_exception *exception)
{
    const struct sp_span permanent[OFFER_KINDS] = {
        [OFFER_KEX] = context->variant->kex,
        [OFFER_HOST_KEY] = context->variant->host_key_algorithms,
        [OFFER_CIPHER] = context->variant->ciphers,
        [OFFER_MAC] = context->variant->macs,
        [OFFER_COMPRESSION] = context->variant->compression,
    };
    enum offer_kind kind = kexinit_list_kind(list);
    struct sp_span name = result->chosen.names[list], exceptions = context->variant->exceptions;
    if (name.size == 0 || sp_list_has(permanent[kind], name))
        return false;
    while (offer_next_exception(&exceptions, exception))
        if (exception->kind == kind && sp_span_equal(exception->name, name) &&
            offer_exception_holds(exception, context->address, result->offered_at))
            return true;
    return false;
}

int transcript_check(const struct transcript_context *context, struct sp_span transcript,
                     struct transcript_result *result, struct transcript_refusal *refusal)
{
    static int (*const steps[])(struct check *) = {
        check_context, check_versions, check_own_kexinit, check_client_kexinit, check_negotiation,
        find_modules,  check_rules,    find_host_key,     check_values,         compute_h,
    };
    struct check c = {.context = context, .refusal = refusal};
    int r = open_transcript(&c, transcript);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
        r = steps[i](&c);
    if (r == 0)
        *result = c.result;
    return r;
}
