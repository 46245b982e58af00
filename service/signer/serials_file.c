/*
 * The file of serials: text, so that an administrator can read what is remembered,
 *
 *     sallyport-policy-serials 1
 *     NAME SERIAL SHA256-OF-ITS-TEXT          one line per policy
 *     # SHA256-OF-ALL-ABOVE
 *
 * and with an end that shows that it is whole. Input: the signer's state directory. Output: the memory, or why there is
 * none.
 */
#include "signer/serials.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include <sallyport/registry.h>

#include "base/decimal.h"
#include "base/fd.h"

#define FILE_NAME "policy-serials"
#define HEAD "sallyport-policy-serials 1\n"
#define END "# " /* no policy is called so */
#define DIGEST_TEXT (2u * POLICY_DIGEST_SIZE)
#define ROW_MAX (POLICY_NAME_MAX + 1u + 20u + 1u + DIGEST_TEXT + 1u)
#define FILE_MAX (sizeof HEAD + SERIALS_MAX * ROW_MAX + sizeof END + DIGEST_TEXT + 1u)

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void hex_put(const uint8_t digest[POLICY_DIGEST_SIZE], char text[DIGEST_TEXT + 1])
{
    for (size_t i = 0; i < POLICY_DIGEST_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static bool hex_take(const char *text, uint8_t digest[POLICY_DIGEST_SIZE])
{
    if (strlen(text) != DIGEST_TEXT)
        return false;
    for (size_t i = 0; i < POLICY_DIGEST_SIZE; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        digest[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static int digest_of(const char *text, size_t size, char hex[DIGEST_TEXT + 1])
{
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    const struct sp_span part = sp_span_of(text, size);
    if (!sha256)
        return -ENOENT;
    int r = sha256->hash(&part, 1, digest);
    if (r == 0)
        hex_put(digest, hex);
    return r;
}

/* "NAME SERIAL DIGEST" */
static bool line_take(char *line, struct serials *serials)
{
    char why[512];
    struct serial read = {.serial = 0};
    char *number = strchr(line, ' '), *digest = number ? strchr(number + 1, ' ') : NULL;
    if (!digest)
        return false;
    *number++ = 0;
    *digest++ = 0;
    if (line[0] == 0 || strlen(line) > POLICY_NAME_MAX)
        return false;
    memcpy(read.name, line, strlen(line) + 1);
    if (!decimal_parse(number, UINT64_MAX, &read.serial) || read.serial == 0 ||
        !hex_take(digest, read.digest))
        return false;
    size_t before = serials->count;
    return serials_set(serials, &read, why, sizeof why) == 0 && serials->count == before + 1;
}

/* NUL-terminated, and taken apart in place. */
static bool text_take(char *text, struct serials *serials)
{
    char hex[DIGEST_TEXT + 1];
    char *at = text, *end;
    if (strncmp(text, HEAD, strlen(HEAD)) != 0)
        return false;
    for (at += strlen(HEAD); strncmp(at, END, strlen(END)) != 0; at = end + 1)
        if (!(end = strchr(at, '\n')))
            return false;
    if (digest_of(text, (size_t)(at - text), hex) != 0 || strncmp(at + strlen(END), hex, DIGEST_TEXT) != 0 ||
        strcmp(at + strlen(END) + DIGEST_TEXT, "\n") != 0)
        return false;
    *at = 0;
    for (at = text + strlen(HEAD); *at != 0; at = end + 1) {
        end = strchr(at, '\n');
        *end = 0;
        if (!line_take(at, serials))
            return false;
    }
    return true;
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

static int refuse(char *why, size_t why_size, const char *path, const char *what)
{
    snprintf(why, why_size, "what serials of policies were accepted is not known: %s: %s", path, what);
    return SERIALS_E_REFUSED;
}

static bool directory_exists(const char *path)
{
    struct stat st;
    return path[0] != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int serials_open(struct serials_file *file, const char *directory, struct serials *serials, char *why,
                 size_t why_size)
{
    CLEANUP_FREE uint8_t *data = NULL;
    size_t size;
    *file = (struct serials_file){{0}};
    *serials = (struct serials){.count = 0};
    if (!directory_exists(directory))
        return refuse(why, why_size, directory, "the state directory is not there");
    if (snprintf(file->path, sizeof file->path, "%s/" FILE_NAME, directory) >= (int)sizeof file->path)
        return refuse(why, why_size, directory, strerror(ENAMETOOLONG));
    CLEANUP_CLOSE int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? 0 : refuse(why, why_size, file->path, strerror(errno));
    int r = fd_read_all(fd, FILE_MAX, &data, &size);
    if (r)
        return refuse(why, why_size, file->path, strerror(-r));
    if (strlen((char *)data) != size || !text_take((char *)data, serials)) {
        serials->count = 0;
        return refuse(why, why_size, file->path, "the file is damaged");
    }
    return 0;
}

/* The directory's entry too, or a crash could bring the old file back. */
static int directory_sync(const char *path)
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof directory, "%s", path);
    *strrchr(directory, '/') = 0;
    CLEANUP_CLOSE int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int file_place(const char *path, struct sp_span text)
{
    char fresh[PATH_MAX + 8];
    snprintf(fresh, sizeof fresh, "%s.new", path);
    CLEANUP_CLOSE int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    int r = fd_write_all(fd, text);
    if (r)
        return r;
    return fsync(fd) < 0 || rename(fresh, path) < 0 ? -errno : directory_sync(path);
}

int serials_write(const struct serials_file *file, const struct serials *serials)
{
    char hex[DIGEST_TEXT + 1];
    CLEANUP_FREE char *text = malloc(FILE_MAX);
    if (!text)
        return -ENOMEM;
    size_t size = (size_t)snprintf(text, FILE_MAX, HEAD);
    for (size_t i = 0; i < serials->count; i++) {
        hex_put(serials->items[i].digest, hex);
        size += (size_t)snprintf(text + size, FILE_MAX - size, "%s %" PRIu64 " %s\n", serials->items[i].name,
                                 serials->items[i].serial, hex);
    }
    int r = digest_of(text, size, hex);
    if (r)
        return r;
    size += (size_t)snprintf(text + size, FILE_MAX - size, END "%s\n", hex);
    return file->path[0] ? file_place(file->path, sp_span_of(text, size)) : -ENOENT;
}
