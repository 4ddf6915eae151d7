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
 * Texts travel in one-line protocols, logs and terminals: no control
 * character may be in them, whatever a provider sent.
 */
static void
make_printable(char *text)
{
	unsigned char *p;

	for (p = (unsigned char *)text; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

static void
set_head(struct err *err, enum err_kind kind, const char *code)
{
	err->kind = kind;
	err->retry_ms = 0;
	snprintf(err->code, sizeof(err->code), "%s", code);
}

int
err_set(
    struct err *err, enum err_kind kind, const char *code, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return -1;
	set_head(err, kind, code);
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	make_printable(err->text);
	return -1;
}

int
err_errno(struct err *err, enum err_kind kind, int errnum, const char *fmt, ...)
{
	char reason[128];
	va_list ap;
	size_t used;

	if (err == NULL)
		return -1;
	set_head(err, kind, "errno");
	va_start(ap, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	/* XSI form: strerror is not safe in threaded programs. */
	if (strerror_r(errnum, reason, sizeof(reason)) != 0)
		snprintf(reason, sizeof(reason), "error %d", errnum);
	used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", reason);
	make_printable(err->text);
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
