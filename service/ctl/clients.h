/* Known clients, which are described in files, one each. */
#pragma once

#include "ctl/capture.h"
#include "ctl/ctl.h"

#define CLIENTS_SUFFIX ".client"
#define CLIENTS_MAX 256u

/* Where they are. */
const char *clients_directory(const struct ctl_options *o);
/* free() it. 0, or CTL_FAILED and said. */
int clients_find(const struct ctl_options *o, const char *name, struct capture **capture) MUST_USE;
/* Calls back for each, in the order of their names. 0, or CTL_FAILED and said; a directory that is not there has none. */
int clients_each(const struct ctl_options *o, void (*take)(const struct capture *capture, void *context),
                 void *context) MUST_USE;
