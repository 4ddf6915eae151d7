/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REWRITE_INPUT_H
#define POSTOAK_REWRITE_INPUT_H

#include <stddef.h>

#include "rewrite_field.h"

/*
 * rewrite_input - what a message says about its sender. Made by message, read
 * by rewrite and what it calls; the values are the message's.
 */

#define REWRITE_KEPT_MAX 4	 /* values of one field that are looked at */
#define REWRITE_REPEATED_MAX 100 /* a sender field more often: refused */
#define REWRITE_VALUE_MAX 8192	 /* bytes of a value; longer is not parsed */

struct rewrite_value {
	const char *data;
	size_t len;
	int cut; /* there was more than REWRITE_VALUE_MAX */
};

struct rewrite_field {
	size_t count; /* in the message, by which edits are addressed */
	struct rewrite_value kept[REWRITE_KEPT_MAX]; /* the first of them */
};

struct rewrite_input {
	const char *sender; /* envelope, as handed over; "" or "<>" if null */
	int utf8;	    /* addresses need not be ASCII (RFC 6531) */
	int broken;	    /* by a bare CR or LF in a field that stays */
	struct rewrite_field fields[REWRITE_NAMES];
};

#endif
