/*
 * `sallyport policy scan`: any SSH server's offer, judged by a policy. Input: what the server sends up to its KEXINIT,
 * bounded in octets and time. No key is exchanged, and nobody logs in.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "base/loop.h"
#include "policy/catalog.h"

#include "ctl/describe.h"
#include "ctl/negotiation.h"
#include "ctl/peer.h"
#include "ctl/policy.h"

#define IDENTIFICATION "SSH-2.0-sallyport_" SALLYPORT_VERSION "\r\n"
#define HOST_MAX 256u

struct scan {
    char host[HOST_MAX], port[8];
    uint64_t until_ms;
    uint8_t octets[PEER_OCTETS_MAX];
    size_t size;
    struct peer_said said; /* points into octets */
};

/* ---- whom -------------------------------------------------------------------------------------------------- */

/* "host", "host:port", "[address]:port", "address" (of IPv6, with its colons). */
static int target_read(const char *text, struct scan *scan)
{
    const char *port = NULL, *end = text + strlen(text);
    if (text[0] == '[') {
        const char *close = strchr(text, ']');
        if (!close || (close[1] != '\0' && close[1] != ':'))
            return ctl_misuse("%s: expected [ADDRESS]:PORT", text);
        port = close[1] == ':' ? close + 2 : NULL;
        text++;
        end = close;
    } else if (strchr(text, ':') && strchr(text, ':') == strrchr(text, ':')) {
        end = strchr(text, ':');
        port = end + 1;
    }
    if (end == text || (size_t)(end - text) >= sizeof scan->host)
        return ctl_misuse("%s: expected a host", text);
    snprintf(scan->host, sizeof scan->host, "%.*s", (int)(end - text), text);
    if (port && (strspn(port, "0123456789") != strlen(port) || *port == '\0' || strlen(port) > 5))
        return ctl_misuse("%s: expected a port number, got \"%s\"", scan->host, port);
    snprintf(scan->port, sizeof scan->port, "%s", port ? port : "22");
    return 0;
}

/* ---- the connection ---------------------------------------------------------------------------------------- */

/* 0, -ETIMEDOUT or -errno. */
static int wait_for(int fd, short events, uint64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = events};
    uint64_t now = clock_ms();
    int r = now < until_ms ? poll(&p, 1, (int)(until_ms - now)) : 0;
    return r > 0 ? 0 : r == 0 ? -ETIMEDOUT : -errno;
}

static int dial_one(const struct addrinfo *to, uint64_t until_ms)
{
    int error = 0;
    socklen_t size = sizeof error;
    CLEANUP_CLOSE int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, to->ai_addr, to->ai_addrlen) < 0 && errno != EINPROGRESS)
        return -errno;
    int r = wait_for(fd, POLLOUT, until_ms);
    if (r)
        return r;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -errno;
    return error ? -error : TAKE_FD(fd);
}

static int dial(const struct scan *scan, json_t *found)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    char address[NI_MAXHOST] = "";
    int r = getaddrinfo(scan->host, scan->port, &hints, &list);
    if (r)
        return -ctl_fail("%s: %s", scan->host, gai_strerror(r));
    int fd = -EHOSTUNREACH;
    for (const struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
        fd = dial_one(at, scan->until_ms);
        (void)getnameinfo(at->ai_addr, at->ai_addrlen, address, sizeof address, NULL, 0, NI_NUMERICHOST);
    }
    freeaddrinfo(list);
    if (fd < 0)
        return -ctl_fail("%s port %s: %s", scan->host, scan->port, strerror(-fd));
    found_set_string(found, "address", address);
    return fd;
}

/* More octets; -EPROTO at the end of them, -E2BIG past the limit. */
static int receive(struct scan *scan, int fd)
{
    if (scan->size == sizeof scan->octets)
        return -E2BIG;
    int r = wait_for(fd, POLLIN, scan->until_ms);
    if (r)
        return r;
    ssize_t size = read(fd, scan->octets + scan->size, sizeof scan->octets - scan->size);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    scan->size += (size_t)size;
    return size == 0 ? -EPROTO : 0;
}

static int converse(struct scan *scan, int fd)
{
    const char *why = "";
    bool sent = false;
    for (;;) {
        struct sp_span octets = sp_span_of(scan->octets, scan->size);
        int r = peer_parse(octets, &scan->said, &why);
        if (r == 0)
            return 0;
        if (r == PEER_E_MALFORMED)
            return ctl_fail("%s port %s: %s", scan->host, scan->port, why);
        if (!sent && peer_is_identified(octets)) {
            /* Without blocking: so little fits into a fresh socket's buffer. */
            if (write(fd, IDENTIFICATION, strlen(IDENTIFICATION)) < 0)
                return ctl_fail("%s port %s: %s", scan->host, scan->port, strerror(errno));
            sent = true;
        }
        r = receive(scan, fd);
        if (r == -EPROTO)
            return ctl_fail("%s port %s: it closed the connection before its KEXINIT", scan->host,
                            scan->port);
        if (r)
            return ctl_fail("%s port %s: %s", scan->host, scan->port,
                            r == -E2BIG ? "it sends too much before its KEXINIT" : strerror(-r));
    }
}

/* ---- the verdict ------------------------------------------------------------------------------------------- */

static bool is_marker(struct sp_span name)
{
    return sp_span_is(name, "ext-info-s") || sp_span_is(name, "kex-strict-s-v00@openssh.com");
}

static const struct policy_entry *entry_of(const struct policy *policy, enum policy_kind kind,
                                           struct sp_span name)
{
    const struct policy_list *list = &policy->lists[kind];
    for (size_t i = 0; i < list->count; i++)
        if (sp_span_is(name, list->entries[i].name))
            return &list->entries[i];
    return NULL;
}

/* Another server's libraries are none of our business: what the policy lists is in, whether this build has it or not. */
static bool is_in(const struct subject *s, enum policy_kind kind, struct sp_span name,
                  struct policy_verdict *verdict)
{
    policy_explain(s->policy, &s->build.build, s->now, kind, name, verdict);
    switch (verdict->reason) {
    case POLICY_IN:
    case POLICY_IN_EXCEPTION:
        return true;
    case POLICY_NOT_AVAILABLE:
    case POLICY_NOT_IN_BUILD:
        return entry_of(s->policy, kind, name) != NULL;
    default:
        return false;
    }
}

static bool name_judge(const struct subject *s, enum policy_kind kind, struct sp_span name, json_t *names)
{
    struct policy_verdict verdict;
    bool in = is_in(s, kind, name, &verdict);
    bool broken = catalog_class(kind, name, NULL) == CATALOG_BROKEN;
    json_t *row = found_add_object(names);
    found_set(row, "name", name);
    found_set_string(row, "verdict", in ? "in" : broken ? "broken" : "out");
    found_set_string(row, "class", describe_class(kind, name));
    if (!in)
        found_set_string(row, "why", verdict.text);
    return in;
}

static void missing_find(const struct subject *s, enum policy_kind kind, struct sp_span offered, json_t *row)
{
    json_t *missing = found_make_array(row, "missing");
    const struct policy_list *list = &s->policy->lists[kind];
    for (size_t i = 0; i < list->count; i++) {
        struct policy_verdict verdict;
        struct sp_span name = sp_text(list->entries[i].name);
        if (!sp_list_has(offered, name) && is_in(s, kind, name, &verdict))
            found_add_string(missing, list->entries[i].name);
    }
}

static unsigned list_judge(const struct subject *s, const struct kexinit *kexinit, enum kexinit_list list,
                           json_t *lists)
{
    enum policy_kind kind = negotiation_kind(list);
    struct sp_span offered = kexinit->lists[list], rest = offered;
    unsigned out = 0;
    json_t *row = found_add_object(lists);
    found_set_string(row, "list", kexinit_list_name(list));
    found_set_string(row, "keyword", policy_keyword(kind));
    json_t *names = found_make_array(row, "names");
    while (rest.size != 0) {
        struct sp_span name = sp_next_name(&rest);
        if (!is_marker(name) && !name_judge(s, kind, name, names))
            out++;
    }
    missing_find(s, kind, offered, row);
    return out;
}

/* The other direction only where it differs. */
static bool is_repeated(const struct kexinit *kexinit, enum kexinit_list list)
{
    return (list == KEXINIT_CIPHER_S2C || list == KEXINIT_MAC_S2C || list == KEXINIT_COMPRESSION_S2C) &&
           sp_span_equal(kexinit->lists[list], kexinit->lists[list - 1]);
}

static int judge(const struct subject *s, const struct scan *scan, json_t *found)
{
    const struct kexinit *kexinit = &scan->said.kexinit;
    unsigned out = 0;
    json_t *lists = found_make_array(found, "lists");
    found_set_string(found, "host", scan->host);
    found_set_string(found, "port", scan->port);
    found_set_string(found, "policy", s->spec);
    found_set(found, "identification", scan->said.identification);
    for (enum kexinit_list list = 0; list < KEXINIT_NEGOTIATED; list++)
        if (!is_repeated(kexinit, list))
            out += list_judge(s, kexinit, list, lists);
    bool strict = sp_list_has(kexinit->lists[KEXINIT_KEX], sp_text("kex-strict-s-v00@openssh.com"));
    found_set_bool(found, "strict_kex", strict);
    found_set_string(found, "rsa_host_key_bits", "not probed");
    found_set_number(found, "out", out);
    return out || (s->policy->rules.strict_kex && !strict) ? CTL_FINDING : CTL_OK;
}

int policy_scan_find(const struct ctl_options *o, json_t *found)
{
    CLEANUP(subject_cleanup) struct subject *s = NULL;
    CLEANUP_FREE struct scan *scan = calloc(1, sizeof *scan);
    struct policy_error error = {.text = ""};
    if (!scan)
        return ctl_fail("out of memory");
    int r = target_read(o->arguments[0], scan);
    if (r == 0)
        r = subject_open(o, o->policy, &s, &error);
    if (r)
        return r == CTL_FINDING ? ctl_fail("%s", error.text) : r;
    scan->until_ms = clock_ms() + o->timeout_s * 1000ull;
    CLEANUP_CLOSE int fd = dial(scan, found);
    if (fd < 0)
        return -fd;
    r = converse(scan, fd);
    return r ? r : judge(s, scan, found);
}

static void list_show(const json_t *row)
{
    const json_t *names = json_object_get(row, "names"), *missing = json_object_get(row, "missing");
    printf("\n%s\n", found_get(row, "list"));
    for (size_t i = 0; i < json_array_size(names); i++) {
        const json_t *name = json_array_get(names, i);
        printf("  %-6s %s\n", found_get(name, "verdict"), found_get(name, "name"));
        if (*found_get(name, "why"))
            printf("           %s\n", found_get(name, "why"));
    }
    for (size_t i = 0; i < json_array_size(missing); i++)
        printf("  lacks  %s\n", json_string_value(json_array_get(missing, i)));
}

void policy_scan_show(const struct ctl_options *o, const json_t *found)
{
    const json_t *lists = json_object_get(found, "lists");
    (void)o;
    printf("%s port %s (%s): %s\njudged by policy %s\n", found_get(found, "host"), found_get(found, "port"),
           found_get(found, "address"), found_get(found, "identification"), found_get(found, "policy"));
    for (size_t i = 0; i < json_array_size(lists); i++)
        list_show(json_array_get(lists, i));
    printf("\nstrict key exchange: %s\nsize of an RSA host key: not probed\n%lld algorithms are not in the "
           "policy\n",
           found_is(found, "strict_kex") ? "yes" : "no", (long long)found_number(found, "out"));
}
