/* What was found, as JSON: making and reading it without a check at each step. */
#pragma once

#include <jansson.h>
#include <sallyport/types.h>

#include "base/util.h"

/* Any octets; what is no UTF-8 is written as "\xNN" text. */
json_t *found_text(struct sp_span text);
void found_set(json_t *into, const char *key, struct sp_span text);
void found_set_string(json_t *into, const char *key, const char *text);
void found_set_number(json_t *into, const char *key, int64_t number);
void found_set_bool(json_t *into, const char *key, bool value);
/* "2027-12-31T23:59:59Z" */
void found_set_time(json_t *into, const char *key, int64_t seconds);
/* A new array or object at the end of an array, or under a key; borrowed from `into`. */
json_t *found_add_object(json_t *array);
json_t *found_make_array(json_t *into, const char *key);
json_t *found_make_object(json_t *into, const char *key);
void found_add_string(json_t *array, const char *text);
/* Every name of a comma-separated list. */
void found_set_names(json_t *into, const char *key, struct sp_span list);

/* "" if there is no such text. */
const char *found_get(const json_t *from, const char *key);
int64_t found_number(const json_t *from, const char *key);
bool found_is(const json_t *from, const char *key);
/* "a, b"; free(). */
char *found_join(const json_t *array, const char *between);
