/* SPDX-License-Identifier: BSD-2-Clause */
/* command.h - the commands of weir; each gets argv from its own name on and gives the exit status.
 *
 * main.c takes --plugin-path and --help away before. */
#ifndef WEIR_HOST_COMMAND_H
#define WEIR_HOST_COMMAND_H

#define EXIT_DONE   0 /* ended or drained with everything accounted for */
#define EXIT_FAILED 1 /* a pipeline failed or left records undelivered */
#define EXIT_USAGE  2 /* bad usage or configuration */

int cmd_run(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_dlq(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_plugins(int argc, char **argv);
int cmd_plugin_process(int argc, char **argv); /* host/child: for weir itself */
int cmd_test(int argc, char **argv);

/* Prints "weir COMMAND: text" and where help is; gives EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int command_usage(const char *command, const char *format, ...);

#endif
