/*
 * Loading a module. Input: a path, of which nobody but root is believed to have placed what is there. Output: the head of
 * its ops struct. The code that is in it runs from dlopen() on with all that the program may do, so everything that can be
 * known without it is checked before.
 */
#include "base/module_load.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static PRINTF_LIKE(4, 5) int refuse(const char *path, char *why, size_t why_size, const char *format, ...)
{
    int used = snprintf(why, why_size, "module %.300s: ", path);
    if (used >= 0 && (size_t)used < why_size) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(why + used, why_size - (size_t)used, format, args);
        va_end(args);
    }
    return MODULE_E_REFUSED;
}

static int head_check(const char *path, const struct sp_module *head, const struct sp_module_facts *facts,
                      size_t size, char *why, size_t why_size)
{
    if (!head || head->magic != SP_MODULE_MAGIC)
        return refuse(path, why, why_size, "%s points to no ops struct: its magic is not %08x",
                      SP_MODULE_SYMBOL, SP_MODULE_MAGIC);
    if (head->abi != SP_MODULE_ABI)
        return refuse(path, why, why_size, "%s has version %u of the ABI, expected %u", SP_MODULE_SYMBOL,
                      head->abi, SP_MODULE_ABI);
    if (head->kind != facts->kind || !head->name || strcmp(head->name, facts->name) != 0)
        return refuse(path, why, why_size, "its note says %s \"%s\", and %s something else",
                      module_kind_name(facts->kind), facts->name, SP_MODULE_SYMBOL);
    if (head->size != size)
        return refuse(path, why, why_size, "its ops struct has %u octets, expected %zu", head->size, size);
    return 0;
}

int module_load(const char *path, enum sp_module_kind kind, size_t size, const struct sp_module **module,
                char *why, size_t why_size)
{
    char resolved[PATH_MAX];
    struct sp_module_facts facts;
    int r = module_describe(path, resolved, &facts, why, why_size);
    if (r)
        return r;
    if (facts.kind != kind)
        return refuse(resolved, why, why_size, "it is a %s module, and this program loads %s modules only",
                      module_kind_name(facts.kind), module_kind_name(kind));
    void *library = dlopen(resolved, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *error = dlerror();
        return refuse(resolved, why, why_size, "it cannot be loaded: %s", error ? error : "unknown reason");
    }
    const struct sp_module *const *exported = dlsym(library, SP_MODULE_SYMBOL);
    r = !exported ? refuse(resolved, why, why_size, "it has no symbol %s", SP_MODULE_SYMBOL)
                  : head_check(resolved, *exported, &facts, size, why, why_size);
    if (r) {
        dlclose(library);
        return r;
    }
    *module = *exported;
    return 0;
}
