/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sendmail_cf - what sendmail.cf says. See sendmail_cf.h.
 */
#include "sendmail_cf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define LINE_BYTES 4096

static void
set(char **value, const char *text)
{
	free(*value);
	*value = mem_strdup(text);
}

/* "S=" of "Xname, S=local:/x, F=T, T=S:1s": behind it, up to the comma. */
static char *
take_equate(const char *line, char letter)
{
	const char *p = line;

	while ((p = strchr(p, ',')) != NULL) {
		p += 1 + strspn(p + 1, " \t");
		if (p[0] == letter && p[1] == '=')
			return mem_strndup(p + 2, strcspn(p + 2, ","));
	}
	return NULL;
}

static void
take_filter(struct sendmail_cf *cf, const char *line)
{
	struct sendmail_filter *filter;
	char *action = take_equate(line, 'F');

	cf->all = mem_grow(cf->all, cf->filter_count + 1, sizeof(*cf->all));
	filter = &cf->all[cf->filter_count++];
	filter->name = mem_strndup(line, strcspn(line, ", \t"));
	filter->socket = take_equate(line, 'S');
	filter->action = (char)(action != NULL ? action[0] : '\0');
	free(action);
}

/* "Kauthinfo hash -o /etc/mail/authinfo": the last word. */
static void
take_authinfo(struct sendmail_cf *cf, const char *line)
{
	const char *last = strrchr(line, ' ');

	if (strncmp(line, "authinfo ", 9) == 0 && last != NULL)
		set(&cf->authinfo, last + 1);
}

static void
take_option(struct sendmail_cf *cf, const char *line)
{
	static const char mechanisms[] = "AuthMechanisms=";
	static const char filters[] = "InputMailFilters=";

	line += strspn(line, " ");
	if (strncmp(line, mechanisms, sizeof(mechanisms) - 1) == 0)
		set(&cf->mechanisms, line + sizeof(mechanisms) - 1);
	else if (strncmp(line, filters, sizeof(filters) - 1) == 0)
		set(&cf->filters, line + sizeof(filters) - 1);
}

static void
take_line(struct sendmail_cf *cf, char *line)
{
	line[strcspn(line, "\r\n")] = '\0';
	if (strncmp(line, "DZ", 2) == 0) {
		set(&cf->version, line + 2);
		cf->version[strspn(cf->version, "0123456789.")] = '\0';
	} else if (strncmp(line, "DS", 2) == 0) {
		set(&cf->smart_host, line + 2);
	} else if (line[0] == 'O') {
		take_option(cf, line + 1);
	} else if (line[0] == 'K') {
		take_authinfo(cf, line + 1);
	} else if (line[0] == 'X') {
		take_filter(cf, line + 1);
	}
}

int
sendmail_cf_read(struct sendmail_cf *cf, const char *path, struct err *err)
{
	char line[LINE_BYTES];
	FILE *f;

	memset(cf, 0, sizeof(*cf));
	set(&cf->smart_host, "");
	f = fopen(path, "re");
	if (f == NULL)
		return err_errno(
		    err, ERR_CONFIG, errno, "%s cannot be read", path);
	while (fgets(line, sizeof(line), f) != NULL)
		take_line(cf, line);
	fclose(f);
	return 0;
}

void
sendmail_cf_clear(struct sendmail_cf *cf)
{
	size_t i;

	for (i = 0; i < cf->filter_count; i++) {
		free(cf->all[i].name);
		free(cf->all[i].socket);
	}
	free(cf->all);
	free(cf->version);
	free(cf->smart_host);
	free(cf->mechanisms);
	free(cf->authinfo);
	free(cf->filters);
	memset(cf, 0, sizeof(*cf));
}

const struct sendmail_filter *
sendmail_cf_filter(const struct sendmail_cf *cf, const char *name)
{
	size_t i;

	for (i = 0; i < cf->filter_count; i++)
		if (strcmp(cf->all[i].name, name) == 0)
			return &cf->all[i];
	return NULL;
}

int
sendmail_cf_cuts(const struct sendmail_cf *cf)
{
	int major = 0, minor = 0, patch = 0;

	if (cf->version == NULL ||
	    sscanf(cf->version, "%d.%d.%d", &major, &minor, &patch) < 2)
		return 0;
	return major * 10000 + minor * 100 + patch < 81802;
}
