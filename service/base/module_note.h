/*
 * What a loadable module is, without running any of its code: the ELF note that SP_MODULE makes (sallyport/module.h). Pure
 * but for reading the file.
 */
#pragma once

#include <limits.h>

#include <sallyport/module.h>

#include "base/util.h"

enum {
    MODULE_E_REFUSED = 1, /* why names the file and what is wrong with it */
};

/* "hostkey", "mac", ...; NULL: no such kind. */
const char *module_kind_name(unsigned kind);
/* Whether modules of that kind can be loaded at all. */
bool module_kind_is_loadable(unsigned kind);

/*
 * Whether a name is one that a module of that kind may have. `hostkey`: a URI's scheme (RFC 3986 section 3.1, in lower case)
 * that is not taken; `mac`: NAME@DOMAIN, which RFC 4251 section 6 leaves to everybody.
 */
bool module_name_is_valid(unsigned kind, struct sp_span name);

/*
 * Reads the note of an open file. `name` is how errors call it. 0: facts->kind is loadable, facts->name valid for it and
 * NUL-terminated; MODULE_E_REFUSED: *facts is untouched, and why says why.
 */
int module_note_read(int fd, const char *name, struct sp_module_facts *facts, char *why,
                     size_t why_size) MUST_USE;

/* root_file_check(), and then the note of the file, whose real path is `resolved`. 0, MODULE_E_REFUSED or -errno. */
int module_describe(const char *path, char resolved[PATH_MAX], struct sp_module_facts *facts, char *why,
                    size_t why_size) MUST_USE;
