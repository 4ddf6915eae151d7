/* SPDX-License-Identifier: Apache-2.0 */
/*
 * err - error values. See err.h.
 */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
	enum err_kind kind;
	const char *name;
	int exit_code;
} kinds[] = {
    {ERR_NONE, "none", EX_OK},
    {ERR_TEMPORARY, "temporary", EX_TEMPFAIL},
    {ERR_LOGIN, "login", EX_NOPERM},
    {ERR_CONFIG, "config", EX_CONFIG},
    {ERR_DENIED, "denied", EX_NOPERM},
    {ERR_PROTOCOL, "protocol", EX_PROTOCOL},
    {ERR_BUG, "bug", EX_SOFTWARE},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/*
 * What must not be shown, by its bytes but the last: characters U+0080 to
 * U+009F, which some terminals obey as they do ESC, ends of line, and what
 * turns the direction of writing or has no width, so that a text looks like
 * another.
 */
static const struct {
	const char *start;
	unsigned char first;
	unsigned char last;
} unseen[] = {
    {"\xc2", 0x80, 0x9f},
    {"\xe2\x80", 0x8b, 0x8f},
    {"\xe2\x80", 0xa8, 0xae},
    {"\xe2\x81", 0xa0, 0xa9},
    {"\xef\xbb", 0xbf, 0xbf},
};

/* How many bytes at p must not be shown, 0: all is well. */
static size_t
unprintable(const char *p)
{
	unsigned char c = (unsigned char)*p;
	size_t len, i;

	if (c < 0x20 || c == 0x7f)
		return 1;
	for (i = 0; i < sizeof(unseen) / sizeof(unseen[0]); i++) {
		len = strlen(unseen[i].start);
		if (strncmp(p, unseen[i].start, len) != 0)
			continue;
		c = (unsigned char)p[len];
		if (c >= unseen[i].first && c <= unseen[i].last)
			return len + 1;
	}
	return 0;
}

/*
 * Texts travel in one-line protocols, logs and terminals, whatever a provider
 * sent.
 */
static void
make_printable(char *text)
{
	size_t len;

	while (*text != '\0') {
		len = unprintable(text);
		memset(text, ' ', len);
		text += len > 0 ? len : 1;
	}
}

/* A text that was cut may end within a character of UTF-8: take it away. */
static void
drop_half_character(char *text, size_t len)
{
	size_t tail = 0;

	while (tail < 3 && tail < len &&
	       ((unsigned char)text[len - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (tail < len && (unsigned char)text[len - 1 - tail] >= 0xc0)
		text[len - 1 - tail] = '\0';
}

/*
 * Texts are made aside: an argument may be err's own text or code, to put
 * something before it.
 */
static void
fill(struct err *err, enum err_kind kind, const char *code, const char *text)
{
	char own_code[sizeof(err->code)];

	snprintf(own_code, sizeof(own_code), "%s", code);
	memcpy(err->code, own_code, sizeof(own_code));
	err->kind = kind;
	err->retry_ms = 0;
	snprintf(err->text, sizeof(err->text), "%s", text);
	make_printable(err->text);
	make_printable(err->code);
}

/* Format into text; at most size - 1 bytes, whole characters. */
static void format(char *text, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
format(char *text, size_t size, const char *fmt, va_list ap)
{
	int len = vsnprintf(text, size, fmt, ap);

	if (len < 0)
		text[0] = '\0';
	else if ((size_t)len >= size)
		drop_half_character(text, size - 1);
}

int
err_set(
    struct err *err, enum err_kind kind, const char *code, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	va_list ap;

	if (err == NULL)
		return -1;
	va_start(ap, fmt);
	format(text, sizeof(text), fmt, ap);
	va_end(ap);
	fill(err, kind, code, text);
	return -1;
}

int
err_errno(struct err *err, enum err_kind kind, int errnum, const char *fmt, ...)
{
	char text[sizeof(err->text)];
	char reason[128];
	va_list ap;
	size_t used;

	if (err == NULL)
		return -1;
	/* The reason matters most: it always has its room. */
	va_start(ap, fmt);
	format(text, sizeof(text) - sizeof(reason) - 2, fmt, ap);
	va_end(ap);
	/* XSI form: strerror is not safe in threaded programs. */
	if (strerror_r(errnum, reason, sizeof(reason)) != 0)
		snprintf(reason, sizeof(reason), "error %d", errnum);
	used = strlen(text);
	snprintf(text + used, sizeof(text) - used, ": %s", reason);
	fill(err, kind, "errno", text);
	return -1;
}

void
err_clear(struct err *err)
{
	if (err != NULL)
		memset(err, 0, sizeof(*err));
}

const char *
err_kind_name(enum err_kind kind)
{
	size_t i;

	for (i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return "bug";
}

enum err_kind
err_kind_parse(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < N_KINDS; i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	return ERR_PROTOCOL;
}

int
err_exit_code(enum err_kind kind)
{
	size_t i;

	for (i = 0; i < N_KINDS; i++)
		if (kinds[i].kind == kind)
			return kinds[i].exit_code;
	return EX_SOFTWARE;
}
