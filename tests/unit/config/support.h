/* What the tests of the configuration share: from a text to struct config or to the error's words. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "config/config.h"
#include "config/source.h"

static const struct config_who nobody_known;

static inline struct config_source *must_parse(const char *text)
{
    struct config_source *source = NULL;
    struct config_error error = {0};
    int result = config_source_parse("test.conf", sp_text(text), &source, &error);
    if (result != 0)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
    return source;
}

static inline struct config *must_evaluate(const char *text, const struct config_who *who)
{
    struct config_source *source = must_parse(text);
    struct config *config = NULL;
    struct config_error error = {0};
    int result = config_evaluate(source, who, &config, &error);
    if (result != 0)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
    config_source_free(source);
    return config;
}

/* The error must begin with the place and contain the words. */
static inline void must_refuse(const char *text, const char *place, const char *words)
{
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {0};
    int result = config_source_parse("test.conf", sp_text(text), &source, &error);
    if (result == 0)
        result = config_evaluate(source, &nobody_known, &config, &error);
    config_source_free(source);
    if (result != CONFIG_E_INVALID || strncmp(error.text, place, strlen(place)) != 0 ||
        !strstr(error.text, words))
        print_error("%s\n-> %d %s\n", text, result, error.text);
    assert_int_equal(result, CONFIG_E_INVALID);
    assert_null(config);
    assert_int_equal(strncmp(error.text, place, strlen(place)), 0);
    assert_non_null(strstr(error.text, words));
}

/* What config_print() writes; free(). */
static inline char *must_print(const struct config *config)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    assert_int_equal(config_print(config, fileno(file)), 0);
    long size = ftell(file);
    assert_true(fseek(file, 0, SEEK_END) == 0);
    size = ftell(file);
    rewind(file);
    char *text = calloc(1, (size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, file), size);
    fclose(file);
    return text;
}
