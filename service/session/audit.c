/*
 * Audit records. Input: a login, and what the monitor has said about its connection. Output: messages to the kernel, which
 * adds pid, login uid and session by itself and hands them to auditd.
 *
 * Why what is in them may be believed. The addresses, ports and algorithms come from the monitor over its link: the address
 * is that of the socket, the algorithms are what the signer has negotiated for itself and signed. Neither the worker nor
 * the client can change them. A name that a client claims is written only if there is such a user: people type
 * passwords as names. Everything that is no number of ours is one word without quotes, so that a record has the fields that we
 * have written and no more.
 */
#include "session/audit.h"

#include <errno.h>
#include <libaudit.h>
#include <stdio.h>
#include <unistd.h>

#include <sallyport/wire.h>

#include "session/login.h"

#define TERMINAL "ssh"       /* there is none yet, and may never be one; as sshd says it */
#define UNKNOWN "(unknown)"  /* instead of a name that is none */
#define CHACHA_KEY_BITS 512u /* chacha20-poly1305@openssh.com has two keys */

/* A kernel without audit is a choice, and nothing to report. */
static int audit_begin(struct login *login)
{
    int fd = audit_open();
    if (fd < 0 && errno != EINVAL && errno != EPROTONOSUPPORT && errno != EAFNOSUPPORT)
        login->unaudited = true;
    return fd;
}

/* result: what libaudit has returned. ECONNREFUSED: a container whose kernel does not take part in audit from there. */
static void audit_end(struct login *login, int fd, int result)
{
    if (result <= 0)
        login->unaudited = true;
    close(fd);
}

/* About an account: its name if there is one to be named, else its uid. */
static void account_write(struct login *login, int type, const char *op, const char *name, bool passed)
{
    int fd = audit_begin(login);
    if (fd < 0)
        return;
    /* With an address, libaudit looks no name up. */
    audit_end(login, fd,
              audit_log_acct_message(fd, type, NULL, op, name, name ? (unsigned)-1 : login->account.uid, NULL,
                                     login->remote_address, TERMINAL, passed));
}

static void text_write(struct login *login, int type, const char *text)
{
    int fd = audit_begin(login);
    if (fd >= 0)
        audit_end(login, fd,
                  audit_log_user_message(fd, type, text, NULL, login->remote_address, TERMINAL, 1));
}

static const char *known_name(const struct login *login)
{
    return login->account.exists ? login->account.name : UNKNOWN;
}

void audit_attempt(struct login *login, enum method method, bool passed)
{
    if (method == METHOD_PUBLICKEY)
        account_write(login, AUDIT_USER_AUTH, "pubkey_auth", known_name(login), passed);
}

void audit_login(struct login *login, bool succeeded)
{
    account_write(login, AUDIT_USER_LOGIN, "login", succeeded ? NULL : known_name(login), succeeded);
}

void audit_logout(struct login *login)
{
    account_write(login, AUDIT_USER_LOGOUT, "login", NULL, true);
}

/* Names of algorithms are ours, or a module's: none has a blank or a quote. */
struct word {
    char text[96];
};

static struct word word_of(struct sp_span bytes)
{
    struct word w;
    size_t size = size_min(bytes.size, sizeof w.text - 1);
    for (size_t i = 0; i < size; i++) {
        uint8_t c = bytes.data[i];
        w.text[i] = c > 0x20 && c < 0x7f && c != '\'' && c != '"' ? (char)c : '_';
    }
    w.text[size] = '\0';
    return w;
}

void audit_key(struct login *login, const char *fingerprint, struct sp_span algorithm)
{
    char text[512];
    snprintf(text, sizeof text, "op=negotiate kind=auth-key fp=%s algo=%s rport=%u",
             word_of(sp_text(fingerprint)).text, word_of(algorithm).text, login->remote_port);
    text_write(login, AUDIT_CRYPTO_KEY_USER, text);
}

/* The digits in the cipher's name are its key's; the one without has two keys. */
static unsigned key_bits(struct sp_span cipher)
{
    unsigned bits = 0;
    if (cipher.size >= 6 && memcmp(cipher.data, "chacha", 6) == 0)
        return CHACHA_KEY_BITS;
    for (size_t i = 0; i < cipher.size && bits < 1000; i++) {
        if (cipher.data[i] >= '0' && cipher.data[i] <= '9')
            bits = bits * 10 + (unsigned)(cipher.data[i] - '0');
        else if (bits != 0)
            break;
    }
    return bits;
}

static void direction_write(struct login *login, const char *direction, struct sp_span kex,
                            struct sp_span cipher, struct sp_span mac)
{
    char text[1024];
    snprintf(
        text, sizeof text,
        "op=start direction=%s cipher=%s ksize=%u mac=%s pfs=%s spid=%ld suid=%u rport=%u laddr=%s lport=%u",
        direction, word_of(cipher).text, key_bits(cipher), word_of(mac).text, word_of(kex).text,
        (long)getpid(), (unsigned)getuid(), login->remote_port, word_of(sp_text(login->local_address)).text,
        login->local_port);
    text_write(login, AUDIT_CRYPTO_SESSION, text);
}

/* The order is that of `sign_done` in messages.def. */
void audit_session(struct login *login)
{
    enum {
        VERSION,
        KEX,
        HOST_KEY,
        CIPHER_IN,
        CIPHER_OUT,
        MAC_IN,
        MAC_OUT,
        COMPRESSION_IN,
        COMPRESSION_OUT,
        ITEMS
    };
    struct sp_span items[ITEMS];
    struct sp_in in = sp_in_of(sp_span_of(login->negotiated, login->negotiated_size));
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = sp_get_string(&in, sizeof login->negotiated);
    if (sp_get_end(&in))
        return;
    direction_write(login, "from-server", items[KEX], items[CIPHER_OUT], items[MAC_OUT]);
    direction_write(login, "from-client", items[KEX], items[CIPHER_IN], items[MAC_IN]);
}
