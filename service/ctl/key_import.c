/*
 * `sallyport key import`. Input: a private key file, opened here and read by the child alone, in memory that is locked
 * and wiped. Output: the same key in the token, which has proved by a signature that it is the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/secret.h"
#include "ctl/key_found.h"
#include "ctl/private_file.h"

int key_import_before(struct token_run *run, json_t *found)
{
    const char *path = run->o.arguments[0];
    struct stat st;
    int r = key_label_check(run);
    if (r)
        return r;
    run->input_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (run->input_fd < 0 || fstat(run->input_fd, &st) < 0)
        return ctl_fail("%s: %s", path, strerror(errno));
    return S_ISREG(st.st_mode) ? 0 : ctl_fail("%s: expected a regular file", path);
}

static int file_complain(const char *path, int r, const char *why)
{
    if (r == PRIVATE_FILE_E_ENCRYPTED)
        return ctl_fail(
            "%s is encrypted. Take its passphrase away first, on a copy that is destroyed afterwards:\n"
            "    ssh-keygen -p -N '' -f %s",
            path, path);
    return ctl_fail("%s: %s", path, r < 0 ? strerror(-r) : why);
}

static int key_put(struct token_run *run, const struct sp_private_key *private_key, struct sp_manage_key *key)
{
    struct sp_hostkey_error error = {{0}};
    if (manage_import(run->manage, private_key, run->o.label, key, &error))
        return ctl_fail("%s", error.text);
    int r = 0;
    if (!sp_span_equal(sp_span_of(key->blob, key->blob_size), private_key->blob))
        r = ctl_fail("the token states another public key than the file has");
    if (r == 0)
        r = key_prove(run, key);
    if (r)
        key_unmake(run, key);
    return r;
}

static int import(struct token_run *run, struct sp_out *store, struct sp_manage_key *key)
{
    const char *path = run->o.arguments[0], *why = "";
    struct sp_private_key private_key = {0};
    struct secret file = {0};
    int r = secret_read(run->input_fd, SP_PRIVATE_KEY_FILE_MAX - 1, &file);
    if (r)
        return ctl_fail("%s: %s", path,
                        r == -ENODATA ? "it is empty"
                        : r == -EFBIG ? "it is longer than any private key"
                                      : strerror(-r));
    r = private_file_read(secret_span(&file), store, &private_key, &why);
    secret_wipe(&file);
    r = r ? file_complain(path, r, why) : key_put(run, &private_key, key);
    explicit_bzero(&private_key, sizeof private_key);
    return r;
}

int key_import_work(struct token_run *run, json_t *found)
{
    CLEANUP_FREE struct sp_manage_key *key = calloc(1, sizeof *key);
    int r = key ? key_label_is_free(run) : ctl_fail("out of memory");
    if (r)
        return r;
    uint8_t *memory =
        mmap(NULL, SP_PRIVATE_KEY_STORE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return ctl_fail("out of memory");
    (void)madvise(memory, SP_PRIVATE_KEY_STORE, MADV_DONTDUMP);
    if (mlock(memory, SP_PRIVATE_KEY_STORE) < 0)
        fprintf(stderr, "sallyport: memory cannot be locked on this machine, and the key could reach swap\n");
    struct sp_out store = {.data = memory, .capacity = SP_PRIVATE_KEY_STORE};
    r = import(run, &store, key);
    explicit_bzero(memory, SP_PRIVATE_KEY_STORE);
    munmap(memory, SP_PRIVATE_KEY_STORE);
    if (r)
        return r;
    json_t *row = found_make_object(found, "key");
    key_describe(run, key, row);
    key_describe_attributes(key, row);
    found_set_string(found, "file", run->o.arguments[0]);
    return CTL_OK;
}

void key_import_show(const struct token_run *run, const json_t *found)
{
    key_new_show(found);
    if (*found_get(found, "file"))
        printf("\nThe token's key has signed, and is the one of the file. The file is a second key to this "
               "host:\n"
               "    shred -u %s\n"
               "A file system may keep copies of what it overwrites (journals, snapshots, flash memory), and "
               "so may "
               "backups.\nOnly a key that was made in the token has never been elsewhere: sallyport key "
               "generate\n",
               found_get(found, "file"));
}
