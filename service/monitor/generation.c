/* Generations: which there are, and what connections are served with. Input: connections that begin and end. */
#include "monitor/generation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "config/policies.h"

#include "monitor/generation_parts.h"
#include "monitor/monitor.h"

struct generation *generation_find(struct monitor *m, uint64_t number)
{
    struct generation *g = m->generations.list;
    while (g && g->number != number)
        g = g->next;
    return g;
}

void generation_free(struct generation *g)
{
    cleanup_close(&g->snapshot_fd);
    config_free(g->config);
    config_source_free(g->source);
    free(g->offer);
    free(g->host_keys);
    free(g);
}

void generation_remove(struct monitor *m, struct generation *g)
{
    struct generation **at = &m->generations.list;
    while (*at != g)
        at = &(*at)->next;
    *at = g->next;
    (void)service_send(&m->signer, forget, .generation = g->number); /* which may not know it (yet) */
    store_drop(m, &g->slot);
    generation_free(g);
}

void generations_free(struct monitor *m)
{
    for (struct generation *g = m->generations.list, *next; g; g = next) {
        next = g->next;
        generation_free(g);
    }
    m->generations.deadline = sd_event_source_disable_unref(m->generations.deadline);
    m->generations.configure = sd_event_source_disable_unref(m->generations.configure);
    m->generations.list = m->generations.current = m->generations.loading = NULL;
}

/* ---- use --------------------------------------------------------------------------------------------------- */

struct generation *generation_enter(struct monitor *m)
{
    m->generations.current->users++;
    return m->generations.current;
}

void generation_leave(struct monitor *m, struct generation *g)
{
    if (--g->users == 0 && g->state == GENERATION_OLD)
        generation_remove(m, g);
}

int generation_policy(const struct generation *g, const struct address *remote, const struct address *local,
                      const char *listener, char policy[513])
{
    struct config *config = NULL;
    struct config_error unused;
    const struct config_who who = {.address = remote->text[0] ? remote->text : NULL,
                                   .local_address = local->text[0] ? local->text : NULL,
                                   .local_port = local->port,
                                   .listener = listener[0] ? listener : NULL};
    policy[0] = '\0';
    if (!g->source)
        return 0;
    int r = config_evaluate(g->source, &who, &config, &unused);
    if (r)
        return r < 0 ? r : -EINVAL;
    snprintf(policy, 513, "%s", config_policy_spec(config));
    config_free(config);
    return 0;
}

bool generation_is_served(const struct monitor *m)
{
    const struct generations *all = &m->generations;
    return all->current && all->prepares == 0 && all->zygote_number == all->current->number;
}
