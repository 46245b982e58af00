/*
 * Whose connection a balancer has opened. Input: `proxied` of the connection's own worker, at most once, before anything is
 * signed. Output: the connection's address from then on, by which it is admitted, and the policy for the worker.
 *
 * Why this may be believed:
 *   - The socket's own peer is in ProxyTrusted. That is the kernel's word and the configuration's, and was found out before a
 *     worker existed. Whoever can connect from there can say any address; that is what being trusted means.
 *   - A worker says it before it looks at an octet behind the header. So it is said by a process that only the balancer's own
 *     octets have reached, and a client who takes a worker over afterwards finds it said: a second time is illegal.
 *   - It is about the one connection whose link it came over.
 * What a false address could do is why this order matters: have an innocent one wait for a crash or banned by who reads the
 * log, or get what Match Address gives to others. Only a fault in the reading of the header itself (worker/proxy.c) would let
 * a balancer's octets do that, and they can do it without one.
 * The address that the client had connected to is written down and not used: LocalAddress and LocalPort are our own socket's.
 */
#include "monitor/proxied.h"

#include <string.h>

#include "base/loop.h"

#include "monitor/accept.h"
#include "monitor/monitor.h"
#include "monitor/record.h"

struct claim {
    enum proxied_kind kind;
    struct sockaddr_storage source, destination; /* of a client's */
};

/* NULL, or what no honest worker does. */
static const char *claim_take(const struct connection *c, const struct msg_proxied *said, struct claim *claim)
{
    bool has_addresses = said->source.size != 0 || said->destination.size != 0;
    if (c->balancer.step == BALANCER_NONE)
        return "worker sent proxied on a listener without balancers";
    if (c->balancer.step == BALANCER_TOLD)
        return "worker sent proxied twice";
    if (said->kind != PROXIED_LOCAL && said->kind != PROXIED_UNKNOWN && said->kind != PROXIED_CLIENT)
        return "worker sent proxied of no kind";
    if (has_addresses != (said->kind == PROXIED_CLIENT) || said->source.size != said->destination.size)
        return "worker sent proxied with addresses that do not go with it";
    if (has_addresses && (!address_of_octets(said->source, said->source_port, &claim->source) ||
                          !address_of_octets(said->destination, said->destination_port, &claim->destination)))
        return "worker sent proxied with addresses of no family";
    claim->kind = (enum proxied_kind)said->kind;
    return NULL;
}

/* A client's address is the connection's; the balancer's own connections keep theirs. */
static void claim_use(struct connection *c, const struct claim *claim)
{
    const struct config *config = c->generation->config;
    const struct address balancer = c->remote;
    if (claim->kind == PROXIED_CLIENT) {
        c->remote = address_of(&claim->source);
        c->source = address_block_of(&claim->source, config->netblock_ipv4, config->netblock_ipv6);
        c->balancer.address = balancer;
    }
    /* Balancers that speak version 1 have no other way to say that it is their own. */
    c->balancer.is_own = claim->kind == PROXIED_LOCAL ||
                         (claim->kind == PROXIED_CLIENT && strcmp(c->remote.text, balancer.text) == 0);
}

/*
 * The client reads why, as one without a balancer does: our identification has not been sent. That takes its worker a moment,
 * which the client can draw out. Whose it is has been said: it waits for that no more, and takes nobody's place among those
 * that do. Else one source that is refused again and again would keep all others out.
 */
static void source_refuse(struct connection *c, enum admission_verdict verdict)
{
    const struct record_number local_port = record_number(c->local.port);
    const struct log_field fields[] = {{"reason", sp_text(admission_reason(verdict))},
                                       {"local_address", sp_text(c->local.text)},
                                       {"local_port", sp_text(local_port.text)}};
    const char *line = admission_line(verdict);
    observe_refused(c->monitor, &c->remote, &c->source, verdict);
    monitor_log(c->monitor, c, LOG_LEVEL_NOTICE, "refused", fields, ARRAY_SIZE(fields),
                "drop connection #%u from [%s]:%u on [%s]:%u %s", c->monitor->admission.startups,
                c->remote.text, c->remote.port, c->local.text, c->local.port, admission_phrase(verdict));
    c->balancer.is_refused = true;
    admission_leave(&c->monitor->awaited, &c->ticket, clock_ms());
    connection_end(c, DISCONNECT_TOO_MANY_CONNECTIONS, sp_span_of(line, strcspn(line, "\r")),
                   admission_reason(verdict));
}

/* From those that are counted by balancer to those that are counted by source. False: it ends. */
static bool source_enter(struct connection *c)
{
    struct monitor *m = c->monitor;
    /* MaxConnections has this one already. */
    enum admission_verdict verdict = source_admit(m, &c->source, UINT32_MAX);
    if (verdict != ADMISSION_OK) {
        source_refuse(c, verdict);
        return false;
    }
    admission_leave(&m->awaited, &c->ticket, clock_ms());
    c->balancer.step = BALANCER_TOLD;
    if (admission_enter(&m->admission, &c->source, &c->ticket) == 0)
        return true;
    connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("Out of memory"), "no_memory");
    return false;
}

/* The worker waits for this before it says anything to the client. */
static void policy_send(struct connection *c)
{
    char policy[513];
    if (generation_policy(c->generation, &c->remote, &c->local, c->listener, policy)) {
        connection_end(c, DISCONNECT_SERVICE_NOT_AVAILABLE, sp_text("Out of memory"), "no_memory");
        return;
    }
    int r = watch_send(&c->worker, proxied_policy, .remote_address = sp_text(c->remote.text),
                       .remote_port = c->remote.port, .policy = sp_text(policy));
    /* Who has closed already, as a check does at once, has left its last words, which are read next. */
    if (r && r != LINK_E_CLOSED)
        connection_worker_gone(c);
}

void connection_take_proxied(struct connection *c, const struct msg_proxied *said)
{
    struct claim claim;
    const char *complaint = claim_take(c, said, &claim);
    if (complaint) {
        connection_illegal(c, complaint);
        return;
    }
    const struct address balancer = c->remote;
    struct address destination = {.text = ""};
    if (claim.kind == PROXIED_CLIENT)
        destination = address_of(&claim.destination);
    claim_use(c, &claim);
    if (!source_enter(c))
        return;
    record_proxied(c, claim.kind, &balancer, &destination);
    connection_wait_grace(c);
    if (!c->gone)
        policy_send(c);
}

bool connection_ends_unseen(const struct connection *c)
{
    const struct connection_balancer *b = &c->balancer;
    bool says_nothing =
        c->end.said && c->end.by_peer && c->end.reason == 0 && !c->end.word && c->session_id_size == 0;
    return b->is_refused || (says_nothing && (b->step == BALANCER_AWAITED || b->is_own));
}
