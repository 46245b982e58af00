/*
 * Loading MACs. Input: paths on the command line, as root has written them; later, configurations. Output: names in the
 * registry, before anything asks for one. A module's code is then as good as this program's own, and runs as the user that
 * starts it until the lock-down: that is why nobody but root may have placed its file, and why the programs that read the
 * configuration know it by its note alone.
 */
#include "worker/modules.h"

#include <errno.h>
#include <stdio.h>

#include <sallyport/registry.h>

#include "base/module_load.h"
#include "worker/setup.h"

static int complain(const char *path, const struct sp_module *module, int r, char *why, size_t why_size)
{
    if (r == SP_E_REFUSED)
        snprintf(why, why_size,
                 "module %s: expected a key of 16 to %u octets, a tag of 8 to %u, and all operations", path,
                 SP_MAC_KEY_MAX, SP_MAC_TAG_MAX);
    else if (r == -EEXIST)
        snprintf(why, why_size, "module %s: the name %s is already taken", path, module->name);
    else if (r < 0)
        snprintf(why, why_size, "module %s: %s", path, strerror(-r));
    return r;
}

int modules_load(const char *path, char *why, size_t why_size)
{
    const struct sp_module *module = NULL;
    int r = module_load(path, SP_KIND_MAC, sizeof(struct sp_mac_ops), &module, why, why_size);
    if (r > 0)
        return r;
    if (r == 0)
        r = mac_add((const struct sp_mac_ops *)(const void *)module);
    return complain(path, module, r, why, why_size);
}

int modules_check(const struct config *config, struct config_error *error)
{
    for (size_t i = 0; i < config->load_modules.count && i < CONFIG_MODULES_MAX; i++) {
        const struct config_module *module = &config->modules[i];
        if (module->kind != SP_KIND_MAC || mac_find(sp_text(module->name)))
            continue;
        snprintf(error->text, sizeof error->text,
                 "LoadModule %.400s: the workers were started without it, and load a MAC only as they start: "
                 "start the server again",
                 config->load_modules.items[i]);
        return SETUP_E_REFUSED;
    }
    return 0;
}
