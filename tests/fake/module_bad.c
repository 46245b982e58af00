/*
 * Modules with one thing wrong in each, which -DBAD_... chooses: what a program that opens modules has to refuse, and says
 * why. Their MAC does nothing; none is ever called.
 */
#include <stdlib.h>

#include <sallyport/mac.h>

#ifdef BAD_CONSTRUCTOR
/* What is refused by its note must not have run. */
__attribute__((constructor)) static void run(void)
{
    abort();
}
#endif

#ifndef NOTE_ABI
#define NOTE_ABI SP_MODULE_ABI
#endif
#ifndef NOTE_MAGIC
#define NOTE_MAGIC SP_MODULE_MAGIC
#endif
#ifndef NOTE_KIND
#define NOTE_KIND SP_KIND_MAC
#endif
#ifndef NOTE_NAME
#define NOTE_NAME "bad@example.org"
#endif
#ifndef HEAD_ABI
#define HEAD_ABI SP_MODULE_ABI
#endif
#ifndef HEAD_MAGIC
#define HEAD_MAGIC SP_MODULE_MAGIC
#endif
#ifndef HEAD_SIZE
#define HEAD_SIZE sizeof(struct sp_mac_ops)
#endif
#ifndef HEAD_NAME
#define HEAD_NAME NOTE_NAME
#endif
#ifndef SYMBOL
#define SYMBOL sallyport_module
#endif

static int bad_open(struct sp_span key, void **state)
{
    abort();
}

static const struct sp_mac_ops ops = {
    .head = {.magic = HEAD_MAGIC, .abi = HEAD_ABI, .kind = SP_KIND_MAC, .size = HEAD_SIZE, .name = HEAD_NAME},
    .key_size = 16,
    .tag_size = 16,
    .open = bad_open,
};

extern const struct sp_module *const SYMBOL;
__attribute__((visibility("default"))) const struct sp_module *const SYMBOL = &ops.head;

#ifndef BAD_NO_NOTE
__attribute__((used, aligned(4), section(".note.sallyport"))) static const struct sp_module_note note = {
    .vendor_size = sizeof SP_MODULE_NOTE_VENDOR,
    .facts_size = sizeof(struct sp_module_facts),
    .type = SP_MODULE_NOTE_TYPE,
    .vendor = SP_MODULE_NOTE_VENDOR,
    .facts = {.magic = NOTE_MAGIC, .abi = NOTE_ABI, .kind = NOTE_KIND, .name = NOTE_NAME},
};
#endif
