/*
 * Every algorithm and method, built in or loaded, is described by a struct that begins with this head.
 *
 * A loadable module is a shared object that says SP_MODULE(kind, "name", ops) once, outside of any function. That makes
 * two things: the symbol `sallyport_module`, which points to the head of the ops, and an ELF note with the same facts,
 * so that a program which has no business with the module's code can know what the module is without running any of it.
 * Loadable are hostkey.h and mac.h. sallyport-module(3) tells which program opens what, and when.
 */
#pragma once

#include <sallyport/types.h>

#define SP_MODULE_MAGIC 0x73707274u
#define SP_MODULE_ABI 2u
#define SP_MODULE_SYMBOL "sallyport_module"
#define SP_MODULE_NAME_SIZE 64u /* a name with its NUL */

/* The numbers are part of the ABI. */
enum sp_module_kind {
    SP_KIND_NONE = 0,
    SP_KIND_HOSTKEY = 1,
    SP_KIND_KEX = 2,
    SP_KIND_CIPHER = 3,
    SP_KIND_MAC = 4,
    SP_KIND_COMPRESSION = 5,
    SP_KIND_DIGEST = 6,
    SP_KIND_KEYTYPE = 7,
    SP_KIND_AUTH = 8,
};

struct sp_module {
    uint32_t magic;
    uint16_t abi;
    uint16_t kind; /* enum sp_module_kind */
    uint32_t size; /* of the whole ops struct, as the module's compiler saw it */
    const char *name;
};

#define SP_MODULE_HEAD(kind_, type_, name_)                                                                  \
    {                                                                                                        \
        .magic = SP_MODULE_MAGIC, .abi = SP_MODULE_ABI, .kind = (kind_), .size = sizeof(type_),              \
        .name = (name_)                                                                                      \
    }

/* ---- loadable modules -------------------------------------------------------------------------------------------- */

#define SP_MODULE_NOTE_VENDOR "sallyport"
#define SP_MODULE_NOTE_TYPE 1u

/* What the note says, in the machine's byte order. */
struct sp_module_facts {
    uint32_t magic;
    uint16_t abi;
    uint16_t kind;
    char name[SP_MODULE_NAME_SIZE];
};

/* An ELF note (elf(5)): three lengths and a type, the vendor and the facts, each a multiple of four octets. */
struct sp_module_note {
    uint32_t vendor_size, facts_size, type;
    char vendor[12];
    struct sp_module_facts facts;
};

/* ops_: the module's ops struct, whose head has the same kind and name. */
#define SP_MODULE(kind_, name_, ops_)                                                                        \
    extern const struct sp_module *const sallyport_module;                                                   \
    __attribute__((visibility("default"))) const struct sp_module *const sallyport_module = &(ops_).head;    \
    static const struct sp_module_note sallyport_module_note                                                 \
        __attribute__((used, aligned(4), section(".note.sallyport"))) = {                                    \
            .vendor_size = sizeof SP_MODULE_NOTE_VENDOR,                                                     \
            .facts_size = sizeof(struct sp_module_facts),                                                    \
            .type = SP_MODULE_NOTE_TYPE,                                                                     \
            .vendor = SP_MODULE_NOTE_VENDOR,                                                                 \
            .facts = {.magic = SP_MODULE_MAGIC, .abi = SP_MODULE_ABI, .kind = (kind_), .name = (name_)},     \
    }
