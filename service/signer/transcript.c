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

/* I_S is free in its cookie and in nothing else. */
static int check_own_kexinit(struct check *c)
{
    uint8_t bytes[OFFERED_PAYLOAD_MAX];
    struct sp_out expected = {.data = bytes, .capacity = sizeof bytes};
    if (kexinit_parse(c->said.i_s, &c->server))
        return refuse_worker(c, "I_S is no KEXINIT");
    if (kexinit_build(c->context->offer, c->server.cookie.data, c->context->first, &expected))
        return -EMSGSIZE;
    if (!sp_span_equal(sp_written(&expected), c->said.i_s))
        return refuse_worker(c, "I_S is not what this server offers in %s exchange",
                             c->context->first ? "a first" : "a later");
    return 0;
}

static int check_client_kexinit(struct check *c)
{
    if (kexinit_parse(c->said.i_c, &c->client))
        return refuse_client(c, "the client's KEXINIT is malformed");
    return 0;
}

static int check_negotiation(struct check *c)
{
    enum kexinit_list failed;
    if (negotiate(&c->client, &c->server, &c->result.chosen, &failed))
        return refuse_client(c, "no common %s; this server offers %.*s", kexinit_list_name(failed),
                             (int)size_min(c->server.lists[failed].size, 400),
                             (const char *)c->server.lists[failed].data);
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

/* The first of our keys, in the order of the configuration, that signs with the negotiated algorithm. */
static int find_host_key(struct check *c)
{
    struct sp_in keys = sp_in_of(c->context->offer->keys);
    for (size_t i = 0; keys.left != 0 && !keys.bad; i++) {
        struct sp_span algorithms = sp_get_text(&keys, 1024);
        struct sp_span blob = sp_get_string(&keys, SP_KEY_BLOB_MAX);
        if (keys.bad || !sp_list_has(algorithms, c->result.chosen.names[KEXINIT_HOST_KEY]))
            continue;
        c->result.key = i;
        c->result.host_key = blob;
        return 0;
    }
    return refuse_worker(c, "no host key of this generation signs with the negotiated algorithm");
}

static bool is_all_zero(struct sp_span bytes)
{
    uint8_t any = 0;
    for (size_t i = 0; i < bytes.size; i++)
        any |= bytes.data[i];
    return any == 0;
}

/* Of methods that negotiate a group (RFC 4419): H over any other than the worker may answer is for nobody. */
static int check_group(struct check *c)
{
    if (!c->kex->check_group)
        return c->said.group.size == 0 ? 0 : refuse_worker(c, "a group for a method that has its own");
    int r = c->kex->check_group(c->kex, c->said.group, SP_KEX_GROUP_BITS_MIN);
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

int transcript_check(const struct transcript_context *context, struct sp_span transcript,
                     struct transcript_result *result, struct transcript_refusal *refusal)
{
    static int (*const steps[])(struct check *) = {
        check_context,        check_versions,    check_own_kexinit,
        check_client_kexinit, check_negotiation, find_modules,
        find_host_key,        check_values,      compute_h,
    };
    struct check c = {.context = context, .refusal = refusal};
    int r = open_transcript(&c, transcript);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
        r = steps[i](&c);
    if (r == 0)
        *result = c.result;
    return r;
}
