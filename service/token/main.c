/*
 * sallyport-token: one provider of host keys in a process of its own. Input: its arguments and the PIN's descriptor
 * from the spawner, then requests from the signer's link, which are {key, mechanism, data} and nothing else. Output: the
 * public keys, raw signatures, or last words. It never forks: a child would inherit a logged-in token.
 *
 * Why it may believe the signer: nobody else holds the other end of the link. What it is asked to sign it cannot
 * judge; the signer can, and this process has no second peer.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <sallyport/hostkey.h>

#include "base/fd.h"
#include "base/module_load.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "ipc/link.h"

#define PIN_MAX 1024u /* octets */

/* The signer's words for mechanisms are the provider's. */
_Static_assert((int)TOKEN_EDDSA == (int)SP_HOSTKEY_EDDSA, "mechanisms");
_Static_assert((int)TOKEN_ECDSA == (int)SP_HOSTKEY_ECDSA, "mechanisms");
_Static_assert((int)TOKEN_RSA_SHA256 == (int)SP_HOSTKEY_RSA_SHA256, "mechanisms");
_Static_assert((int)TOKEN_RSA_SHA512 == (int)SP_HOSTKEY_RSA_SHA512, "mechanisms");

/* sysexits(3), for who reads the exit status in a log. */
enum {
    EXIT_USAGE = 64,
    EXIT_UNUSABLE = 69,
    EXIT_MACHINE = 71,
    EXIT_LOST = 75,
};

struct token {
    const char *module;          /* a PKCS#11 one */
    const char *provider_module; /* one of ours, instead */
    const char *keys[SP_HOSTKEY_KEYS_MAX];
    size_t key_count;
    int link_fd;
    int pin_fd;
    struct secret pin;
    struct link signer;
    const struct sp_hostkey_ops *ops;
    void *provider;
};

static bool number_parse(const char *text, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == 0 || *end != 0 || value < 0 || value > 1024)
        return false;
    *number = (int)value;
    return true;
}

static bool key_add(struct token *t, const char *uri)
{
    if (t->key_count == SP_HOSTKEY_KEYS_MAX)
        return false;
    t->keys[t->key_count++] = uri;
    return true;
}

static bool option_take(struct token *t, int option, const char *value)
{
    switch (option) {
    case 'm':
        t->module = value;
        return true;
    case 'o':
        t->provider_module = value;
        return true;
    case 'l':
        return number_parse(value, &t->link_fd);
    case 'p':
        return number_parse(value, &t->pin_fd);
    case 'u':
        return key_add(t, value);
    default:
        return false;
    }
}

static bool options_parse(struct token *t, int argc, char **argv)
{
    static const struct option options[] = {
        {"module", required_argument, NULL, 'm'},  {"provider", required_argument, NULL, 'o'},
        {"link-fd", required_argument, NULL, 'l'}, {"pin-fd", required_argument, NULL, 'p'},
        {"uri", required_argument, NULL, 'u'},     {0},
    };
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        if (!option_take(t, option, optarg))
            return false;
    return optind == argc && !t->module != !t->provider_module && t->link_fd >= 0 && t->key_count != 0;
}

/*
 * What is the same for every vendor's module: no way to gain a privilege, no core dump with a PIN in it. A module makes
 * threads, sockets and files as it pleases, so there is no filter of system calls here; the network namespace is the
 * signer's empty one.
 */
static int confine(void)
{
    static const struct sandbox_limit limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NOFILE, 256},
    };
    int r = sandbox_drop_capabilities();
    if (r == 0)
        r = sandbox_harden_process();
    return r ? r : sandbox_limit(limits, ARRAY_SIZE(limits));
}

/* Says the last words that fit the result, and how to exit. */
static int give_up(struct token *t, int result, const char *why)
{
    struct sp_span text = sp_text(why);
    if (result < 0 || result == SP_HOSTKEY_E_LOST || result == SP_HOSTKEY_E_LOGIN) {
        int r = link_send(&t->signer, token_lost, .pin = result == SP_HOSTKEY_E_LOGIN, .why = text);
        return r == 0 ? EXIT_LOST : EXIT_MACHINE;
    }
    /* A call that failed without a meaning of its own may succeed later: some modules run out of sessions for a while. */
    bool again = result == SP_HOSTKEY_E_MISSING || result == SP_HOSTKEY_E_FAILED;
    int r =
        link_send(&t->signer, token_unusable, .pin = result == SP_HOSTKEY_E_PIN, .again = again, .why = text);
    return r == 0 ? EXIT_UNUSABLE : EXIT_MACHINE;
}

static int read_pin(struct token *t)
{
    if (t->pin_fd < 0)
        return 0;
    int r = secret_read(t->pin_fd, PIN_MAX, &t->pin);
    close(t->pin_fd);
    if (r == 0 && !t->pin.locked)
        fprintf(stderr,
                "sallyport-token: the PIN's memory cannot be locked on this machine and could reach swap\n");
    if (r == 0)
        return 0;
    char why[128];
    snprintf(why, sizeof why, "reading the PIN: %s", r == -ENODATA ? "it is empty" : strerror(-r));
    return give_up(t, SP_HOSTKEY_E_STOP, why);
}

/* Whose code this is: root's, who has placed the file and named it. It runs with what this process has left. */
static int load_provider(struct token *t)
{
    const struct sp_module *module = NULL;
    char why[512];
    if (!t->provider_module)
        return 0;
    int r = module_load(t->provider_module, SP_KIND_HOSTKEY, sizeof *t->ops, &module, why, sizeof why);
    if (r < 0)
        return EXIT_MACHINE;
    if (r > 0)
        return give_up(t, SP_HOSTKEY_E_STOP, why);
    t->ops = (const struct sp_hostkey_ops *)(const void *)module;
    return 0;
}

static int open_provider(struct token *t)
{
    struct sp_hostkey_error error = {{0}};
    bool pin_needed = false;
    struct sp_hostkey_config config = {.module = t->provider_module ? t->provider_module : t->module,
                                       .keys = t->keys,
                                       .key_count = t->key_count,
                                       .pin = secret_span(&t->pin)};
    int r = t->ops->open(&config, &t->provider, &pin_needed, &error);
    if (!pin_needed)
        secret_wipe(&t->pin);
    return r ? give_up(t, r, error.text) : 0;
}

static int announce(struct token *t)
{
    for (size_t i = 0; i < t->key_count; i++) {
        struct sp_hostkey_key key;
        t->ops->key(t->provider, i, &key);
        if (link_send(&t->signer, token_key, .key = (uint32_t)i, .label = key.label, .blob = key.blob))
            return EXIT_MACHINE;
    }
    return link_send(&t->signer, token_ready, .token = t->ops->name(t->provider)) ? EXIT_MACHINE : 0;
}

static int on_sign(struct token *t, const struct msg_token_sign *request)
{
    uint8_t bytes[SP_HOSTKEY_RAW_MAX];
    struct sp_out raw = {.data = bytes, .capacity = sizeof bytes};
    struct sp_hostkey_error error = {{0}};
    int r = t->ops->sign(t->provider, request->key, (enum sp_hostkey_mechanism)request->mechanism,
                         request->data, &raw, &error);
    if (r == SP_HOSTKEY_E_FAILED)
        r = link_send(&t->signer, token_failed, .ticket = request->ticket, .why = sp_text(error.text));
    else if (r == 0)
        r = link_send(&t->signer, token_signed, .ticket = request->ticket, .raw = sp_written(&raw));
    else
        return give_up(t, r, error.text);
    return r ? EXIT_MACHINE : 0;
}

/* One request at a time, in order, until the signer closes the link: the exit status. */
static int serve(struct token *t, struct link_inbox *inbox)
{
    for (;;) {
        int r = link_wait(&t->signer, PHASE_ANY, inbox, -1);
        if (r == LINK_E_CLOSED)
            return EXIT_SUCCESS;
        if (r || inbox->row->number != MSG_token_sign)
            return EXIT_MACHINE;
        r = on_sign(t, &inbox->body.token_sign);
        if (r)
            return r;
    }
}

static int run(struct token *t)
{
    CLEANUP_FREE struct link_inbox *inbox = calloc(1, sizeof *inbox);
    int r = inbox ? load_provider(t) : EXIT_MACHINE;
    if (r == 0)
        r = read_pin(t);
    if (r == 0)
        r = open_provider(t);
    if (r == 0)
        r = announce(t);
    if (r == 0)
        r = serve(t, inbox);
    if (t->provider)
        t->ops->close(t->provider);
    secret_wipe(&t->pin);
    if (link_flush(&t->signer) != 0 && r == 0)
        r = EXIT_MACHINE;
    link_close(&t->signer);
    return r;
}

int main(int argc, char **argv)
{
    struct token token = {.link_fd = -1, .pin_fd = -1, .ops = &hostkey_pkcs11};

    /* 1. what to load, and where to read and write */
    if (!options_parse(&token, argc, argv)) {
        fprintf(stderr, "sallyport-token is started by sallyport-signer, not by hand\n");
        return EXIT_USAGE;
    }
    /* 2. no privileges; and it ends with the spawner that started it */
    if (confine() != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return EXIT_MACHINE;
    /* 3. some modules write to sockets of their own without asking for no signal */
    signal(SIGPIPE, SIG_IGN);
    /* 4. the provider: loaded, logged in, keys found; then requests, one by one */
    link_init(&token.signer, token.link_fd, ROLE_TOKEN, ROLE_SIGNER);
    return run(&token);
}
