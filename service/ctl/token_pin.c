/* Asking for PINs. Input: the terminal, which is opened by its own name: standard input may be a file. */
#include "ctl/token_pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>

#include "base/fd.h"
#include "ctl/ctl.h"
#include "signer/pin_source.h"

#define TRIES 3u
#define RANDOM_OCTETS 16u

enum {
    KEY_INTERRUPT = 3,
    KEY_END = 4,
    KEY_BACKSPACE = 8,
    KEY_KILL = 21,
    KEY_DELETE = 127,
};

/* ---- the terminal ------------------------------------------------------------------------------------------ */

/* One line, key by key: signals are keys here, so that nothing can leave the terminal without its echo. */
static int line_read(int tty, char line[PIN_MAX + 1], size_t *size)
{
    for (;;) {
        unsigned char c;
        ssize_t n = read(tty, &c, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || c == KEY_INTERRUPT || (c == KEY_END && *size == 0))
            return -ECANCELED;
        if (c == '\n' || c == '\r' || c == KEY_END)
            return 0;
        if (c == KEY_KILL)
            *size = 0;
        else if (c == KEY_BACKSPACE || c == KEY_DELETE)
            *size -= *size != 0;
        else if (*size < PIN_MAX)
            line[(*size)++] = (char)c;
        else
            return -EFBIG;
    }
}

/* From the line to memory of its own, by way of a pipe: that is how secrets arrive. */
static int line_keep(const char *line, size_t size, struct secret *pin)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    int r = fd_write_all(ends[1], sp_span_of(line, size));
    close(ends[1]);
    if (r == 0)
        r = secret_read(ends[0], PIN_MAX, pin);
    close(ends[0]);
    return r;
}

static int tty_ask(int tty, const char *what, struct secret *pin)
{
    char line[PIN_MAX + 1];
    size_t size = 0;
    struct termios before, quiet;
    if (tcgetattr(tty, &before) < 0)
        return -errno;
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    quiet.c_cc[VMIN] = 1;
    quiet.c_cc[VTIME] = 0;
    if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
        return -errno;
    (void)!dprintf(tty, "%s: ", what);
    int r = line_read(tty, line, &size);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    (void)!dprintf(tty, "\n");
    if (r == 0)
        r = line_keep(line, size, pin);
    explicit_bzero(line, sizeof line);
    return r;
}

static int ask_once(int tty, const char *what, struct secret *pin)
{
    int r = tty_ask(tty, what, pin);
    if (r == -ECANCELED)
        return ctl_fail("nothing was typed, and nothing done");
    if (r == -ENODATA)
        return ctl_fail("%s: expected at least one character", what);
    return r ? ctl_fail("the terminal: %s", strerror(-r)) : 0;
}

static bool secrets_equal(const struct secret *a, const struct secret *b)
{
    unsigned differ = a->size != b->size;
    for (size_t i = 0; i < a->size && i < b->size; i++)
        differ |= (unsigned)(a->page[i] ^ b->page[i]);
    return differ == 0;
}

static int ask_twice(int tty, const char *what, struct secret *pin)
{
    char again[160];
    snprintf(again, sizeof again, "%s, again", what);
    for (unsigned i = 0; i < TRIES; i++) {
        struct secret second = {0};
        int r = ask_once(tty, what, pin);
        if (r == 0)
            r = ask_once(tty, again, &second);
        bool equal = r == 0 && secrets_equal(pin, &second);
        secret_wipe(&second);
        if (equal)
            return 0;
        secret_wipe(pin);
        if (r)
            return r;
        (void)!dprintf(tty, "These were not the same.\n");
    }
    return ctl_fail("nothing was done");
}

int pin_ask(const char *what, bool twice, struct secret *pin)
{
    CLEANUP_CLOSE int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return ctl_fail("%s: there is no terminal to type it on; name a file with --pin-file", what);
    return twice ? ask_twice(tty, what, pin) : ask_once(tty, what, pin);
}

int pin_confirm(const char *question, const char *expected)
{
    char line[256];
    fprintf(stderr, "%s", question);
    fflush(stderr);
    if (!fgets(line, sizeof line, stdin))
        line[0] = 0;
    line[strcspn(line, "\n")] = 0;
    if (strcmp(line, expected) == 0)
        return 0;
    (void)ctl_fail("that was not \"%s\": nothing was done", expected);
    return CTL_FINDING;
}

/* ---- files ------------------------------------------------------------------------------------------------- */

static int random_text(char text[2 * RANDOM_OCTETS + 1])
{
    uint8_t octets[RANDOM_OCTETS];
    if (getrandom(octets, sizeof octets, 0) != (ssize_t)sizeof octets)
        return -EIO;
    for (size_t i = 0; i < sizeof octets; i++)
        snprintf(text + 2 * i, 3, "%02x", octets[i]);
    explicit_bzero(octets, sizeof octets);
    return 0;
}

int pin_file_make(const char *path, uid_t uid, gid_t gid)
{
    char text[2 * RANDOM_OCTETS + 1];
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
    if (fd < 0)
        return ctl_fail("%s: %s", path, strerror(errno));
    int r = random_text(text);
    if (r == 0)
        r = fd_write_all(fd, sp_text(text));
    explicit_bzero(text, sizeof text);
    if (r == 0 && (fchmod(fd, 0400) < 0 || (geteuid() == 0 && fchown(fd, uid, gid) < 0) || fsync(fd) < 0))
        r = -errno;
    if (r == 0)
        return 0;
    unlink(path);
    return ctl_fail("%s: %s", path, strerror(-r));
}
