/*
 * Providers of host keys: something that holds private keys and signs with them, such as a PKCS#11 token, or whatever a
 * module of this kind knows how to reach. The module's name is the scheme of its keys: of a module named "vault" those of
 *
 *     HostKey vault:anything
 *
 * LIFE. A provider runs in a process of its own (sallyport-token), which holds nothing else: one process for all keys of
 * the module, times TokenThreads. The process opens the module, calls open() once, then name() and key() for what
 * open() found, then sign() for one request at a time, and close() when the server lets go of it. It may as well be killed
 * at any moment, and be started afresh: what has to outlive it, the provider keeps elsewhere. There is no way to open
 * again in the same process; who loses the token says so (SP_HOSTKEY_E_LOST) and gets a new process, after a pause that
 * grows with each loss in a row.
 *
 * TIME. open() with everything behind it, and each sign(), have TokenTimeout; a process that takes longer is killed and
 * counts as a loss. While sign() runs, others wait: a provider that can do several at a time is given several processes.
 *
 * THREADS AND FORK. All calls come from one thread. A provider may make threads of its own. It must not fork: a child
 * would have the PIN and the token, and nobody to end it. It must not touch signal handlers, the environment, or
 * descriptors that it did not open (0 to 4 are the process's own; it may open some 240).
 *
 * SURROUNDINGS. The process runs as the user sallyport-signer without any capability, in a network namespace that has
 * no interface but a loopback that is down: a provider reaches what is in files, devices and unix sockets. The
 * environment has what TokenEnvironment names and no more. Standard output and error are the server's; standard input
 * has nothing.
 *
 * PIN. What TokenPIN names comes with open(). It stays where it is, in locked memory, as long as it is needed, and is
 * wiped by the process; a provider that copies it locks and wipes the copy. SP_HOSTKEY_E_LOGIN says that nobody knows
 * whether it was refused: it is sent once more, and after a second time not until the server is restarted. SP_HOSTKEY_E_PIN says that the token
 * refused it: it is then never sent again, also not by later processes, until the administrator changes it. A PIN whose
 * refusal would lock the token for good must not be tried: SP_HOSTKEY_E_STOP.
 *
 * BELIEF. A request is {key, mechanism, data} and was judged by the signer, which alone decides what is signed and
 * verifies every signature before it leaves; a provider has nothing to decide.
 */
#pragma once

#include <sallyport/module.h>

#define SP_HOSTKEY_KEYS_MAX 32u
#define SP_HOSTKEY_BLOB_MAX 4096u
#define SP_HOSTKEY_RAW_MAX 4096u /* octets of a raw signature */

/* What is to be done with the data of a signing request. */
enum sp_hostkey_mechanism {
    SP_HOSTKEY_EDDSA = 1,  /* data: the message; 64 octets come back */
    SP_HOSTKEY_ECDSA,      /* data: the digest; r ‖ s of fixed width comes back */
    SP_HOSTKEY_RSA_SHA256, /* data: the SHA-256 digest; RSASSA-PKCS1-v1_5 */
    SP_HOSTKEY_RSA_SHA512,
};

enum {
    SP_HOSTKEY_E_FAILED = 1, /* this request cannot be done; others may be */
    SP_HOSTKEY_E_LOST = 2,   /* the token is lost: only a new process can have it again */
    SP_HOSTKEY_E_PIN = 3,    /* the token refused this PIN: it must never be sent again */
    SP_HOSTKEY_E_STOP =
        4, /* not usable, and trying again would do harm or is of no use (locked, final try) */
    SP_HOSTKEY_E_MISSING = 5, /* the token or a key is not there, but may come back */
    SP_HOSTKEY_E_LOGIN = 6,   /* as LOST, with the PIN sent: the token did not say whether that was wrong */
};

/* What went wrong, for people: which call, on what, and what to do. */
struct sp_hostkey_error {
    char text[512];
};

struct sp_hostkey_config {
    const char *module; /* absolute path: of the PKCS#11 module to load; of a loaded provider, its own */
    /* One name per key, each as in its HostKey line: "NAME:" and the provider's own syntax. (PKCS#11: RFC 7512 without query) */
    const char *const *keys;
    size_t key_count;
    struct sp_span pin; /* empty: none. Valid as long as the provider is open, in locked memory */
};

/* A key, valid as long as its provider. */
struct sp_hostkey_key {
    struct sp_span label;
    struct sp_span blob; /* SSH public key blob */
};

struct sp_hostkey_ops {
    struct sp_module head;
    /*
     * Loads, logs in once and finds every key. 0, a negative errno (as good as LOST) or SP_HOSTKEY_E_* with error->text.
     * *provider: anything but NULL, for the other calls; untouched on failure. *pin_needed: whether signing asks for the
     * PIN again; if not, the caller wipes it.
     */
    int (*open)(const struct sp_hostkey_config *config, void **provider, bool *pin_needed,
                struct sp_hostkey_error *error);
    /* The token's name, for the log. */
    struct sp_span (*name)(void *provider);
    /* index < config.key_count. Types of keys that a provider can have: ssh-ed25519, ecdsa-sha2-nistp256, -384 and -521, ssh-rsa. */
    void (*key)(void *provider, size_t index, struct sp_hostkey_key *key);
    /*
     * A signature in the raw form of enum sp_hostkey_mechanism, appended to `raw`, which is empty and has room for
     * SP_HOSTKEY_RAW_MAX octets. An RSA key is asked for both of its mechanisms, each key for what suits its type. 0,
     * SP_HOSTKEY_E_FAILED or _LOST, with error->text.
     */
    int (*sign)(void *provider, size_t index, enum sp_hostkey_mechanism mechanism, struct sp_span data,
                struct sp_out *raw, struct sp_hostkey_error *error);
    void (*close)(void *provider);
};

/* The built-in provider; of no use to a module. */
extern const struct sp_hostkey_ops hostkey_pkcs11;
