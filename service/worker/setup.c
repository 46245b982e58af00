/*
 * What a generation needs, made once by the zygote. Input: the snapshot and the signer's offer, by the monitor. Output:
 * struct worker_setup, or the reason why this build cannot serve that offer, which refuses the generation while it is
 * new rather than its clients later.
 */
#include "worker/setup.h"

#include <errno.h>
#include <stdio.h>
#include <strings.h>

#include "ipc/codec.h"
#include "worker/modules.h"

static int refuse(struct config_error *error, const char *what)
{
    snprintf(error->text, sizeof error->text, "%s", what);
    return SETUP_E_REFUSED;
}

static int offer_decode(struct worker_setup *setup, struct sp_span offer, struct config_error *error)
{
    setup->offer_bytes = malloc(offer.size + 1);
    if (!setup->offer_bytes)
        return -ENOMEM;
    memcpy(setup->offer_bytes, offer.data, offer.size);
    if (message_decode(message_find(MSG_offer), sp_span_of(setup->offer_bytes, offer.size), &setup->offer) ||
        offer_check(&setup->offer))
        return refuse(error, "malformed offer");
    return 0;
}

static int variants_prepare(struct worker_setup *setup, struct config_error *error)
{
    struct msg_variant said;
    int r = 0;
    while (r == 0 && setup->variant_count < OFFER_VARIANTS_MAX &&
           offer_variant_at(&setup->offer, setup->variant_count, &said))
        r = variant_prepare(&setup->variants[setup->variant_count++], &said, setup->offer.keys, error);
    return r;
}

const struct worker_variant *worker_setup_variant(const struct worker_setup *setup, struct sp_span policy)
{
    for (size_t i = 0; i < setup->variant_count; i++)
        if (policy.size == 0 || sp_span_equal(policy, setup->variants[i].said.policy))
            return &setup->variants[i];
    return NULL;
}

static int config_read(struct sp_span snapshot, struct config **config, struct config_error *error)
{
    struct config_source *source = NULL;
    int r = config_source_unpack(snapshot, &source, error);
    if (r == 0)
        r = config_evaluate(source, &(struct config_who){0}, config, error);
    config_source_free(source);
    return r > 0 ? SETUP_E_REFUSED : r;
}

/* sshd_config's words (LogLevel) for the priorities of syslog(3). */
static enum log_level log_level_of(const char *word)
{
    static const struct {
        const char *word;
        enum log_level level;
    } words[] = {
        {"QUIET", LOG_LEVEL_ERROR}, {"FATAL", LOG_LEVEL_ERROR},  {"ERROR", LOG_LEVEL_ERROR},
        {"INFO", LOG_LEVEL_INFO},   {"VERBOSE", LOG_LEVEL_INFO}, {"DEBUG", LOG_LEVEL_DEBUG},
    };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcasecmp(word, words[i].word) == 0)
            return words[i].level;
    return LOG_LEVEL_INFO;
}

int worker_setup_new(uint64_t generation, struct sp_span snapshot, struct sp_span offer,
                     struct worker_setup **setup, struct config_error *error)
{
    struct worker_setup *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->generation = generation;
    int r = config_read(snapshot, &made->config, error);
    if (r == 0)
        r = modules_check(made->config, error);
    if (r == 0)
        r = offer_decode(made, offer, error);
    if (r == 0)
        r = variants_prepare(made, error);
    if (r) {
        worker_setup_free(made);
        return r;
    }
    made->log_level = log_level_of(made->config->log_level);
    *setup = made;
    return 0;
}

void worker_setup_free(struct worker_setup *setup)
{
    if (!setup)
        return;
    config_free(setup->config);
    free(setup->offer_bytes);
    for (size_t i = 0; i < setup->variant_count; i++)
        variant_free(&setup->variants[i]);
    free(setup);
}
