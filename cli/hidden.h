/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_HIDDEN_H
#define POSTOAK_HIDDEN_H

#include "buf.h"
#include "err.h"

/*
 * hidden - a secret from standard input: a file or pipe to its end, or a line
 * typed or pasted on a terminal, which does not show it.
 */

/*
 * Append it to out, blanks and line ends around it taken away. prompt goes to
 * standard error when standard input is a terminal. 0, or -1 with *err: nothing
 * but blanks, more than out may hold, or a failure.
 */
int hidden_read(const char *prompt, struct buf *out, struct err *err);

/*
 * The same a line at a time for a program that waits for other things as well:
 * begin, more whenever standard input can be read, end. A terminal is as it was
 * after end, and after a signal that ends the program.
 */
void hidden_begin(void);
void hidden_end(void);

/*
 * Read what is there. 1: line is whole, blanks around it taken away; clear it
 * before the next one. 0: not yet. -1: standard input has ended.
 */
int hidden_more(struct buf *line);

#endif
