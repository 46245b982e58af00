/* What libcrypto is configured to serve from. Input: its configuration, read at the program's start. Output: one answer. */
#include <sallyport/provider.h>

#include <openssl/evp.h>
#include <openssl/provider.h>

bool crypto_provider_is_fips(void)
{
    return EVP_default_properties_is_fips_enabled(NULL) == 1 && OSSL_PROVIDER_available(NULL, "fips") == 1;
}
