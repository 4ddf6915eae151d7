/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qr - a QR code on a terminal. See qr.h.
 */
#define _GNU_SOURCE
#include "qr.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#ifdef HAVE_QRENCODE
#include <qrencode.h>
#endif

#define QUIET 4	   /* modules of margin, ISO/IEC 18004 */
#define COLUMNS 80 /* a wider one would be folded by the terminal */

/* The locale's encoding, by the variables in their order (POSIX 8.2). */
static int
is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	const char *value = NULL;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = getenv(names[i]);
		if (value != NULL && *value != '\0')
			break;
	}
	return value != NULL && (strcasestr(value, "utf-8") != NULL ||
				    strcasestr(value, "utf8") != NULL);
}

int
qr_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && is_utf8() && term != NULL &&
	       strcmp(term, "dumb") != 0;
}

#ifdef HAVE_QRENCODE

static int
is_dark(const QRcode *code, int x, int y)
{
	return x >= 0 && y >= 0 && x < code->width && y < code->width &&
	       (code->data[y * code->width + x] & 1) != 0;
}

/* Two rows of modules are one row of characters. */
static void
put_row(struct buf *out, const QRcode *code, int y, int colours)
{
	static const char *const blocks[] = {
	    " ", "\xe2\x96\x84", "\xe2\x96\x80", "\xe2\x96\x88"};
	int x, upper, lower;

	if (colours)
		buf_adds(out, "\033[30;107m");
	for (x = -QUIET; x < code->width + QUIET; x++) {
		upper = is_dark(code, x, y) == colours;
		lower = is_dark(code, x, y + 1) == colours;
		buf_adds(out, blocks[upper << 1 | lower]);
	}
	buf_adds(out, colours ? "\033[0m\n" : "\n");
}

int
qr_show(struct buf *out, const char *text, int colours)
{
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 1);
	int y, rc = -1;

	if (code != NULL && code->width + 2 * QUIET <= COLUMNS) {
		for (y = -QUIET; y < code->width + QUIET; y += 2)
			put_row(out, code, y, !!colours);
		rc = 0;
	}
	QRcode_free(code);
	return rc;
}

#else

int
qr_show(struct buf *out, const char *text, int colours)
{
	(void)out;
	(void)text;
	(void)colours;
	return -1;
}

#endif
