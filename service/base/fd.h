/* Descriptors: flags, reading whole files, sealed memory files, systemd's way of handing them over. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

void fd_set_nonblocking(int fd);
void fd_set_blocking(int fd);
void fd_set_cloexec(int fd);
/* A close-on-exec duplicate, or -errno. */
int fd_duplicate(int fd);

/* A memory file with these contents that nobody can change any more (F_SEAL_*); a descriptor or -errno. */
int fd_sealed(const char *name, struct sp_span contents) MUST_USE;
/* Maps a descriptor read-only after checking that it is fully sealed and at most `limit` octets. 0 or -errno. */
int fd_sealed_map(int fd, size_t limit, struct sp_span *contents) MUST_USE;
void fd_sealed_unmap(struct sp_span contents);

/* Reads all of it, at most `limit` octets, into memory of the caller (free()), with a NUL behind. 0 or -errno (-EFBIG). */
int fd_read_all(int fd, size_t limit, uint8_t **data, size_t *size) MUST_USE;
int fd_write_all(int fd, struct sp_span bytes) MUST_USE;

#define FD_SEND_MAX 16u
/* One datagram with descriptors, which stay the caller's; does not wait. 0, or -errno (-EAGAIN: there is no room now). */
int fd_send(int socket_fd, struct sp_span bytes, const int *fds, size_t fd_count) MUST_USE;

#define FD_LISTEN_MAX 65536 /* a restarted monitor gets those of all its connections back */

/* The descriptors that LISTEN_PID/LISTEN_FDS hand to this process: how many, starting at 3 (sd_listen_fds(3)). The
 * variables are removed from the environment. */
int fd_listen_count(void);
/* The name that LISTEN_FDNAMES had for one of them (sd_listen_fds_with_names(3)), for good; "" if it had none. */
const char *fd_listen_name(int fd);
