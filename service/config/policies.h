/*
 * From a configuration to its policy: the site's (Policy, or DEFAULT), with the lists that the configuration has itself.
 * The same code runs wherever a policy is judged by, on the same snapshot, so that nobody can see another one.
 *
 * With a Policy line the site has the word: the configuration's own lists, RequiredRSASize and the Policy of a Match may
 * only take away from it, unless the policy says AllowLoosening. Without one the lists modify DEFAULT as sshd's do.
 */
#pragma once

#include "config/config.h"
#include "policy/policy.h"

#define CONFIG_POLICY_DEFAULT "DEFAULT"
#define CONFIG_POLICIES_MAX 16u /* that one configuration can choose */

/* The name of the policy that holds for whom the configuration was evaluated for. Valid as long as it is. */
const char *config_policy_spec(const struct config *config);

/* What can be chosen, each once: the first is everybody's, the others some Match's. */
struct config_policies {
    char *specs[CONFIG_POLICIES_MAX]; /* owned */
    size_t count;
};
/* 0, CONFIG_E_INVALID (too many: *error) or -ENOMEM. */
int config_policies_find(const struct config_source *source, const struct config *config,
                         struct config_policies *policies, struct config_error *error) MUST_USE;
void config_policies_free(struct config_policies *policies);

/*
 * The policy that holds for whom `config` was evaluated for. now: for policies that expire; 0: not asked (a configuration
 * that was loaded in time stays in force). policy_free() it. 0, CONFIG_E_INVALID with *error, or -ENOMEM.
 */
int config_policy(const struct config_source *source, const struct config *config, int64_t now,
                  struct policy **policy, struct config_error *error) MUST_USE;
/* The same for a policy that config_policies_find() has named. */
int config_policy_of(const struct config_source *source, const struct config *config, const char *spec,
                     int64_t now, struct policy **policy, struct config_error *error) MUST_USE;
/* The policy of "PolicyMode report NAME", without the configuration's own lists; NULL: there is none. */
int config_policy_reported(const struct config_source *source, const struct config *config, int64_t now,
                           struct policy **policy, struct config_error *error) MUST_USE;

/* Every policy that can be chosen, and every list in every Match: does it resolve, and does it only tighten. Says which
 * line does not, and what it adds. */
int config_policies_check(const struct config_source *source, int64_t now,
                          struct config_error *error) MUST_USE;
