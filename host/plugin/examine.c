/* SPDX-License-Identifier: BSD-2-Clause */
/* examine.c - a plugin's file by its ELF headers, tables and symbols (examine.h). */
#include "examine.h"

#include "../report/log.h"
#include "handshake.h"
#include "ltdl.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <gnu/libc-version.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENTRY         "weir_plugin_entry"
#define LIBRARIES_MAX 64
#define NAMED_MAX     8 /* symbols named in one finding; the others are counted */

struct examination {
    const char *file;
    struct strbuf *findings;
    Elf *elf;
    bool entry;
    enum examined result;
    struct strbuf libraries; /* names, for the facts */
    void *handles[LIBRARIES_MAX];
    size_t n_handles;
    bool all_loaded;      /* no library is missing */
    unsigned glibc[3];    /* newest version of it that is asked for */
    struct strbuf levels; /* "ABI 0, level 1" */
};

__attribute__((format(printf, 4, 5))) static void find(struct examination *x, enum examined result,
                                                       const char *rule, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    strbuf_printf(x->findings, "%s: %s [%s]\n", x->file, text, rule);
    if (result > x->result)
        x->result = result;
}

/* ---- what kind of file ---------------------------------------------------------------------------------------- */

/* The header of this very program: what a plugin must fit. */
static bool own_header(GElf_Ehdr *ret)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
    bool good = elf && gelf_getehdr(elf, ret);
    elf_end(elf);
    if (fd >= 0)
        (void)close(fd);
    return good;
}

static bool is_program(Elf *elf)
{
    size_t n = 0;
    GElf_Phdr header;
    if (elf_getphdrnum(elf, &n) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (gelf_getphdr(elf, (int)i, &header) && header.p_type == PT_INTERP)
            return true;
    }
    return false;
}

/* False: nothing more can be said of it. */
static bool kind_fits(struct examination *x)
{
    GElf_Ehdr own, its;
    if (elf_kind(x->elf) != ELF_K_ELF || !gelf_getehdr(x->elf, &its)) {
        find(x, EXAMINE_UNFIT, "file",
             "it is no ELF file; a plugin is a shared object, made by the linker with -shared");
        return false;
    }
    if (own_header(&own) &&
        (own.e_machine != its.e_machine || own.e_ident[EI_CLASS] != its.e_ident[EI_CLASS] ||
         own.e_ident[EI_DATA] != its.e_ident[EI_DATA])) {
        find(x, EXAMINE_UNFIT, "file",
             "it is made for another machine (ELF machine %u, %s; this weir is %u, %s)", its.e_machine,
             its.e_ident[EI_CLASS] == ELFCLASS64 ? "64 bit" : "32 bit", own.e_machine,
             own.e_ident[EI_CLASS] == ELFCLASS64 ? "64 bit" : "32 bit");
        return false;
    }
    if (its.e_type != ET_DYN || is_program(x->elf)) {
        find(x, EXAMINE_UNFIT, "file", "it is %s, not a shared object; link it with -shared",
             its.e_type == ET_REL ? "an object file" : "a program");
        return false;
    }
    size_t sections = 0;
    if (elf_getshdrnum(x->elf, &sections) != 0 || sections < 2 || !elf_nextscn(x->elf, NULL)) {
        find(x, EXAMINE_UNFIT, "file",
             "its table of sections is not there; it is cut off or damaged, make it again");
        return false;
    }
    return true;
}

static void stack_fits(struct examination *x)
{
    size_t n = 0;
    GElf_Phdr header;
    if (elf_getphdrnum(x->elf, &n) != 0)
        return;
    for (size_t i = 0; i < n; i++) {
        if (gelf_getphdr(x->elf, (int)i, &header) && header.p_type == PT_GNU_STACK && (header.p_flags & PF_X))
            find(x, EXAMINE_FLAWED, "stack",
                 "it wants an executable stack, which would be the whole process's; link it with -z "
                 "noexecstack");
    }
}

/* ---- libraries ------------------------------------------------------------------------------------------------ */

/* Adds one folder of a run path, with the folder of the file in the place of $ORIGIN. */
static void add_folder(const struct examination *x, struct strbuf *out, const char *folder, size_t n)
{
    const char *slash = strrchr(x->file, '/');
    for (size_t i = 0; i < n;) {
        size_t token = strncmp(folder + i, "$ORIGIN", 7) == 0     ? 7
                       : strncmp(folder + i, "${ORIGIN}", 9) == 0 ? 9
                                                                  : 0;
        if (token)
            strbuf_add(out, slash ? x->file : ".", slash ? (size_t)(slash - x->file) : 1);
        else
            strbuf_add(out, folder + i, 1);
        i += token ? token : 1;
    }
}

/* The library in the first folder of the run path that has it, as the dynamic loader would find it; NULL: in none. */
static void *open_on_path(const struct examination *x, const char *path, const char *library)
{
    void *handle = NULL;
    for (const char *end; path && !handle; path = *end ? end + 1 : NULL) {
        struct strbuf file = {0};
        end = strchrnul(path, ':');
        add_folder(x, &file, path, (size_t)(end - path));
        strbuf_printf(&file, "%s%s", end == path ? "./" : "/", library);
        if (access(file.data, F_OK) == 0)
            handle = dlopen(file.data, RTLD_LAZY | RTLD_LOCAL);
        strbuf_free(&file);
    }
    return handle;
}

static void need_library(struct examination *x, const char *name, const char *path)
{
    void *handle = open_on_path(x, path, name);
    if (!handle)
        handle = dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    strbuf_printf(&x->libraries, "%s%s", x->libraries.len ? ", " : "", name);
    if (!handle) {
        const char *text = dlerror();
        find(x, EXAMINE_UNFIT, "libraries",
             "it needs the library %s, which can not be loaded (%s); install it", name,
             text ? text : "no reason given");
        x->all_loaded = false;
    } else if (x->n_handles < LIBRARIES_MAX) {
        x->handles[x->n_handles++] = handle;
    }
}

static void dynamic_fits(struct examination *x, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    const char *path = NULL;
    bool relocates = false;
    GElf_Dyn entry;
    for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
        if (entry.d_tag == DT_RUNPATH || entry.d_tag == DT_RPATH)
            path = elf_strptr(x->elf, header->sh_link, entry.d_un.d_val);
        relocates |=
            entry.d_tag == DT_TEXTREL || (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL));
    }
    for (int i = 0; data && gelf_getdyn(data, i, &entry) && entry.d_tag != DT_NULL; i++) {
        const char *name =
            entry.d_tag == DT_NEEDED ? elf_strptr(x->elf, header->sh_link, entry.d_un.d_val) : NULL;
        if (name)
            need_library(x, name, path);
    }
    if (relocates)
        find(x, EXAMINE_FLAWED, "position", "its code is changed when it is loaded; compile it with -fPIC");
}

static void version_seen(struct examination *x, const char *name)
{
    unsigned v[3] = {0, 0, 0};
    if (sscanf(name, "GLIBC_%u.%u.%u", &v[0], &v[1], &v[2]) < 2)
        return;
    for (int i = 0; i < 3; i++) {
        if (v[i] != x->glibc[i]) {
            if (v[i] > x->glibc[i])
                memcpy(x->glibc, v, sizeof v);
            return;
        }
    }
}

static void versions_seen(struct examination *x, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    GElf_Verneed need;
    GElf_Vernaux aux;
    int at = 0;
    while (data && gelf_getverneed(data, at, &need)) {
        int inner = at + (int)need.vn_aux;
        for (unsigned i = 0; i < need.vn_cnt && gelf_getvernaux(data, inner, &aux); i++) {
            const char *name = elf_strptr(x->elf, header->sh_link, aux.vna_name);
            if (name)
                version_seen(x, name);
            if (!aux.vna_next)
                break;
            inner += (int)aux.vna_next;
        }
        if (!need.vn_next)
            break;
        at += (int)need.vn_next;
    }
}

static void glibc_fits(struct examination *x)
{
    unsigned have[2] = {0, 0};
    const char *version = gnu_get_libc_version();
    if (x->glibc[0] == 0 || sscanf(version, "%u.%u", &have[0], &have[1]) != 2)
        return;
    if (x->glibc[0] > have[0] || (x->glibc[0] == have[0] && x->glibc[1] > have[1]))
        find(x, EXAMINE_UNFIT, "glibc",
             "it needs glibc %u.%u and here is %s; build it on the oldest system it is to run on",
             x->glibc[0], x->glibc[1], version);
}

/* ---- symbols -------------------------------------------------------------------------------------------------- */

struct names { /* of one finding */
    struct strbuf text;
    unsigned count;
};

static void add_name(struct names *names, const char *name)
{
    if (names->count++ < NAMED_MAX)
        strbuf_printf(&names->text, "%s%s", names->text.len ? ", " : "", name);
}

static void end_names(struct names *names)
{
    if (names->count > NAMED_MAX)
        strbuf_printf(&names->text, " and %u more", names->count - NAMED_MAX);
}

/* What compilers and linkers add on their own: names of theirs, and what C++ shares between libraries. */
static bool of_tools(const char *name, bool weak)
{
    return strncmp(name, "__", 2) == 0 || strcmp(name, "_init") == 0 || strcmp(name, "_fini") == 0 ||
           strcmp(name, "_edata") == 0 || strcmp(name, "_end") == 0 || (weak && strncmp(name, "_Z", 2) == 0);
}

static bool found_in_libraries(const struct examination *x, const char *name)
{
    for (size_t i = 0; i < x->n_handles; i++) {
        if (dlsym(x->handles[i], name))
            return true;
    }
    return strncmp(name, "__", 2) == 0 && dlsym(RTLD_DEFAULT, name); /* a sanitizer's are in the program */
}

static void symbols_fit(struct examination *x, Elf_Scn *section, const GElf_Shdr *header)
{
    Elf_Data *data = elf_getdata(section, NULL);
    struct names exports = {0}, lacks = {0}, host = {0};
    GElf_Sym symbol;
    for (int i = 1; data && gelf_getsym(data, i, &symbol); i++) {
        const char *name = elf_strptr(x->elf, header->sh_link, symbol.st_name);
        unsigned char bind = GELF_ST_BIND(symbol.st_info);
        if (!name || !name[0] || bind == STB_LOCAL)
            continue;
        if (symbol.st_shndx == SHN_UNDEF) {
            if (strncmp(name, "weir_", 5) == 0)
                add_name(&host, name);
            else if (bind != STB_WEAK && x->all_loaded && !found_in_libraries(x, name))
                add_name(&lacks, name);
        } else if (strcmp(name, ENTRY) == 0) {
            x->entry = GELF_ST_TYPE(symbol.st_info) == STT_FUNC;
        } else if (!of_tools(name, bind != STB_GLOBAL)) {
            add_name(&exports, name);
        }
    }
    end_names(&exports);
    end_names(&lacks);
    end_names(&host);
    if (exports.count)
        find(x, EXAMINE_FLAWED, "exports",
             "it exports %s; compile it with -fvisibility=hidden, so that only " ENTRY " is seen",
             exports.text.data);
    if (lacks.count)
        find(x, EXAMINE_UNFIT, "symbols",
             "undefined symbol%s: %s; link it with the library that has it, and with -z defs to hear of it",
             lacks.count > 1 ? "s" : "", lacks.text.data);
    if (host.count)
        find(x, EXAMINE_UNFIT, "symbols",
             "it wants %s of weir; what the host gives is in ctx->host, and nothing is linked with",
             host.text.data);
    strbuf_free(&exports.text);
    strbuf_free(&lacks.text);
    strbuf_free(&host.text);
}

/* ---- levels --------------------------------------------------------------------------------------------------- */

/* The description stands in the data, and its first words say enough; several that look like one say nothing. */
static const unsigned char *find_head(const Elf_Data *data, unsigned *ret_found)
{
    const unsigned char *bytes = data->d_buf, *head = NULL;
    uint32_t words[2];
    for (size_t at = 0; bytes && at + HANDSHAKE_HEAD <= data->d_size; at += sizeof words[0]) {
        memcpy(words, bytes + at, sizeof words);
        if (words[1] != WEIR_MAGIC || words[0] < HANDSHAKE_HEAD || words[0] > 4096)
            continue;
        head = bytes + at;
        ++*ret_found;
    }
    return head;
}

static void levels_fit(struct examination *x, const unsigned char *head)
{
    char why[1024];
    uint32_t words[4];
    memcpy(words, head, sizeof words);
    strbuf_printf(&x->levels, "; ABI %u, level %u", words[2], words[3]);
    if (!handshake_levels(head, why, sizeof why))
        find(x, EXAMINE_UNFIT, "level", "%s", why);
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static void sections_fit(struct examination *x)
{
    const unsigned char *head = NULL;
    Elf_Scn *section = NULL, *symbols = NULL;
    GElf_Shdr header, symbols_header = {0};
    unsigned found = 0;
    while ((section = elf_nextscn(x->elf, section))) {
        if (!gelf_getshdr(section, &header))
            continue;
        if (header.sh_type == SHT_DYNAMIC)
            dynamic_fits(x, section, &header);
        else if (header.sh_type == SHT_GNU_verneed)
            versions_seen(x, section, &header);
        else if (header.sh_type == SHT_PROGBITS && (header.sh_flags & SHF_ALLOC) &&
                 !(header.sh_flags & SHF_EXECINSTR)) {
            Elf_Data *data = elf_rawdata(section, NULL);
            const unsigned char *here = data ? find_head(data, &found) : NULL;
            head = here ? here : head;
        } else if (header.sh_type == SHT_DYNSYM) {
            symbols = section;
            symbols_header = header;
        }
    }
    if (symbols)
        symbols_fit(x, symbols, &symbols_header); /* the libraries are known now */
    if (!x->entry)
        find(x, EXAMINE_UNFIT, "entry",
             "not a weir plugin: it has no symbol " ENTRY "; the macro WEIR_PLUGIN makes it");
    else if (found == 1)
        levels_fit(x, head);
    glibc_fits(x);
}

enum examined examine_file(const char *file, struct strbuf *findings, struct strbuf *facts)
{
    struct examination x = {.file = file, .findings = findings, .all_loaded = true};
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    char why[1024];
    if (fd < 0) {
        find(&x, EXAMINE_UNFIT, "file", "it can not be read: %s", strerror(errno));
        return x.result;
    }
    if (!ltdl_trusted(file, why, sizeof why)) {
        strbuf_printf(findings, "%s [owner]\n", why); /* it names the path */
        (void)close(fd);
        return EXAMINE_UNFIT;
    }
    elf_version(EV_CURRENT);
    x.elf = elf_begin(fd, ELF_C_READ, NULL);
    if (kind_fits(&x)) {
        stack_fits(&x);
        sections_fit(&x);
        strbuf_printf(facts, "  needs %s", x.libraries.len ? x.libraries.data : "no library");
        if (x.glibc[0])
            strbuf_printf(facts, "; glibc %u.%u or newer", x.glibc[0], x.glibc[1]);
        strbuf_printf(facts, "%s\n", x.levels.len ? x.levels.data : "");
    }
    strbuf_free(&x.libraries);
    strbuf_free(&x.levels);
    elf_end(x.elf);
    (void)close(fd);
    return x.result;
}
