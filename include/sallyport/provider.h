/* Where libcrypto's algorithms come from. */
#pragma once

#include <sallyport/types.h>

/* Whether libcrypto serves from its FIPS provider alone: that is loaded, and the default properties ask for nothing else. */
bool crypto_provider_is_fips(void);
