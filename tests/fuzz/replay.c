/*
 * Runs a fuzz target without a fuzzer: over every file of the directories that it is given, over each beginning of each
 * of them, and over a fixed series of small changes to them, so that what once failed is tried by every test run.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { INPUT_MAX = 1 << 20, PREFIXES_MAX = 2048, CHANGES = 512 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replayed;

/* In memory of exactly that size, so that AddressSanitizer sees one octet too many. */
static void replay_one(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    replayed++;
}

static uint32_t random_next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void replay_prefixes(const uint8_t *data, size_t size)
{
    for (size_t end = 0; end < size && end < PREFIXES_MAX; end++)
        replay_one(data, end);
}

/* One octet or one aligned length at a time: those are what parsers trip over. */
static void replay_changes(uint8_t *data, size_t size)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '\n', ' ', ','};
    uint32_t state = (uint32_t)size;
    for (int i = 0; size && i < CHANGES; i++) {
        size_t at = random_next(&state) % size;
        uint8_t before = data[at];
        data[at] = (i & 1) ? values[random_next(&state) % sizeof values] : (uint8_t)random_next(&state);
        replay_one(data, size);
        data[at] = before;
    }
}

static int replay_file(const char *path)
{
    static uint8_t data[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return -1;
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    replay_one(data, size);
    replay_prefixes(data, size);
    replay_changes(data, size);
    return 0;
}

static int replay_directory(const char *path)
{
    struct dirent **names = NULL;
    int result = 0;
    int count = scandir(path, &names, NULL, alphasort);
    if (count < 0) {
        perror(path);
        return -1;
    }
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && replay_file(file) < 0)
            result = -1;
        free(names[i]);
    }
    free(names);
    return result;
}

int main(int argc, char **argv)
{
    int result = argc > 1 ? 0 : -1;
    for (int i = 1; i < argc; i++)
        if (replay_directory(argv[i]) < 0)
            result = -1;
    printf("%zu inputs\n", replayed);
    return result == 0 && replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
