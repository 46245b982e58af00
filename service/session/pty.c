/* Pseudo-terminals. Input: channel_pty. Output: a master for the worker, a terminal of the user's. pty(7). */
#include "session/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "session/account.h"
#include "session/tty_modes.h"

/* write(1) and wall(1) are setgid tty: the group may write, nobody may read but the user. */
static int owner_set(int slave, const struct account *account)
{
    const struct group *tty = getgrnam("tty");
    gid_t gid = tty ? tty->gr_gid : account->gid;
    mode_t mode = tty ? 0620 : 0600;
    if (fchown(slave, account->uid, gid) < 0 || fchmod(slave, mode) < 0)
        return -errno;
    return 0;
}

static unsigned short dimension(uint32_t value)
{
    return value > UINT16_MAX ? UINT16_MAX : (unsigned short)value;
}

static int modes_set(int slave, const struct msg_channel_pty *request)
{
    struct termios modes;
    struct winsize size = {
        .ws_col = dimension(request->columns),
        .ws_row = dimension(request->rows),
        .ws_xpixel = dimension(request->width_px),
        .ws_ypixel = dimension(request->height_px),
    };
    if (tcgetattr(slave, &modes) < 0)
        return -errno;
    if (tty_modes_apply(request->modes, &modes))
        return -EINVAL;
    if (tcsetattr(slave, TCSANOW, &modes) < 0 || ioctl(slave, TIOCSWINSZ, &size) < 0)
        return -errno;
    return 0;
}

int pty_open_slave(const struct pty *pty)
{
    /* By the master, not by the name: nobody can have put something else there. */
    int fd = ioctl(pty->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        fd = open(pty->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int pty_open(const struct msg_channel_pty *request, const struct account *account, struct pty *pty)
{
    struct pty made = {.master = -1};
    CLEANUP_CLOSE int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (master < 0)
        return -errno;
    if (grantpt(master) < 0 || unlockpt(master) < 0)
        return -errno;
    int r = ptsname_r(master, made.name, sizeof made.name);
    if (r)
        return -r;
    made.master = master;
    CLEANUP_CLOSE int slave = pty_open_slave(&made);
    if (slave < 0)
        return slave;
    r = owner_set(slave, account);
    if (r == 0)
        r = modes_set(slave, request);
    if (r)
        return r;
    (void)TAKE_FD(master);
    *pty = made;
    return 0;
}

void pty_close(struct pty *pty)
{
    if (pty->master >= 0)
        close(pty->master);
    pty->master = -1;
}
