/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DENIALS_H
#define POSTOAK_DENIALS_H

#include <stddef.h>

/*
 * denials - what AppArmor and SELinux have forbidden us, out of the lines of a
 * kernel or audit log. Pure. Called by check_denials.
 */

#define DENIALS_LINE_MAX 512

struct denials {
	size_t count;
	char last[DENIALS_LINE_MAX]; /* the last of them, from its mark on */
};

/* Look through len bytes of text. Lines count that are about postoak, or about
 * Postfix's smtp and smtpd, which reach for its sockets. */
void denials_search(struct denials *denials, const char *text, size_t len);

#endif
