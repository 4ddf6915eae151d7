/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover_line - see handover_line.h.
 */
#include "handover_line.h"

#include <string.h>

#include "utf8.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NUMBER_MAX 3 /* digits of a list's number */

/* Sorted by what they are, not by number. */
static const struct {
	unsigned long first;
	unsigned long last;
	enum handover_class is;
} classes[] = {
    {' ', ' ', HANDOVER_BLANK},
    {'\t', '\t', HANDOVER_BLANK},
    {0xa0, 0xa0, HANDOVER_BLANK},
    {0x2000, 0x200a, HANDOVER_BLANK},
    {0x202f, 0x202f, HANDOVER_BLANK},
    {0x3000, 0x3000, HANDOVER_BLANK},
    {':', ':', HANDOVER_SEPARATOR},
    {'=', '=', HANDOVER_SEPARATOR},
    {'|', '|', HANDOVER_SEPARATOR},
    {0x2190, 0x21ff, HANDOVER_SEPARATOR}, /* arrows */
    {0x2236, 0x2236, HANDOVER_SEPARATOR}, /* ratio */
    {0xa789, 0xa789, HANDOVER_SEPARATOR}, /* modifier colon */
    {0xfe55, 0xfe55, HANDOVER_SEPARATOR}, /* small colon */
    {0xff1a, 0xff1a, HANDOVER_SEPARATOR}, /* fullwidth colon */
    {0xff1d, 0xff1d, HANDOVER_SEPARATOR}, /* fullwidth equals sign */
    {'"', '"', HANDOVER_QUOTE},
    {'\'', '\'', HANDOVER_QUOTE},
    {'`', '`', HANDOVER_QUOTE},
    {0xab, 0xab, HANDOVER_QUOTE},
    {0xbb, 0xbb, HANDOVER_QUOTE},
    {0x2018, 0x201f, HANDOVER_QUOTE},
    {0x2039, 0x203a, HANDOVER_QUOTE},
    {'-', '-', HANDOVER_DASH},
    {0x2010, 0x2015, HANDOVER_DASH},
    {0x2212, 0x2212, HANDOVER_DASH},
    {'*', '*', HANDOVER_BULLET},
    {'_', '_', HANDOVER_BULLET},
    {'#', '#', HANDOVER_BULLET},
    {'[', ']', HANDOVER_BULLET},
    {0xb7, 0xb7, HANDOVER_BULLET},
    {0x2022, 0x2023, HANDOVER_BULLET},
    {0x2043, 0x2043, HANDOVER_BULLET},
    {0x25a0, 0x25ff, HANDOVER_BULLET},
    {0x2610, 0x2612, HANDOVER_BULLET},
    {0x2713, 0x2714, HANDOVER_BULLET},
    {0xf0a7, 0xf0b7, HANDOVER_BULLET}, /* Word's, in a private font */
    {0xad, 0xad, HANDOVER_UNSEEN},
    {0x200b, 0x200f, HANDOVER_UNSEEN},
    {0x202a, 0x202e, HANDOVER_UNSEEN},
    {0x2060, 0x2069, HANDOVER_UNSEEN},
    {0xfeff, 0xfeff, HANDOVER_UNSEEN},
    {'\r', '\r', HANDOVER_UNSEEN},
};

/* What Windows-1252 has where Latin-1 has control characters. */
static unsigned long
windows_1252(unsigned char byte)
{
	static const unsigned short quotes[] = {
	    0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014};

	if (byte >= 0x91 && byte <= 0x97)
		return quotes[byte - 0x91];
	return byte;
}

static unsigned long
code_point(const char *p, size_t *len)
{
	unsigned char first = (unsigned char)*p;
	unsigned long point;
	size_t i;

	*len = utf8_length(p);
	if (*len <= 1) {
		*len = 1;
		return windows_1252(first);
	}
	point = first & (0xffu >> (*len + 1));
	for (i = 1; i < *len; i++)
		point = point << 6 | ((unsigned char)p[i] & 0x3fu);
	return point;
}

enum handover_class
handover_class(const char *p, size_t *len)
{
	unsigned long point = code_point(p, len);
	size_t i;

	for (i = 0; i < N_OF(classes); i++)
		if (point >= classes[i].first && point <= classes[i].last)
			return classes[i].is;
	return HANDOVER_OTHER;
}

static const char *
skip(const char *p, const char *end, unsigned int wanted)
{
	size_t len;

	while (p < end && (wanted >> handover_class(p, &len) & 1u) != 0)
		p += len;
	return p < end ? p : end;
}

#define BIT(class) (1u << (class))
#define BLANKS (BIT(HANDOVER_BLANK) | BIT(HANDOVER_UNSEEN))

const char *
handover_skip_blanks(const char *p, const char *end)
{
	return skip(p, end, BLANKS);
}

const char *
handover_unquote(const char *p, const char *end, int *depth)
{
	int most = *depth;
	const char *next;

	for (*depth = 0; *depth < most; (*depth)++) {
		next = handover_skip_blanks(p, end);
		if (next == end || *next != '>')
			break;
		p = next + 1;
	}
	return p;
}

int
handover_is_alone(const char *p, const char *end)
{
	size_t len;

	p = handover_skip_blanks(p, end);
	while (p < end && handover_class(p, &len) != HANDOVER_BLANK)
		p += len;
	return handover_skip_blanks(p, end) == end;
}

static int
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "1.", "12)", "a)": behind it, else p itself. */
static const char *
skip_number(const char *p, const char *end)
{
	const char *from = p;

	while (p < end && p - from < NUMBER_MAX && is_digit(*p))
		p++;
	if (p == from && p < end && *p >= 'a' && *p <= 'z')
		p++;
	if (p == from || p >= end || (*p != '.' && *p != ')'))
		return from;
	return p + 1;
}

const char *
handover_skip_marks(const char *p, const char *end)
{
	const unsigned int marks = BLANKS | BIT(HANDOVER_QUOTE) |
				   BIT(HANDOVER_DASH) | BIT(HANDOVER_BULLET);
	const char *next;

	p = skip(p, end, marks);
	if (p < end && *p == '|') /* a row of a table */
		p = skip(p + 1, end, marks);
	next = skip_number(p, end);
	return next == p ? p : skip(next, end, marks);
}

/* The last character before end, begin at the least. */
static const char *
step_back(const char *begin, const char *end)
{
	const char *p = end - 1;
	size_t len;

	while (p > begin && ((unsigned char)*p & 0xc0) == 0x80 && end - p < 4)
		p--;
	/* Not a whole one: then the byte stands for itself. */
	(void)handover_class(p, &len);
	return p + len == end ? p : end - 1;
}

static const char *
trim_end(const char *begin, const char *end)
{
	const char *last;
	size_t len;

	while (end > begin) {
		last = step_back(begin, end);
		if ((BLANKS >> handover_class(last, &len) & 1u) == 0)
			break;
		end = last;
	}
	return end;
}

void
handover_value(struct buf *out, const char *p, const char *end, int plain)
{
	enum handover_class class;
	const char *last;
	size_t len;

	p = handover_skip_blanks(p, end);
	end = trim_end(p, end);
	if (p < end && handover_class(p, &len) == HANDOVER_QUOTE &&
	    (last = step_back(p, end)) > p &&
	    handover_class(last, &(size_t){0}) == HANDOVER_QUOTE) {
		p += len;
		end = last;
	}
	for (; p < end; p += len) {
		class = handover_class(p, &len);
		if (class == HANDOVER_UNSEEN)
			continue;
		if (plain && class == HANDOVER_DASH)
			buf_adds(out, "-");
		else
			buf_add(out, p, len);
	}
}
