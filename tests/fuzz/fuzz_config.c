/*
 * Configurations and snapshots, any octets. The input is tried as a file's text and as a snapshot. Besides memory errors
 * it looks for broken promises: an error without words or without a place, a snapshot that means something else than
 * what it was made from, an evaluation that cannot be printed and read again to the same effect.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const groups[] = {"staff", "wheel"};
static const struct config_who people[] = {
    {0},
    {.user = "alice",
     .groups = groups,
     .group_count = 2,
     .address = "192.0.2.1",
     .local_address = "2001:db8::1",
     .local_port = 22},
};

static void require(bool promise)
{
    if (!promise)
        abort();
}

/* Configurations so large that the printed form of one may be larger than a snapshot are not compared. */
#define COMPARED_MAX 65536u

static struct sp_span print(const struct config *config)
{
    int fd = memfd_create("printed", MFD_CLOEXEC);
    uint8_t *text = NULL;
    size_t size = 0;
    require(fd >= 0 && config_print(config, fd) == 0 && lseek(fd, 0, SEEK_SET) == 0);
    require(fd_read_all(fd, 16 * CONFIG_SNAPSHOT_MAX, &text, &size) == 0);
    close(fd);
    return sp_span_of(text, size);
}

static void check_printed(const struct config *config)
{
    struct config_source *source = NULL;
    struct config *again = NULL;
    struct config_error error = {0};
    struct sp_span once = print(config), twice;
    if (once.size <= COMPARED_MAX && config_source_parse("printed", once, &source, &error) == 0) {
        require(config_evaluate(source, &people[0], &again, &error) == 0);
        twice = print(again);
        require(sp_span_equal(once, twice));
        free((void *)twice.data);
        config_free(again);
        config_source_free(source);
    }
    free((void *)once.data);
}

static void check_source(const struct config_source *source)
{
    for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
        struct config *config = NULL;
        struct config_error error = {0};
        int result = config_evaluate(source, &people[i], &config, &error);
        require(result == 0 ? config != NULL : result == CONFIG_E_INVALID && error.text[0] != '\0');
        if (result == 0)
            check_printed(config);
        config_free(config);
    }
}

static void check_round_trip(const struct config_source *source)
{
    struct config_source *copy = NULL;
    struct config_error error = {0};
    uint8_t *one = NULL, *other = NULL;
    size_t one_size = 0, other_size = 0;
    require(config_source_pack(source, &one, &one_size) == 0);
    require(one_size <= CONFIG_SNAPSHOT_MAX);
    require(config_source_unpack(sp_span_of(one, one_size), &copy, &error) == 0);
    require(config_source_pack(copy, &other, &other_size) == 0);
    require(sp_span_equal(sp_span_of(one, one_size), sp_span_of(other, other_size)));
    free(one);
    free(other);
    config_source_free(copy);
}

static void check_one(int result, struct config_source *source, const struct config_error *error,
                      const char *place)
{
    require(result == 0 || (result == CONFIG_E_INVALID && strncmp(error->text, place, strlen(place)) == 0));
    if (result != 0)
        return;
    check_source(source);
    check_round_trip(source);
    config_source_free(source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_span input = sp_span_of(data, size);
    struct config_source *source = NULL;
    struct config_error error = {0};
    int result = config_source_parse("f", input, &source, &error);
    check_one(result, source, &error, "f");
    source = NULL;
    result = config_source_unpack(input, &source, &error);
    check_one(result, source, &error, "configuration snapshot");
    return 0;
}
