/* `sallyport config check`: what sallyportd -t says. */
#pragma once

#include "ctl/ctl.h"

int config_check_find(const struct ctl_options *o, json_t *found);
void config_check_show(const struct ctl_options *o, const json_t *found);
