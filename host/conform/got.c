/* SPDX-License-Identifier: BSD-2-Clause */
/* got.c - stands in for malloc and the like in one shared object (got.h). */
#include "got.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic long calls, fail_at;
static void (*on_free)(const void *memory);

static const struct {
    void *(*malloc)(size_t);
    void *(*calloc)(size_t, size_t);
    void *(*realloc)(void *, size_t);
    char *(*strdup)(const char *);
    char *(*strndup)(const char *, size_t);
} real = {malloc, calloc, realloc, strdup, strndup};

void got_fail_at(long n)
{
    atomic_store(&calls, 0);
    atomic_store(&fail_at, n);
}

long got_calls(void)
{
    return atomic_load(&calls);
}

long got_failed(void)
{
    long n = atomic_load(&fail_at);
    return n > 0 && atomic_load(&calls) >= n ? n : 0;
}

void got_on_free(void (*look)(const void *memory))
{
    on_free = look;
}

static bool fails(void)
{
    if (atomic_fetch_add(&calls, 1) + 1 != atomic_load(&fail_at))
        return false;
    errno = ENOMEM;
    return true;
}

/* ---- stand-ins ----------------------------------------------------------------------------------------------- */

static void *my_malloc(size_t n)
{
    return fails() ? NULL : real.malloc(n);
}

static void *my_calloc(size_t count, size_t n)
{
    return fails() ? NULL : real.calloc(count, n);
}

static void *my_realloc(void *p, size_t n)
{
    return fails() ? NULL : real.realloc(p, n);
}

static void *my_reallocarray(void *p, size_t count, size_t n)
{
    return fails() ? NULL : reallocarray(p, count, n);
}

static char *my_strdup(const char *s)
{
    return fails() ? NULL : real.strdup(s);
}

static char *my_strndup(const char *s, size_t n)
{
    return fails() ? NULL : real.strndup(s, n);
}

static void *my_aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : aligned_alloc(alignment, n);
}

static int my_posix_memalign(void **ret, size_t alignment, size_t n)
{
    return fails() ? ENOMEM : posix_memalign(ret, alignment, n);
}

__attribute__((format(printf, 2, 0))) static int my_vasprintf(char **ret, const char *format, va_list ap)
{
    if (!fails())
        return vasprintf(ret, format, ap);
    *ret = NULL;
    return -1;
}

__attribute__((format(printf, 2, 3))) static int my_asprintf(char **ret, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    int n = my_vasprintf(ret, format, ap);
    va_end(ap);
    return n;
}

/* What _FORTIFY_SOURCE makes of them. */
__attribute__((format(printf, 3, 0))) static int my_vasprintf_chk(char **ret, int flag, const char *format,
                                                                  va_list ap)
{
    (void)flag;
    return my_vasprintf(ret, format, ap);
}

__attribute__((format(printf, 3, 4))) static int my_asprintf_chk(char **ret, int flag, const char *format,
                                                                 ...)
{
    va_list ap;
    (void)flag;
    va_start(ap, format);
    int n = my_vasprintf(ret, format, ap);
    va_end(ap);
    return n;
}

static void my_free(void *p)
{
    if (on_free)
        on_free(p);
    free(p);
}

#define STAND_IN(name)                                                                                       \
    {                                                                                                        \
#name, (void (*)(void))my_##name                                                                     \
    }
static const struct stand_in {
    const char *name;
    void (*function)(void);
} stand_ins[] = {
    STAND_IN(malloc),
    STAND_IN(calloc),
    STAND_IN(realloc),
    STAND_IN(reallocarray),
    STAND_IN(strdup),
    STAND_IN(strndup),
    STAND_IN(aligned_alloc),
    STAND_IN(posix_memalign),
    STAND_IN(vasprintf),
    STAND_IN(asprintf),
    {"__vasprintf_chk", (void (*)(void))my_vasprintf_chk},
    {"__asprintf_chk", (void (*)(void))my_asprintf_chk},
    {"__strdup", (void (*)(void))my_strdup},
    STAND_IN(free),
};

/* ---- the object's table -------------------------------------------------------------------------------------- */

struct object {
    const struct link_map *map;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Rela) * calls, *data; /* .rela.plt, .rela.dyn */
    size_t n_calls, n_data;
};

/* Most machines have addresses there, some what is to be added to where the object lies. */
static const void *at(const struct link_map *map, const ElfW(Dyn) * d)
{
    uintptr_t address = d->d_un.d_ptr < map->l_addr ? map->l_addr + d->d_un.d_ptr : d->d_un.d_ptr;
    return (const void *)address;
}

static bool read_object(const struct link_map *map, struct object *o)
{
    bool rela = true;
    *o = (struct object){.map = map};
    for (const ElfW(Dyn) *d = map->l_ld; d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            o->symbols = at(map, d);
            break;
        case DT_STRTAB:
            o->names = at(map, d);
            break;
        case DT_JMPREL:
            o->calls = at(map, d);
            break;
        case DT_PLTRELSZ:
            o->n_calls = d->d_un.d_val / sizeof *o->calls;
            break;
        case DT_PLTREL:
            rela = d->d_un.d_val == DT_RELA;
            break;
        case DT_RELA:
            o->data = at(map, d);
            break;
        case DT_RELASZ:
            o->n_data = d->d_un.d_val / sizeof *o->data;
            break;
        default:
            break;
        }
    }
    return rela && o->symbols && o->names;
}

static const struct stand_in *stand_in_of(const char *name)
{
    for (size_t i = 0; i < sizeof stand_ins / sizeof stand_ins[0]; i++)
        if (strcmp(stand_ins[i].name, name) == 0)
            return &stand_ins[i];
    return NULL;
}

static void put(void **slot, void (*function)(void))
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    void *start = (void *)((uintptr_t)slot / page * page);
    if (mprotect(start, page, PROT_READ | PROT_WRITE) == 0)
        memcpy(slot, &function, sizeof function);
}

#if __ELF_NATIVE_CLASS == 64
#define SYMBOL_OF(info) ELF64_R_SYM(info)
#else
#define SYMBOL_OF(info) ELF32_R_SYM(info)
#endif

/* Slots of calls may not be bound yet; elsewhere a slot is one when it holds the function's address. */
static bool replace(const struct object *o, const ElfW(Rela) * relocations, size_t n, bool is_calls)
{
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        const ElfW(Sym) *symbol = o->symbols + SYMBOL_OF(relocations[i].r_info);
        const struct stand_in *mine = stand_in_of(o->names + symbol->st_name);
        void **slot = (void **)(o->map->l_addr + relocations[i].r_offset);
        if (!mine || (!is_calls && *slot != dlsym(RTLD_DEFAULT, mine->name)))
            continue;
        put(slot, mine->function);
        any = true;
    }
    return any;
}

bool got_take(void (*function)(void))
{
    Dl_info info;
    struct link_map *map = NULL;
    struct object object;
    void *address;
    memcpy(&address, &function, sizeof address);
    if (!dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) || !map || !map->l_name[0] ||
        !read_object(map, &object))
        return false;
    bool any = replace(&object, object.calls, object.n_calls, true);
    return replace(&object, object.data, object.n_data, false) || any;
}
