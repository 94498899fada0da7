/* SPDX-License-Identifier: BSD-2-Clause */
/* errlog.h - what a program writes to its standard error, as lines of weir's log.  Home thread of the instance.
 *
 * Limits: a line is cut at ERRLOG_LINE bytes; of ERRLOG_LINES lines in ERRLOG_WINDOW_MS the rest is counted only. */
#ifndef WEIR_PLUGINS_EXEC_ERRLOG_H
#define WEIR_PLUGINS_EXEC_ERRLOG_H

#include <weir/plugin.h>

#include <stdbool.h>

#define ERRLOG_LINE      900u
#define ERRLOG_LINES     50u
#define ERRLOG_WINDOW_MS 10000

struct errlog {
    struct weir_ctx *ctx;
    int64_t window_ms; /* when the window began */
    uint32_t lines, left_out;
    size_t used;
    bool cut; /* the line was longer: its rest is skipped */
    char line[ERRLOG_LINE];
};

void errlog_init(struct errlog *, struct weir_ctx *);
/* Logs what can be read without waiting, at most 64 KiB of it; false: there will be nothing more. */
bool errlog_read(struct errlog *, int fd);
/* A last line without line feed, and how many were left out. */
void errlog_end(struct errlog *);

#endif
