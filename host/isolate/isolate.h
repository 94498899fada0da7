/* SPDX-License-Identifier: BSD-2-Clause */
/* isolate.h - isolate = process: a plugin that lives in a process of its own, behind a table of callbacks like any other.
 *
 * What runs there is host/child.  Here is what stands for it in weir: callbacks that send over a line what belongs to
 * the engine, give back to it what comes, and start the process again when it ends before its time.  Nothing is lost
 * by that, since weir keeps every record until it was answered for: a sink's batches are offered again, and what a
 * sink that commits had taken since its last commit is written to it once more.  Thread: the instance's home thread. */
#ifndef WEIR_HOST_ISOLATE_H
#define WEIR_HOST_ISOLATE_H

struct instance;

/* Puts the table in place of the plugin's; before anything of the instance runs. */
void isolate_begin(struct instance *);

#endif
