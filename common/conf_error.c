/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_error - see conf_error.h.
 */
#include "conf_error.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "utf8.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define SHOWN_MAX 100 /* bytes of a value that are repeated */

int
conf_error_at(struct err *err, const char *file, int line, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(
	    err, ERR_CONFIG, "configuration", "%s:%d: %s", file, line, text);
}

/* How many bytes of text to show: whole characters, not too many. */
static int
shown_length(const char *text)
{
	size_t used = 0;
	size_t len;

	while (text[used] != '\0') {
		len = utf8_length(text + used);
		if (len == 0 || used + len > SHOWN_MAX)
			break;
		used += len;
	}
	return (int)used;
}

int
conf_error_value(struct err *err, const char *file, int line,
    const struct conf_section *section, const char *title, const char *option,
    const struct conf_value *value)
{
	char where[160] = "";
	int shown = shown_length(value->text);
	const char *dots = value->text[shown] != '\0' ? "..." : "";

	if (title != NULL)
		snprintf(where, sizeof(where), "%s \"%.*s\": ", section->name,
		    shown_length(title), title);
	else if (section->name[0] != '\0')
		snprintf(where, sizeof(where), "%s: ", section->name);
	if (value->hide)
		return conf_error_at(err, file, line,
		    "%s%s = \"(not shown)\" %s", where, option, value->problem);
	return conf_error_at(err, file, line, "%s%s = \"%.*s%s\" %s", where,
	    option, shown, value->text, dots, value->problem);
}

/* --- unknown options ----------------------------------------------------- */

/* A secret in the configuration would be read by everyone on the host. */
static const char *
secret_remedy(const char *name)
{
	static const struct {
		const char *name;
		const char *remedy;
	} secrets[] = {
	    {"client_secret", "client_secret_file = \"secrets/NAME\""},
	    {"secret", "client_secret_file = \"secrets/NAME\""},
	    {"password", "password_file = \"secrets/NAME\""},
	    {"passwd", "password_file = \"secrets/NAME\""},
	    {"pass", "password_file = \"secrets/NAME\""},
	    {"seal_key", "seal_key_file = \"secrets/NAME\""},
	};
	size_t i;

	for (i = 0; i < N_OF(secrets); i++)
		if (strcasecmp(name, secrets[i].name) == 0)
			return secrets[i].remedy;
	return NULL;
}

/* The section that has an option of this name, NULL if none has. */
static const struct conf_section *
home_of(const char *name)
{
	int id;

	for (id = CONF_SECTION_TOP; id < CONF_SECTION_COUNT; id++) {
		const struct conf_section *section =
		    conf_table_section((enum conf_section_id)id);

		if (conf_table_index(section, name) != -1)
			return section;
	}
	return NULL;
}

static void
unknown_at_top(char *out, size_t size, const char *name)
{
	const struct conf_section *home = home_of(name);

	if (home != NULL)
		snprintf(out, size,
		    "option %s stands outside of all sections; put it into %s "
		    "%s{ ... }",
		    name, home->name, home->has_title ? "\"name\" " : "");
	else
		snprintf(out, size,
		    "there is no section or option \"%.*s\"; use tokend, "
		    "milter, application, account, include or "
		    "accounts_directory",
		    shown_length(name), name);
}

static void
unknown_option(char *out, size_t size, const struct conf_section *section,
    const char *name)
{
	const char *remedy = secret_remedy(name);
	const char *nearest = conf_table_nearest(section, name);
	const struct conf_section *home = home_of(name);

	if (remedy != NULL)
		snprintf(out, size,
		    "%s: a secret has no place in the configuration; put it "
		    "into a file that only the user postoak can read and "
		    "write %s",
		    name, remedy);
	else if (strcmp(name, "include") == 0)
		snprintf(out, size,
		    "include stands inside of section %s; put it outside of "
		    "all sections",
		    section->name);
	else if (section->name[0] == '\0')
		unknown_at_top(out, size, name);
	else if (nearest != NULL)
		snprintf(out, size,
		    "section %s has no option \"%.*s\"; did you mean %s?",
		    section->name, shown_length(name), name, nearest);
	else if (home != NULL)
		snprintf(out, size,
		    "section %s has no option %s; it belongs %s%s",
		    section->name, name,
		    home->name[0] != '\0' ? "into section "
					  : "outside of all sections",
		    home->name);
	else
		snprintf(out, size,
		    "section %s has no option \"%.*s\"; postoak.conf(5) lists "
		    "those it has",
		    section->name, shown_length(name), name);
}

/* --- libconfuse's own ---------------------------------------------------- */

/* Each "@" of a sentence is the name libconfuse gave. */
static void
expand(char *out, size_t size, const char *sentence, const char *name)
{
	size_t used = 0;

	for (; *sentence != '\0' && used + SHOWN_MAX + 1 < size; sentence++) {
		if (*sentence == '@')
			used += (size_t)snprintf(out + used, size - used,
			    "%.*s", shown_length(name), name);
		else
			out[used++] = *sentence;
	}
	out[used] = '\0';
}

void
conf_error_plain(char *out, size_t size, const struct conf_section *section,
    const char *fmt, va_list ap)
{
	/* By the beginning of the format in libconfuse 3.x. */
	static const struct {
		const char *begins;
		const char *plain;
	} texts[] = {
	    {"missing equal sign",
		"option @ is not followed by \"=\"; write @ = "
		"\"value\""},
	    {"missing title",
		"section @ has no name; write @ \"name\" { ... }"},
	    {"missing opening brace",
		"section @ has no { where it should begin; write { behind "
		"its name (quotes around a name that has blanks)"},
	    {"unexpected token",
		"\"@\" does not belong here; look for a missing quote, "
		"comma, brace or value before it"},
	    {"unexpected closing brace",
		"one } too many; delete it, or look for a missing {"},
	    {"premature end",
		"the file ends in the middle of an option; write its value"},
	};
	const char *name = "";
	va_list copy;
	size_t i;

	va_copy(copy, ap);
	if (strstr(fmt, "%s") != NULL)
		name = va_arg(copy, const char *);
	va_end(copy);
	if (strncmp(fmt, "no such option", 14) == 0) {
		unknown_option(out, size, section, name);
		return;
	}
	for (i = 0; i < N_OF(texts); i++)
		if (strncmp(fmt, texts[i].begins, strlen(texts[i].begins)) == 0)
			break;
	if (i < N_OF(texts))
		expand(out, size, texts[i].plain, name);
	else
		vsnprintf(out, size, fmt, ap);
}
