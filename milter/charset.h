/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHARSET_H
#define POSTOAK_CHARSET_H

#include <stddef.h>

/*
 * charset - what one has to know of character sets to see whether an encoded
 * word (RFC 2047) shows a character that makes an address, a list or a field of
 * a name: which of its bytes are ASCII. Pure; no tables of characters.
 */

enum charset {
	CHARSET_UTF8,	/* and ASCII */
	CHARSET_LATIN1, /* can be made UTF-8 here */
	CHARSET_ASCII,	/* bytes below 0x80 are ASCII: ISO 8859, EUC, ... */
	CHARSET_DOUBLE, /* a lead byte takes the next one: Shift_JIS, Big5 */
	CHARSET_ESCAPE, /* ISO 2022: escape sequences switch between sets */
	CHARSET_OTHER,	/* nothing is known of it */
};

/* By its name; a language (RFC 2231 section 5) may follow behind "*". */
enum charset charset_find(const char *name, size_t len);

/* 1 for a byte that alone, as ASCII, makes more than a name of a name. */
int charset_is_sharp(char c);

/*
 * 1 if a text in that charset shows such a character, or might to a reader that
 * decodes it another way: overlong UTF-8, an unfinished escape sequence.
 * CHARSET_OTHER always might.
 */
int charset_shows_sharp(enum charset charset, const char *text, size_t len);

#endif
