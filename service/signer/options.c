/* The command line. Input: whoever starts the signer, which is root or a service manager. */
#include "signer/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define STATE_DIRECTORY "/var/lib/sallyport-signer"

static bool id_parse(const char *text, char end, unsigned *id, const char **rest)
{
    char *stop;
    errno = 0;
    unsigned long value = strtoul(text, &stop, 10);
    if (errno != 0 || stop == text || *text < '0' || *text > '9' || *stop != end || value >= UINT32_MAX)
        return false;
    *id = (unsigned)value;
    *rest = stop + (end ? 1 : 0);
    return true;
}

static bool user_parse(const char *text, struct signer_options *options)
{
    const char *rest;
    if (!id_parse(text, ':', &options->uid, &rest) || !id_parse(rest, 0, &options->gid, &rest))
        return false;
    options->become = true;
    return true;
}

static bool path_copy(const char *text, char path[PATH_MAX])
{
    return text[0] == '/' && snprintf(path, PATH_MAX, "%s", text) < PATH_MAX;
}

static bool option_take(struct signer_options *options, int option, const char *value)
{
    const char *rest;
    switch (option) {
    case 'u':
        return user_parse(value, options);
    case 'm':
        return id_parse(value, 0, &options->monitor_uid, &rest);
    case 't':
        return path_copy(value, options->token_program);
    case 's':
        return path_copy(value, options->state_directory);
    case 'p':
        return path_copy(value, options->policy_trust);
    case 'P':
        return snprintf(options->policy, sizeof options->policy, "%s", value) < (int)sizeof options->policy;
    default:
        return false;
    }
}

/* The token program is beside this one, or where the build tree has it; never searched for anywhere else. */
static int program_beside(char path[PATH_MAX])
{
    static const char *const places[] = {"/sallyport-token", "/../token/sallyport-token"};
    char self[PATH_MAX / 2];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    if (size < 0)
        return -errno;
    self[size] = 0;
    *strrchr(self, '/') = 0;
    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        snprintf(path, PATH_MAX, "%s%s", self, places[i]);
        if (access(path, X_OK) == 0)
            return 0;
    }
    return -ENOENT;
}

int options_parse(struct signer_options *options, int argc, char **argv)
{
    static const struct option known[] = {
        {"user", required_argument, NULL, 'u'},
        {"monitor-uid", required_argument, NULL, 'm'},
        {"token-program", required_argument, NULL, 't'},
        {"state-dir", required_argument, NULL, 's'},
        {"policy-trust", required_argument, NULL, 'p'},
        {"policy", required_argument, NULL, 'P'},
        {0},
    };
    *options = (struct signer_options){.uid = geteuid(), .gid = getegid(), .monitor_uid = geteuid()};
    snprintf(options->state_directory, sizeof options->state_directory, STATE_DIRECTORY);
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
        if (!option_take(options, option, optarg)) {
            fprintf(stderr,
                    "usage: sallyport-signer [--options-file FILE] [--user UID:GID] [--monitor-uid UID] [--token-program PATH] "
                    "[--state-dir DIR] [--policy-trust FILE [--policy NAME]]\n");
            return -EINVAL;
        }
    if (optind != argc || (!options->token_program[0] && program_beside(options->token_program) != 0)) {
        fprintf(stderr, "sallyport-signer: %s\n",
                optind != argc ? "takes no arguments"
                               : "no sallyport-token beside this program; use --token-program");
        return -EINVAL;
    }
    return 0;
}
