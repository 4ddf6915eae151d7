/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encoded - see encoded.h.
 */
#include "encoded.h"

#include <string.h>

#include "charset.h"

static int
in_set(const char *data, size_t len, const char *more)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char c = data[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9'))
			continue;
		if (c == '\0' || strchr(more, c) == NULL)
			return 0;
	}
	return len > 0;
}

int
encoded_is_word(const char *data, size_t len)
{
	const char *charset = data + 2, *encoding, *text, *end;

	if (len < 8 || len > ENCODED_WORD_MAX || memcmp(data, "=?", 2) != 0 ||
	    memcmp(data + len - 2, "?=", 2) != 0)
		return 0;
	end = data + len - 2;
	encoding = memchr(charset, '?', (size_t)(end - charset));
	if (encoding == NULL || end - encoding < 4 || encoding[2] != '?')
		return 0;
	text = encoding + 3;
	if (!in_set(charset, (size_t)(encoding - charset), "-_*"))
		return 0;
	if (encoding[1] == 'b' || encoding[1] == 'B')
		return in_set(text, (size_t)(end - text), "+/=");
	return (encoding[1] == 'q' || encoding[1] == 'Q') &&
	       in_set(text, (size_t)(end - text), "!*+-/=_");
}

/* The length of a loose word at data, 0 if there is none. */
static size_t
loose_length(const char *data, size_t len)
{
	const char *encoding, *end = data + len, *p;

	if (len > ENCODED_LOOSE_MAX)
		end = data + ENCODED_LOOSE_MAX;
	if (len < 8 || memcmp(data, "=?", 2) != 0)
		return 0;
	encoding = memchr(data + 2, '?', (size_t)(end - data - 2));
	if (encoding == NULL || end - encoding < 5 || encoding[2] != '?' ||
	    strchr("bBqQ", encoding[1]) == NULL)
		return 0;
	for (p = encoding + 3; p + 1 < end; p++)
		if (p[0] == '?' && p[1] == '=')
			return (size_t)(p + 2 - data);
	return 0;
}

size_t
encoded_find(const char *data, size_t len, size_t *start)
{
	size_t i, found;

	for (i = 0; i + 8 <= len; i++) {
		found = loose_length(data + i, len - i);
		if (found > 0) {
			*start = i;
			return found;
		}
	}
	return 0;
}

/* --- decoding ------------------------------------------------------------ */

static int
digit_of(char c, const char *digits)
{
	const char *at = strchr(digits, c);

	return c != '\0' && at != NULL ? (int)(at - digits) : -1;
}

/* The bytes of a text in base64; -1 if it is none beyond doubt. */
static int
decode_b(const char *text, size_t len, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned long bits = 0;
	int n = 0, held = 0, digit;

	while (len > 0 && text[len - 1] == '=')
		len--;
	for (; len > 0; len--) {
		digit = digit_of(*text++, digits);
		if (digit < 0)
			return -1;
		bits = bits << 6 | (unsigned long)digit;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[n++] = (char)(bits >> held & 0xff);
		}
	}
	return n;
}

static int
decode_q(const char *text, size_t len, char *out)
{
	static const char digits[] = "0123456789ABCDEF0123456789abcdef";
	int n = 0, high, low;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] != '=') {
			out[n++] = text[i];
			if (text[i] == '_')
				out[n - 1] = ' ';
			continue;
		}
		if (i + 2 >= len)
			return -1;
		high = digit_of(text[++i], digits);
		low = digit_of(text[++i], digits);
		if (high < 0 || low < 0)
			return -1;
		out[n++] = (char)((high & 15) << 4 | (low & 15));
	}
	return n;
}

static size_t
put(char *out, size_t n, char c, enum charset charset)
{
	unsigned char byte = (unsigned char)c;

	if (charset == CHARSET_LATIN1 && byte >= 0x80) {
		out[n++] = (char)(0xc0 | byte >> 6);
		byte = 0x80 | (byte & 0x3f);
	}
	out[n++] = (char)byte;
	return n;
}

int
encoded_disarm(
    const char *word, size_t len, char out[ENCODED_TEXT_MAX], size_t *out_len)
{
	const char *charset_name = word + 2;
	const char *encoding = memchr(charset_name, '?', len - 2);
	const char *text = encoding + 3;
	size_t text_len = (size_t)(word + len - 2 - text);
	enum charset charset =
	    charset_find(charset_name, (size_t)(encoding - charset_name));
	char bytes[ENCODED_LOOSE_MAX];
	int i, n;

	*out_len = 0;
	n = (encoding[1] | 0x20) == 'b' ? decode_b(text, text_len, bytes)
					: decode_q(text, text_len, bytes);
	if (n >= 0 && !charset_shows_sharp(charset, bytes, (size_t)n))
		return 0;
	if (charset != CHARSET_UTF8 && charset != CHARSET_LATIN1)
		return 1;
	for (i = 0; i < n; i++)
		if (!charset_is_sharp(bytes[i]))
			*out_len = put(out, *out_len, bytes[i], charset);
	return 1;
}
