/*
 * Files that are said to be modules, any octets. Besides memory errors it looks for broken promises: a refusal without the
 * file's name, facts that no module may have, facts that are changed by a refusal.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/module_note.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_facts(const struct sp_module_facts *facts)
{
    require(facts->magic == SP_MODULE_MAGIC && facts->abi == SP_MODULE_ABI);
    require(module_kind_is_loadable(facts->kind));
    require(strnlen(facts->name, sizeof facts->name) < sizeof facts->name);
    require(module_name_is_valid(facts->kind, sp_text(facts->name)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct sp_module_facts untouched = {.abi = 99};
    struct sp_module_facts facts = untouched;
    char why[512] = "";
    int fd = memfd_create("module", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    int r = module_note_read(fd, "m.so", &facts, why, sizeof why);
    close(fd);
    require(r == 0 || r == MODULE_E_REFUSED);
    if (r == 0)
        check_facts(&facts);
    else
        require(strncmp(why, "module m.so: ", 13) == 0 && memcmp(&facts, &untouched, sizeof facts) == 0);
    return 0;
}
