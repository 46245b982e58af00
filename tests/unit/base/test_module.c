/* Loadable modules: what is refused, with which words, and that it is refused before any of its code runs. argv[1]: the
 * directory of the modules that tests/fake/module_bad.c makes. */
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <sallyport/hostkey.h>
#include <sallyport/mac.h>

#include "base/module_load.h"
#include "base/root_file.h"

static const char *directory;

static const char *module_path(const char *name)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s.so", directory, name);
    return path;
}

static void says(const char *why, const char *path, const char *words)
{
    if (!strstr(why, path) || !strstr(why, words))
        fail_msg("\"%s\" does not name %s and \"%s\"", why, path, words);
}

static void refuses_to_describe(const char *name, const char *words)
{
    struct sp_module_facts facts;
    char resolved[PATH_MAX], why[512] = "";
    assert_int_equal(module_describe(module_path(name), resolved, &facts, why, sizeof why), MODULE_E_REFUSED);
    says(why, name, words);
}

static void refuses_to_load(const char *name, const char *words)
{
    const struct sp_module *module = NULL;
    char why[512] = "";
    assert_int_equal(
        module_load(module_path(name), SP_KIND_MAC, sizeof(struct sp_mac_ops), &module, why, sizeof why),
        MODULE_E_REFUSED);
    assert_null(module);
    says(why, name, words);
}

/* Their constructors abort. */
static void refuses_by_the_note_without_running_anything(void **state)
{
    static const struct {
        const char *name, *words;
    } rows[] = {
        {"note_none", "no note of SP_MODULE"},
        {"note_magic", "its magic is 00000001, expected 73707274"},
        {"note_abi", "version 3 of the ABI, expected 2"},
        {"note_kind_builtin", "kind 3 (cipher), of which none can be loaded"},
        {"note_kind_unknown", "kind 99 (unknown)"},
        {"note_name", "\"hmac-sha2-256\" cannot be the name of a mac module: expected NAME@DOMAIN"},
        {"note_scheme", "\"pkcs11\" cannot be the name of a hostkey module"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        refuses_to_describe(rows[i].name, rows[i].words);
        refuses_to_load(rows[i].name, rows[i].words);
    }
}

static void refuses_another_kind_without_running_anything(void **state)
{
    refuses_to_load("kind_hostkey", "it is a hostkey module, and this program loads mac modules only");
}

static void refuses_what_the_symbol_says_otherwise(void **state)
{
    refuses_to_load("head_none", "it has no symbol sallyport_module");
    refuses_to_load("head_magic", "its magic is not 73707274");
    refuses_to_load("head_abi", "version 1 of the ABI, expected 2");
    refuses_to_load("head_size", "its ops struct has 4 octets, expected");
    refuses_to_load("head_name",
                    "its note says mac \"bad@example.org\", and sallyport_module something else");
}

static void loads_what_is_right(void **state)
{
    const struct sp_module *module = NULL;
    char why[512] = "";
    assert_int_equal(
        module_load(module_path("good"), SP_KIND_MAC, sizeof(struct sp_mac_ops), &module, why, sizeof why),
        0);
    assert_string_equal(module->name, "bad@example.org");
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static void knows_which_names_are_possible(void **state)
{
    static const char *const macs[] = {"a@b", "hmac-x.y_z@example.org", "A1@B"};
    static const char *const no_macs[] = {"",      "a",     "a@",   "@b",     "a@b@c",
                                          "a,b@c", "a*@b",  "a?@b", "-a@b",   "+a@b",
                                          "^a@b",  "a b@c", "a!@b", "\x7f@b", "hmac-sha2-256"};
    static const char *const schemes[] = {"a", "vault", "a+b-c.1"};
    static const char *const no_schemes[] = {"", "A", "1a", "a:b", "pkcs11", "file", "a/b", "-a", "a b"};
    for (size_t i = 0; i < ARRAY_SIZE(macs); i++)
        assert_true(module_name_is_valid(SP_KIND_MAC, sp_text(macs[i])));
    for (size_t i = 0; i < ARRAY_SIZE(no_macs); i++)
        assert_false(module_name_is_valid(SP_KIND_MAC, sp_text(no_macs[i])));
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
        assert_true(module_name_is_valid(SP_KIND_HOSTKEY, sp_text(schemes[i])));
    for (size_t i = 0; i < ARRAY_SIZE(no_schemes); i++)
        assert_false(module_name_is_valid(SP_KIND_HOSTKEY, sp_text(no_schemes[i])));
}

static void a_name_with_its_nul_has_64_octets(void **state)
{
    char name[SP_MODULE_NAME_SIZE + 1];
    memset(name, 'a', sizeof name);
    name[1] = '@';
    assert_true(module_name_is_valid(SP_KIND_MAC, sp_span_of(name, SP_MODULE_NAME_SIZE - 1)));
    assert_false(module_name_is_valid(SP_KIND_MAC, sp_span_of(name, SP_MODULE_NAME_SIZE)));
}

/* ---- notes of files that are not what they should be -------------------------------------------------------------- */

struct image {
    ElfW(Ehdr) head;
    ElfW(Phdr) segment;
    struct sp_module_note note;
};

static struct image image_good(void)
{
    return (struct image){
        .head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
                             sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32, ELFDATA2LSB},
                 .e_type = ET_DYN,
                 .e_phoff = offsetof(struct image, segment),
                 .e_phentsize = sizeof(ElfW(Phdr)),
                 .e_phnum = 1},
        .segment = {.p_type = PT_NOTE,
                    .p_offset = offsetof(struct image, note),
                    .p_filesz = sizeof(struct sp_module_note),
                    .p_align = 4},
        .note =
            {.vendor_size = sizeof SP_MODULE_NOTE_VENDOR,
             .facts_size = sizeof(struct sp_module_facts),
             .type = SP_MODULE_NOTE_TYPE,
             .vendor = SP_MODULE_NOTE_VENDOR,
             .facts = {.magic = SP_MODULE_MAGIC, .abi = SP_MODULE_ABI, .kind = SP_KIND_MAC, .name = "a@b"}},
    };
}

static int read_bytes(const void *bytes, size_t size, char *why, size_t why_size)
{
    struct sp_module_facts facts;
    int fd = memfd_create("module", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    int r = module_note_read(fd, "x.so", &facts, why, why_size);
    close(fd);
    return r;
}

static void refuses_image(const struct image *image, const char *words)
{
    char why[512] = "";
    assert_int_equal(read_bytes(image, sizeof *image, why, sizeof why), MODULE_E_REFUSED);
    says(why, "x.so", words);
}

static void reads_a_minimal_image(void **state)
{
    struct image image = image_good();
    char why[512] = "";
    assert_int_equal(read_bytes(&image, sizeof image, why, sizeof why), 0);
}

static void refuses_every_truncation(void **state)
{
    struct image image = image_good();
    char why[512];
    for (size_t size = 0; size < sizeof image; size++)
        assert_int_equal(read_bytes(&image, size, why, sizeof why), MODULE_E_REFUSED);
}

static void refuses_malformed_images(void **state)
{
    struct image image = image_good();
    image.head.e_ident[0] = 'M';
    refuses_image(&image, "it is no shared object");
    image = image_good();
    image.head.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS32 : ELFCLASS64;
    refuses_image(&image, "another kind of machine");
    image = image_good();
    image.head.e_type = ET_REL;
    refuses_image(&image, "it is no shared object");
    image = image_good();
    image.head.e_phentsize = 1;
    refuses_image(&image, "program headers are malformed");
    image = image_good();
    image.head.e_phnum = 65;
    refuses_image(&image, "program headers are malformed");
    image = image_good();
    image.head.e_phoff = UINT64_MAX - 3;
    refuses_image(&image, "ends within its program headers");
    image = image_good();
    image.segment.p_offset = UINT64_MAX;
    refuses_image(&image, "ends within its notes");
    image = image_good();
    image.segment.p_filesz = 65537;
    refuses_image(&image, "longer than 65536 octets");
    image = image_good();
    image.note.vendor_size = UINT32_MAX;
    refuses_image(&image, "its notes are malformed");
    image = image_good();
    image.note.facts_size = UINT32_MAX;
    refuses_image(&image, "its notes are malformed");
    image = image_good();
    image.note.facts_size -= 4;
    image.segment.p_filesz -= 4;
    refuses_image(&image, "built with other headers");
    image = image_good();
    image.note.type++;
    refuses_image(&image, "no note of SP_MODULE");
    image = image_good();
    memset(image.note.facts.name, 'a', sizeof image.note.facts.name);
    image.note.facts.name[1] = '@';
    refuses_image(&image, "cannot be the name");
}

static void refuses_two_notes(void **state)
{
    struct {
        struct image image;
        struct sp_module_note again;
    } twice = {.image = image_good()};
    char why[512] = "";
    twice.again = twice.image.note;
    twice.image.segment.p_filesz += sizeof twice.again;
    assert_int_equal(read_bytes(&twice, sizeof twice, why, sizeof why), MODULE_E_REFUSED);
    says(why, "x.so", "more than once");
}

/* ---- whose file it is --------------------------------------------------------------------------------------------- */

struct place {
    char top[64], file[128], resolved[PATH_MAX], why[512];
};

static struct place place_make(void)
{
    struct place p = {.top = "/tmp/module-test-XXXXXX"};
    assert_non_null(mkdtemp(p.top));
    assert_int_equal(chmod(p.top, 0755), 0);
    snprintf(p.file, sizeof p.file, "%s/m.so", p.top);
    int fd = open(p.file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    close(fd);
    return p;
}

static void place_remove(struct place *p)
{
    unlink(p->file);
    rmdir(p->top);
}

static int place_check(struct place *p)
{
    return root_file_check("module", p->file, p->resolved, p->why, sizeof p->why);
}

static void names_the_file_or_directory_that_others_can_change(void **state)
{
    if (geteuid() != 0)
        skip();
    struct place p = place_make();
    assert_int_equal(place_check(&p), 0);
    assert_int_equal(chmod(p.file, 0664), 0);
    assert_int_equal(place_check(&p), ROOT_FILE_E_REFUSED);
    says(p.why, p.file, "it must belong to root, and nobody else may write to it (owner 0, mode 0664)");
    assert_int_equal(chmod(p.file, 0644), 0);
    assert_int_equal(chown(p.file, 1, 1), 0);
    assert_int_equal(place_check(&p), ROOT_FILE_E_REFUSED);
    says(p.why, p.file, "(owner 1, mode 0644)");
    assert_int_equal(chown(p.file, 0, 0), 0);
    assert_int_equal(chmod(p.top, 01777), 0); /* sticky, but the nearest: a name in it may be anybody's */
    assert_int_equal(place_check(&p), ROOT_FILE_E_REFUSED);
    says(p.why, p.top, "others than root can change this directory (owner 0, mode 1777)");
    assert_int_equal(chmod(p.top, 0755), 0);
    assert_int_equal(chown(p.top, 1, 1), 0);
    assert_int_equal(place_check(&p), ROOT_FILE_E_REFUSED);
    says(p.why, p.top, "(owner 1, mode 0755)");
    place_remove(&p);
}

static void refuses_what_is_no_absolute_path_of_a_file(void **state)
{
    char resolved[PATH_MAX], why[512] = "";
    assert_int_equal(root_file_check("module", "m.so", resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    says(why, "m.so", "the path must be absolute");
    assert_int_equal(root_file_check("module", "/nowhere/m.so", resolved, why, sizeof why),
                     ROOT_FILE_E_REFUSED);
    says(why, "/nowhere/m.so", "No such file");
    assert_int_equal(root_file_check("module", "/usr", resolved, why, sizeof why), ROOT_FILE_E_REFUSED);
    says(why, "/usr", "it is no regular file");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_by_the_note_without_running_anything),
        cmocka_unit_test(refuses_another_kind_without_running_anything),
        cmocka_unit_test(refuses_what_the_symbol_says_otherwise),
        cmocka_unit_test(loads_what_is_right),
        cmocka_unit_test(knows_which_names_are_possible),
        cmocka_unit_test(a_name_with_its_nul_has_64_octets),
        cmocka_unit_test(reads_a_minimal_image),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(refuses_malformed_images),
        cmocka_unit_test(refuses_two_notes),
        cmocka_unit_test(names_the_file_or_directory_that_others_can_change),
        cmocka_unit_test(refuses_what_is_no_absolute_path_of_a_file),
    };
    if (argc != 2)
        return 64;
    directory = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
