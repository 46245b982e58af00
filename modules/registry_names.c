/* The registry's names alone, from the one declaration, for programs that link no algorithm of that kind. */
#include <sallyport/registry.h>

/* Each begins with a comma. */
static const char kex_names[] = ""
#define KEX(symbol_, name_) "," name_
#include "registry.def"
    ;
static const char cipher_names[] = ""
#define CIPHER(symbol_, name_) "," name_
#include "registry.def"
    ;
static const char mac_names[] = ""
#define MAC(symbol_, name_) "," name_
#include "registry.def"
    ;
static const char compression_names[] = ",none"
#define COMPRESSION(symbol_, name_) "," name_
#include "registry.def"
    ;
static const char keytype_names[] = ""
#define KEYTYPE(symbol_, name_) "," name_
#include "registry.def"
    ;

const char *registry_names(enum sp_module_kind kind)
{
    switch (kind) {
    case SP_KIND_KEX:
        return kex_names + 1;
    case SP_KIND_CIPHER:
        return cipher_names + 1;
    case SP_KIND_MAC:
        return mac_names + 1;
    case SP_KIND_COMPRESSION:
        return compression_names + 1;
    case SP_KIND_KEYTYPE:
        return keytype_names + 1;
    default:
        return "";
    }
}
