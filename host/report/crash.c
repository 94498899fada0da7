/* SPDX-License-Identifier: BSD-2-Clause */
/* crash.c - one line about a fatal signal, then the signal again as if nobody had listened (crash.h).
 *
 * The handler allocates nothing, takes no lock and calls only what signal-safety(7) allows: the thread may have been
 * anywhere.  It has a stack of its own, for a plugin that calls itself for ever has none left. */
#include "crash.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#define STACK_BYTES (64u << 10) /* the kernel saves all registers there first: up to 12 KiB */
#define NAME_BYTES  16          /* of a thread, prctl(2) */

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}, {SIGABRT, "SIGABRT"}};
#define N_SIGNALS (sizeof signals / sizeof signals[0])

static struct sigaction before[N_SIGNALS];
static _Thread_local struct crash_place place;
static _Thread_local bool has_stack;
static pthread_key_t stack_key; /* its destructor gives the stack back when the thread ends */
static bool begun;
static atomic_flag told = ATOMIC_FLAG_INIT;

struct line {
    char text[512];
    size_t len;
};

static void add(struct line *l, const char *s)
{
    while (*s && l->len < sizeof l->text - 1)
        l->text[l->len++] = *s++;
}

static void tell(const char *signal_name)
{
    struct line l = {.len = 0};
    char name[NAME_BYTES + 1] = "";
    if (place.callback) {
        const char *const parts[] = {
            "weir: crashed inside plugin ", place.plugin, ", callback ", place.callback, ": ", place.who};
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
            add(&l, parts[i]);
    } else {
        add(&l, "weir: crashed outside of any plugin's callback, in thread \"");
        (void)prctl(PR_GET_NAME, name);
        add(&l, name);
        add(&l, "\"");
    }
    add(&l, ", signal ");
    add(&l, signal_name);
    l.text[l.len++] = '\n'; /* add leaves room for it */
    (void)!write(STDERR_FILENO, l.text, l.len);
}

static void crashed(int number, siginfo_t *info, void *context)
{
    (void)context;
    for (size_t i = 0; i < N_SIGNALS; i++) {
        if (signals[i].number != number)
            continue;
        if (!atomic_flag_test_and_set(&told))
            tell(signals[i].name);
        (void)sigaction(number, &before[i], NULL);
    }
    if (info->si_code <= 0) /* sent, and not the fault of an instruction that will run once more */
        (void)raise(number);
}

static void stack_free(void *stack)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    (void)sigaltstack(&none, NULL);
    (void)munmap(stack, STACK_BYTES);
}

/* A sanitizer may have given the thread one already. */
static void stack_begin(void)
{
    stack_t now;
    has_stack = true;
    if (!begun || sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE))
        return;
    void *bytes = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (bytes == MAP_FAILED)
        return;
    const stack_t own = {.ss_sp = bytes, .ss_size = STACK_BYTES};
    if (sigaltstack(&own, NULL) != 0 || pthread_setspecific(stack_key, bytes) != 0)
        stack_free(bytes);
}

void crash_begin(void)
{
    struct sigaction take = {.sa_sigaction = crashed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (begun || pthread_key_create(&stack_key, stack_free) != 0)
        return;
    begun = true;
    sigemptyset(&take.sa_mask);
    for (size_t i = 0; i < N_SIGNALS; i++)
        (void)sigaction(signals[i].number, &take, &before[i]);
}

struct crash_place crash_enter(struct crash_place now)
{
    struct crash_place was = place;
    if (!has_stack)
        stack_begin();
    place = now;
    return was;
}

void crash_leave(struct crash_place was)
{
    place = was;
}

void crash_expected(void)
{
    (void)atomic_flag_test_and_set(&told);
}
