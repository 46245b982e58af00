/*
 * Every algorithm and method, built in or loaded, is described by a struct that begins with this head.
 * A loadable module exports one object named `sallyport_module`, of type struct sp_module *.
 */
#pragma once

#include <sallyport/types.h>

#define SP_MODULE_MAGIC 0x73707274u
#define SP_MODULE_ABI 2u
#define SP_MODULE_SYMBOL "sallyport_module"

enum sp_module_kind {
    SP_KIND_NONE = 0,
    SP_KIND_HOSTKEY,
    SP_KIND_KEX,
    SP_KIND_CIPHER,
    SP_KIND_MAC,
    SP_KIND_COMPRESSION,
    SP_KIND_DIGEST,
    SP_KIND_KEYTYPE,
    SP_KIND_AUTH,
};

struct sp_module {
    uint32_t magic;
    uint16_t abi;
    uint16_t kind; /* enum sp_module_kind */
    uint32_t size; /* of the whole ops struct, as the module's compiler saw it */
    const char *name;
};

#define SP_MODULE_HEAD(kind_, type_, name_)                                                                  \
    {.magic = SP_MODULE_MAGIC, .abi = SP_MODULE_ABI, .kind = (kind_), .size = sizeof(type_), .name = (name_)}
