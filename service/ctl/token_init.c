/*
 * `sallyport token init`. Input: a label, PINs from files or the terminal. Output: a token that is ready for keys. It
 * destroys what was in the token: so one that is in use has to be named twice, once by an option and once by hand.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "ctl/key_found.h"
#include "ctl/token_command.h"
#include "ctl/token_pin.h"
#include "signer/pin_source.h"

/* ---- before: files that only root may read or make ------------------------------------------------------------ */

static int file_need(struct token_run *run, size_t number, const char *path, uid_t uid, gid_t gid)
{
    if (access(path, F_OK) == 0)
        return 0;
    if (errno != ENOENT)
        return ctl_fail("%s: %s", path, strerror(errno));
    int r = pin_file_make(path, uid, gid);
    if (r == 0)
        snprintf(run->made[number], PATH_MAX, "%s", path);
    return r;
}

static int so_pin_take(struct token_run *run)
{
    char source[PATH_MAX + 16], why[1024] = "out of memory", here[PATH_MAX] = "";
    const char *path = run->o.so_pin_file;
    if (path[0] != '/' && !getcwd(here, sizeof here))
        return ctl_fail("the working directory: %s", strerror(errno));
    if (snprintf(source, sizeof source, "file:%s%s%s", here, here[0] ? "/" : "", path) >= (int)sizeof source)
        return ctl_misuse("--so-pin-file: too long");
    int r = file_need(run, 1, path, geteuid(), getegid());
    if (r)
        return r;
    r = pin_source_read(source, NULL, &run->so_pin, why, sizeof why);
    return r == 0 ? 0 : ctl_fail("%s", r < 0 ? strerror(-r) : why);
}

int token_init_before(struct token_run *run, json_t *found)
{
    static const char file[] = "file:";
    const struct token_setup *s = &run->setup;
    if (!run->o.label)
        return ctl_misuse("--label: expected a name for the token");
    if (strlen(run->o.label) > SP_MANAGE_TOKEN_LABEL)
        return ctl_misuse("--label: expected at most %u octets", SP_MANAGE_TOKEN_LABEL);
    void *begun = mmap(NULL, sizeof *run->begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (begun == MAP_FAILED)
        return ctl_fail("out of memory");
    run->begun = begun;
    int r = run->o.so_pin_file ? so_pin_take(run) : 0;
    if (r == 0 && strncmp(s->pin_source, file, sizeof file - 1) == 0)
        r = file_need(run, 0, s->pin_source + sizeof file - 1, s->uid, s->gid);
    return r;
}

/* ---- work ---------------------------------------------------------------------------------------------------- */

static int slot_complain(const struct sp_token_slot *slots, size_t count)
{
    if (count == 0)
        return ctl_fail("the module has no slot with a token in it");
    return ctl_fail("every token of this module is initialised (\"%s\" is one): name it with --token and say "
                    "--reinitialise, which destroys all that is in it",
                    slots[0].label);
}

/* The token of that name, or else one that is nobody's yet. */
static int slot_choose(const struct token_run *run, const struct sp_token_slot *slots, size_t count,
                       const struct sp_token_slot **chosen)
{
    const char *name = run->o.token ? run->o.token : run->o.label;
    for (size_t i = 0; i < count; i++) {
        if (!(slots[i].flags & SP_TOKEN_INITIALISED) || strcmp(slots[i].label, name) != 0)
            continue;
        *chosen = &slots[i];
        if (run->o.reinitialise)
            return 0;
        (void)ctl_fail("there is a token \"%s\" already, serial %s: --reinitialise would destroy all that is "
                       "in it",
                       name, slots[i].serial);
        return CTL_FINDING;
    }
    if (run->o.reinitialise)
        return ctl_fail("there is no initialised token \"%s\"", name);
    for (size_t i = 0; i < count; i++)
        if (!(slots[i].flags & SP_TOKEN_INITIALISED)) {
            *chosen = &slots[i];
            return 0;
        }
    return slot_complain(slots, count);
}

static int slot_confirm(const struct token_run *run, const struct sp_token_slot *slot)
{
    char question[512];
    if (!run->o.reinitialise) /* it has no PIN yet, whatever its flags are */
        return 0;
    if (slot->flags & (SP_TOKEN_SO_PIN_LOCKED | SP_TOKEN_SO_PIN_FINAL))
        return ctl_fail("token \"%s\": its security officer's PIN is %s, and is not sent", slot->label,
                        slot->flags & SP_TOKEN_SO_PIN_LOCKED ? "locked" : "at its final try");
    snprintf(question, sizeof question,
             "This destroys every key in the token \"%s\", serial %s, for ever.\nType its label: ",
             slot->label, slot->serial);
    return pin_confirm(question, slot->label);
}

static int pins_take(struct token_run *run, const struct sp_token_slot *slot)
{
    char why[1024] = "out of memory";
    bool fresh = !(slot->flags & SP_TOKEN_INITIALISED);
    int r = run->so_pin.size != 0 ? 0 : pin_ask("the security officer's PIN", fresh, &run->so_pin);
    if (r)
        return r;
    if (!run->setup.pin_source[0])
        return pin_ask("the user's PIN", true, &run->pin);
    r = pin_source_read(run->setup.pin_source, getenv("CREDENTIALS_DIRECTORY"), &run->pin, why, sizeof why);
    return r == 0 ? 0 : ctl_fail("%s", r < 0 ? strerror(-r) : why);
}

int token_init_work(struct token_run *run, json_t *found)
{
    static struct sp_token_slot slots[SP_MANAGE_SLOTS_MAX];
    const struct sp_token_slot *slot = NULL;
    struct sp_hostkey_error error = {{0}};
    size_t count = 0;
    int r = manage_slots(run->manage, slots, &count, &error);
    if (r)
        return ctl_fail("%s", error.text);
    r = slot_choose(run, slots, count, &slot);
    if (r == 0)
        r = slot_confirm(run, slot);
    if (r == 0)
        r = pins_take(run, slot);
    if (r)
        return r;
    *run->begun = true; /* whatever becomes of this process or of the module */
    r = manage_initialise(run->manage, slot->id, run->o.label, secret_span(&run->so_pin),
                          secret_span(&run->pin), &error);
    secret_wipe(&run->so_pin);
    if (r)
        return ctl_fail("%s", error.text);
    found_set_string(found, "module", run->setup.named);
    found_set_string(found, "label", run->o.label);
    found_set_string(found, "pin", run->setup.pin_source);
    return CTL_OK;
}

void token_init_show(const struct token_run *run, const json_t *found)
{
    if (!*found_get(found, "label"))
        return;
    printf("token \"%s\" is ready; its keys are made with: sallyport key generate\n",
           found_get(found, "label"));
    printf("TokenModule %s\n", found_get(found, "module"));
    if (*found_get(found, "pin"))
        printf("TokenPIN %s\n", found_get(found, "pin"));
    for (size_t i = 0; i < run->setup.environment_count; i++)
        printf("TokenEnvironment %s\n", run->setup.environment[i]);
    if (run->o.so_pin_file)
        printf("The security officer's PIN is in %s: keep it elsewhere, the server does not need it.\n",
               run->o.so_pin_file);
}
