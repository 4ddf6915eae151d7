/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SCREEN_H
#define POSTOAK_SCREEN_H

#include "buf.h"

/*
 * screen - a terminal that is drawn over again and again, and is as it was
 * when it is over, whatever ends it. Called by status.
 */

struct screen_size {
	int rows;
	int columns;
};

/* 1 if standard output is a terminal that can be drawn over. */
int screen_is_one(void);

/*
 * Take the terminal: its other screen, no cursor, keys not shown. Signals that
 * end the program give it back first. screen_end gives it back as well.
 */
void screen_begin(void);
void screen_end(void);

/* How large it is now; 24 by 80 where it does not say. */
struct screen_size screen_size_now(void);

/* Draw what screen_fit made over what there was. 0, or -1: there is no terminal
 * any more. */
int screen_draw(const struct buf *frame);

/* Wait for so long, or until the size has changed. 0, or 1: somebody has typed
 * "q". */
int screen_wait(int wait_ms);

/*
 * Append text as a frame of that size to out: from the upper left corner, each
 * line cut at the last column (colours take none) and its rest cleared. What
 * has no room is counted in the last row. Pure.
 */
void screen_fit(struct buf *out, const char *text, struct screen_size size);

/* How many lines a text has. */
int screen_lines(const char *text);

#endif
