/* SPDX-License-Identifier: BSD-2-Clause */
/* crash.h - who crashed: a signal that ends the process is told with the plugin and the callback it happened in.
 *
 * Owns: the handlers of SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT, a signal stack per thread, and per thread which
 * callback runs.  Thread: any. */
#ifndef WEIR_HOST_CRASH_H
#define WEIR_HOST_CRASH_H

/* What a thread is in the middle of; callback NULL: nothing of a plugin's.  All borrowed while it is set. */
struct crash_place {
    const char *plugin, *callback, *who; /* "file", "write", "web [sink archive]" */
};

/* Takes the signals; what had them before comes after it. */
void crash_begin(void);
/* Where this thread is from now on; returns where it was, for callbacks inside callbacks. */
struct crash_place crash_enter(struct crash_place);
void crash_leave(struct crash_place was);
/* The process is about to end itself, and has said why: its abort is no news. */
void crash_expected(void);

#endif
