/*
 * The file of refused PINs: a random key, then one hash per PIN. Input: what the spawner started tokens with and what
 * they said. Output: whether a PIN may be sent.
 */
#include "signer/refused.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/fd.h"

#define FILE_NAME "refused-pins"

static int file_write(const struct refused_pins *refused)
{
    char fresh[PATH_MAX + 8];
    snprintf(fresh, sizeof fresh, "%s.new", refused->path);
    CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, sp_span_of(refused->key, sizeof refused->key));
    if (r == 0)
        r = fd_write_all(fd, sp_span_of(refused->hashes, refused->count * REFUSED_HASH_SIZE));
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (r == 0 && rename(fresh, refused->path) < 0)
        r = -errno;
    return r;
}

static int file_read(struct refused_pins *refused, int fd)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    int r = fd_read_all(fd, REFUSED_HASH_SIZE * (REFUSED_MAX + 1), &data, &size);
    if (r)
        return r;
    if (size < REFUSED_HASH_SIZE || size % REFUSED_HASH_SIZE != 0)
        return -EBADMSG;
    memcpy(refused->key, data, REFUSED_HASH_SIZE);
    memcpy(refused->hashes, data + REFUSED_HASH_SIZE, size - REFUSED_HASH_SIZE);
    refused->count = size / REFUSED_HASH_SIZE - 1;
    return 0;
}

static int key_make(struct refused_pins *refused)
{
    ssize_t got = getrandom(refused->key, sizeof refused->key, 0);
    return got == (ssize_t)sizeof refused->key ? 0 : -EIO;
}

static bool directory_exists(const char *path)
{
    struct stat st;
    return path[0] != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int refused_open(struct refused_pins *refused, const char *directory)
{
    *refused = (struct refused_pins){.digest = digest_find(sp_text("sha256"))};
    if (!refused->digest || refused->digest->size != REFUSED_HASH_SIZE)
        return -ENOENT;
    if (!directory_exists(directory))
        return key_make(refused);
    if (snprintf(refused->path, sizeof refused->path, "%s/" FILE_NAME, directory) >=
        (int)sizeof refused->path)
        return -ENAMETOOLONG;
    CLEANUP_CLOSE int fd = open(refused->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        return file_read(refused, fd);
    int r = errno == ENOENT ? key_make(refused) : -errno;
    return r ? r : file_write(refused);
}

int refused_hash(const struct refused_pins *refused, struct sp_span module, struct sp_span token,
                 struct sp_span pin, uint8_t hash[REFUSED_HASH_SIZE])
{
    /* Lengths before the texts, so that no two different PINs of different tokens are hashed alike; twice with the
     * key, so that the inner result tells nothing. */
    uint8_t lengths[8];
    struct sp_out out = {.data = lengths, .capacity = sizeof lengths};
    sp_put_u32(&out, (uint32_t)module.size);
    sp_put_u32(&out, (uint32_t)token.size);
    uint8_t inner[SP_DIGEST_MAX];
    struct sp_span key = sp_span_of(refused->key, sizeof refused->key);
    const struct sp_span parts[] = {key, sp_written(&out), module, token, pin};
    int r = refused->digest->hash(parts, ARRAY_SIZE(parts), inner);
    if (r)
        return r;
    const struct sp_span outer[] = {key, sp_span_of(inner, REFUSED_HASH_SIZE)};
    return refused->digest->hash(outer, ARRAY_SIZE(outer), hash);
}

bool refused_has(const struct refused_pins *refused, const uint8_t hash[REFUSED_HASH_SIZE])
{
    for (size_t i = 0; i < refused->count; i++)
        if (memcmp(refused->hashes[i], hash, REFUSED_HASH_SIZE) == 0)
            return true;
    return false;
}

int refused_add(struct refused_pins *refused, const uint8_t hash[REFUSED_HASH_SIZE])
{
    if (refused_has(refused, hash))
        return 0;
    if (refused->count == REFUSED_MAX)
        memmove(refused->hashes[0], refused->hashes[1], (--refused->count) * REFUSED_HASH_SIZE);
    memcpy(refused->hashes[refused->count++], hash, REFUSED_HASH_SIZE);
    return refused->path[0] ? file_write(refused) : 0;
}
