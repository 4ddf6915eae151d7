/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COMMAND_H
#define POSTOAK_COMMAND_H

#include <stddef.h>
#include <sys/types.h>

#include "err.h"

/*
 * command - run another program, found by PATH and without a shell. Unless said
 * otherwise, its standard error is ours.
 */

/* A line of its output, without the line feed; what is longer than 1 MiB is
 * cut. */
typedef void (*command_line)(void *arg, const char *line, size_t len);

/*
 * Run argv (NULL at the end) with input (at most 60 kB; NULL: none) on its
 * standard input and hand over each line of its output (line NULL: nobody
 * reads them). 0 if it ends with 0, else -1 with *err: ERR_CONFIG if it cannot
 * be started, ERR_TEMPORARY if it ends otherwise.
 */
int command_run(const char *const argv[], const char *input, command_line line,
    void *arg, struct err *err);

/*
 * The same without input. What it says on standard error does not appear: if
 * it ends with anything but 0, the last line of it is in *err.
 */
int command_ask(
    const char *const argv[], command_line line, void *arg, struct err *err);

/*
 * Start it and leave it running: a descriptor to read its output from, and its
 * process id. -1 with *err.
 */
int command_start(const char *const argv[], pid_t *pid, struct err *err);

#endif
