/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charset - see charset.h.
 */
#include "charset.h"

#include <string.h>
#include <strings.h>

#define ESC 0x1b
#define SHIFT_OUT 0x0e
#define SHIFT_IN 0x0f

enum charset
charset_find(const char *name, size_t len)
{
	/* UTF-7, UTF-16, HZ, EBCDIC and what nobody has heard of are missing on
	 * purpose: readers differ about them, or ASCII is not in its place. */
	static const struct {
		const char *begins;
		enum charset charset;
		int whole;
	} known[] = {
	    {"utf-8", CHARSET_UTF8, 1},
	    {"utf8", CHARSET_UTF8, 1},
	    {"us-ascii", CHARSET_UTF8, 1},
	    {"ascii", CHARSET_UTF8, 1},
	    {"iso-8859-1", CHARSET_LATIN1, 1},
	    {"iso-8859-", CHARSET_ASCII, 0},
	    {"windows-125", CHARSET_ASCII, 0},
	    {"windows-874", CHARSET_ASCII, 1},
	    {"cp125", CHARSET_ASCII, 0},
	    {"koi8-", CHARSET_ASCII, 0},
	    {"tis-620", CHARSET_ASCII, 1},
	    {"macintosh", CHARSET_ASCII, 1},
	    {"x-mac-", CHARSET_ASCII, 0},
	    {"euc-", CHARSET_ASCII, 0},
	    {"gb2312", CHARSET_ASCII, 1},
	    {"gbk", CHARSET_DOUBLE, 1},
	    {"gb18030", CHARSET_DOUBLE, 1},
	    {"cp936", CHARSET_DOUBLE, 1},
	    {"big5", CHARSET_DOUBLE, 1},
	    {"big5-hkscs", CHARSET_DOUBLE, 1},
	    {"shift_jis", CHARSET_DOUBLE, 1},
	    {"shift-jis", CHARSET_DOUBLE, 1},
	    {"windows-31j", CHARSET_DOUBLE, 1},
	    {"cp932", CHARSET_DOUBLE, 1},
	    {"ks_c_5601-1987", CHARSET_DOUBLE, 1},
	    {"cp949", CHARSET_DOUBLE, 1},
	    {"iso-2022-", CHARSET_ESCAPE, 0},
	};
	const char *star = memchr(name, '*', len);
	size_t i, n;

	if (star != NULL)
		len = (size_t)(star - name);
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		n = strlen(known[i].begins);
		if ((known[i].whole ? len == n : len > n) &&
		    strncasecmp(name, known[i].begins, n) == 0)
			return known[i].charset;
	}
	return CHARSET_OTHER;
}

int
charset_is_sharp(char c)
{
	return (c >= 0 && c < ' ') || c == 0x7f || strchr("<>@,;:", c) != NULL;
}

/*
 * Bytes above ASCII from which a careless decoder makes it: overlong forms. A
 * character that is merely cut is left alone, as broken senders split them.
 */
static int
is_overlong(const char *text, size_t len)
{
	unsigned char c = (unsigned char)text[0];
	unsigned char next = len > 1 ? (unsigned char)text[1] : 0xff;

	return c == 0xc0 || c == 0xc1 || (c == 0xe0 && next < 0xa0) ||
	       (c == 0xf0 && next < 0x90);
}

/*
 * Bytes of the character at text. A trail byte is at least 0x40 (or, in
 * GB18030, a digit): what is below stands for itself, as readers that recover
 * from an error have it. An '@' behind a lead byte is part of a character; were
 * it read alone, it would still make no address without '<'.
 */
static size_t
double_length(const char *text, size_t len)
{
	unsigned char next = len > 1 ? (unsigned char)text[1] : 0;

	if ((unsigned char)text[0] < 0x81)
		return 1;
	return next >= 0x40 && next != 0x7f ? 2 : 1;
}

/*
 * Length of the sequence behind an ESC at text and whether two-byte characters
 * follow: "(B" one byte, "$B", "$(D", "$)C" two. 0 if it is none.
 */
static size_t
escape_length(const char *text, size_t len, int *wide)
{
	size_t n = 1;

	*wide = n < len && text[n] == '$';
	n += (size_t)*wide;
	if (n < len && strchr("()*+-./N", text[n]) != NULL && text[n] != '\0')
		n++;
	else if (!*wide)
		return 0;
	if (n >= len || text[n] < '0' || text[n] > '~')
		return 0;
	/* "$)C" only names the set that SHIFT_OUT switches to. */
	if (*wide && strchr(")*+", text[n - 1]) != NULL)
		*wide = 0;
	return n + 1;
}

/* ISO 2022: bytes are ASCII until a sequence says otherwise. */
static int
escaped_sharp(const char *text, size_t len)
{
	size_t i = 0, step;
	int wide = 0;

	while (i < len) {
		if (text[i] == ESC) {
			step = escape_length(text + i, len - i, &wide);
			if (step == 0)
				return 1;
			i += step;
		} else if (text[i] == SHIFT_OUT || text[i] == SHIFT_IN) {
			wide = text[i++] == SHIFT_OUT;
		} else if (wide && text[i] > ' ') {
			i++;
		} else if (charset_is_sharp(text[i++])) {
			return 1;
		}
	}
	/* Else what stands behind the word would be read as part of it. */
	return wide;
}

int
charset_shows_sharp(enum charset charset, const char *text, size_t len)
{
	size_t i, step = 1;

	if (charset == CHARSET_OTHER)
		return 1;
	if (charset == CHARSET_ESCAPE)
		return escaped_sharp(text, len);
	for (i = 0; i < len; i += step) {
		if (charset_is_sharp(text[i]))
			return 1;
		if (charset == CHARSET_UTF8 && is_overlong(text + i, len - i))
			return 1;
		if (charset == CHARSET_DOUBLE)
			step = double_length(text + i, len - i);
	}
	return 0;
}
