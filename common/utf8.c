/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8 - see utf8.h.
 */
#include "utf8.h"

/* By the first byte; 0xc0 and 0xc1 would begin overlong forms only. */
static size_t
announced(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2)
		return 0;
	if (first < 0xe0)
		return 2;
	if (first < 0xf0)
		return 3;
	return first < 0xf5 ? 4 : 0;
}

size_t
utf8_length(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t len = announced(p[0]);
	size_t i;

	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

int
utf8_valid(const char *data, size_t len)
{
	size_t i, step;

	for (i = 0; i < len; i += step) {
		if (announced((unsigned char)data[i]) > len - i)
			return 0;
		step = utf8_length(data + i);
		if (step == 0)
			return 0;
	}
	return 1;
}
