/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_QR_H
#define POSTOAK_QR_H

#include "buf.h"

/*
 * qr - a QR code on a terminal, in half blocks of Unicode. The only door to
 * libqrencode, which may be missing at build time.
 */

/* 1 if standard output is a terminal that can show one. */
int qr_possible(void);

/*
 * Append the code for text. colours: dark on light by itself; else the terminal
 * must be light on dark. 0, or -1 if there is no library or the text does not
 * fit; nothing is appended then.
 */
int qr_show(struct buf *out, const char *text, int colours);

#endif
