/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_value - names, addresses, paths, dates. See conf_value.h; what has to
 * do with the network is in conf_value_net.c.
 */
#include "conf_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "preset.h"

#define ADDRESS_MAX 254 /* RFC 5321 4.5.3.1.3 less the angle brackets */
#define LOCAL_PART_MAX 64
#define DOMAIN_MAX 253
#define LABEL_MAX 63
/* Characters of an unquoted local part (RFC 5322 atext) and the dot. */
#define ATEXT_EXTRA "!#$%&'*+-/=?^_`{|}~."

int
conf_value_refuse(struct conf_value *value, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(value->problem, sizeof(value->problem), fmt, ap);
	va_end(ap);
	return -1;
}

/* <ctype.h> depends on the locale. */
static int
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

static int
is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') ||
	       (c >= 'a' && c <= 'f');
}

static int
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

int
conf_value_any(struct conf_value *value)
{
	if (value->text[0] == '\0')
		return conf_value_refuse(
		    value, "is empty; write a value or leave the option out");
	return 0;
}

int
conf_value_word(struct conf_value *value)
{
	if (conf_value_any(value) == -1)
		return -1;
	if (strpbrk(value->text, " \t") != NULL)
		return conf_value_refuse(
		    value, "has a blank in it; write it without");
	return 0;
}

int
conf_value_name(struct conf_value *value)
{
	const char *p;

	if (conf_value_any(value) == -1)
		return -1;
	for (p = value->text; *p != '\0'; p++)
		if (!is_alnum((unsigned char)*p) &&
		    strchr("._-@$+\\", *p) == NULL)
			return conf_value_refuse(value,
			    "is not the name of a user or group of this host");
	return 0;
}

int
conf_value_command(struct conf_value *value)
{
	/* Arguments may hold anything, also nothing. */
	(void)value;
	return 0;
}

int
conf_value_path(struct conf_value *value)
{
	if (conf_value_any(value) == -1)
		return -1;
	if (value->text[0] == '~')
		return conf_value_refuse(value,
		    "begins with ~, which is not expanded; write the whole "
		    "path");
	return 0;
}

/*
 * Secrets that Entra ID makes have "Q~" behind their first four characters and
 * are 40 long. People paste them where the file's name belongs.
 */
int
conf_value_secret_path(struct conf_value *value)
{
	const char *text = value->text;

	if (conf_value_path(value) == -1)
		return -1;
	if (strlen(text) >= 34 && strchr(text, '/') == NULL &&
	    strncmp(text + 4, "Q~", 2) == 0) {
		value->hide = 1;
		return conf_value_refuse(value,
		    "looks like the secret itself; put it into a file that "
		    "only the user postoak can read, write the file's name "
		    "here, and make a new secret: this one has been seen");
	}
	return 0;
}

int
conf_value_socket(struct conf_value *value)
{
	const struct sockaddr_un *address = NULL;
	size_t max = sizeof(address->sun_path) - 1;
	size_t len = strlen(value->text);

	if (conf_value_path(value) == -1)
		return -1;
	if (value->text[0] != '/')
		len += strlen(value->dir) + 1;
	if (len > max)
		return conf_value_refuse(value,
		    "is too long for a socket: %zu bytes as a whole path, %zu "
		    "are possible",
		    len, max);
	return 0;
}

static int
is_domain(const char *text)
{
	size_t label = 0;
	const char *p;

	if (strlen(text) > DOMAIN_MAX)
		return 0;
	for (p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '.') {
			if (label == 0 || p[-1] == '-')
				return 0;
			label = 0;
			continue;
		}
		/* UTF-8: a domain of RFC 6531 */
		if (!is_alnum(c) && c != '_' && c < 0x80 &&
		    !(c == '-' && label > 0))
			return 0;
		if (++label > LABEL_MAX)
			return 0;
	}
	return label > 0 && p[-1] != '-';
}

static int
is_local_part(const char *text, size_t len)
{
	size_t i;

	if (len == 0 || len > LOCAL_PART_MAX || text[0] == '.' ||
	    text[len - 1] == '.')
		return 0;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (!is_alnum(c) && c < 0x80 && strchr(ATEXT_EXTRA, c) == NULL)
			return 0;
		if (c == '.' && text[i + 1] == '.')
			return 0;
	}
	return 1;
}

static int
is_address(const char *text)
{
	const char *at = strrchr(text, '@');

	return at != NULL && strlen(text) <= ADDRESS_MAX &&
	       is_local_part(text, (size_t)(at - text)) && is_domain(at + 1);
}

int
conf_value_address(struct conf_value *value)
{
	if (!is_address(value->text))
		return conf_value_refuse(value,
		    "is not an address; write name@domain and nothing else");
	return 0;
}

int
conf_value_sender(struct conf_value *value)
{
	if (value->text[0] == '@' && is_domain(value->text + 1))
		return 0;
	if (strncmp(value->text, "*@", 2) == 0)
		return conf_value_refuse(value,
		    "has a wildcard; write @domain for each address of it");
	if (!is_address(value->text))
		return conf_value_refuse(value,
		    "is neither an address nor a domain; write name@domain, "
		    "or @domain for each address of it");
	return 0;
}

int
conf_value_domain(struct conf_value *value)
{
	if (value->text[0] == '@' && is_domain(value->text + 1))
		return conf_value_refuse(value,
		    "begins with @; write the domain alone, \"%s\"",
		    value->text + 1);
	if (!is_domain(value->text))
		return conf_value_refuse(
		    value, "is not a domain; write it like \"example.com\"");
	return 0;
}

int
conf_value_reply_to(struct conf_value *value)
{
	if (strcmp(value->text, "original") == 0 ||
	    strcmp(value->text, "none") == 0 || is_address(value->text))
		return 0;
	return conf_value_refuse(
	    value, "is not possible; use original, none or an address");
}

int
conf_value_from_name(struct conf_value *value)
{
	const char *p;

	if (conf_value_any(value) == -1)
		return -1;
	for (p = value->text; (p = strchr(p, '%')) != NULL; p += 2)
		if (p[1] != 'n' && p[1] != '%')
			return conf_value_refuse(value,
			    "has a %% that stands for nothing; use %%n for the "
			    "sender's own name and %%%% for one %%");
	return 0;
}

int
conf_value_is_guid(const char *text)
{
	size_t i;

	if (strlen(text) != 36)
		return 0;
	for (i = 0; i < 36; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (text[i] != '-')
				return 0;
		} else if (!is_hex((unsigned char)text[i])) {
			return 0;
		}
	}
	return 1;
}

int
conf_value_tenant(struct conf_value *value)
{
	static const char *const words[] = {
	    "common", "organizations", "consumers"};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(value->text, words[i]) == 0)
			return 0;
	if (conf_value_is_guid(value->text) ||
	    (strchr(value->text, '.') != NULL && is_domain(value->text)))
		return 0;
	return conf_value_refuse(value,
	    "is not a tenant; copy \"Directory (tenant) ID\" from the "
	    "application's overview page, or write a verified domain");
}

static int
days_of_month(int year, int month)
{
	static const int days[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

int
conf_value_date(struct conf_value *value)
{
	const char *text = value->text;
	int year, month, day;
	size_t i;

	for (i = 0; i < 10; i++)
		if (i == 4 || i == 7 ? text[i] != '-'
				     : !is_digit((unsigned char)text[i]))
			break;
	if (i < 10 || text[10] != '\0')
		return conf_value_refuse(
		    value, "is not a date; write it as YYYY-MM-DD");
	year = (text[0] - '0') * 1000 + (text[1] - '0') * 100 +
	       (text[2] - '0') * 10 + (text[3] - '0');
	month = (text[5] - '0') * 10 + (text[6] - '0');
	day = (text[8] - '0') * 10 + (text[9] - '0');
	if (month < 1 || month > 12 || day < 1 ||
	    day > days_of_month(year, month))
		return conf_value_refuse(
		    value, "is no day of the calendar; write it as YYYY-MM-DD");
	return 0;
}

int
conf_value_provider(struct conf_value *value)
{
	const struct preset *presets;
	unsigned int count, i;
	size_t used;

	if (preset_find(value->text) != NULL)
		return 0;
	conf_value_refuse(value, "is not a provider; use");
	presets = preset_all(&count);
	for (i = 0; i < count; i++) {
		used = strlen(value->problem);
		snprintf(value->problem + used, sizeof(value->problem) - used,
		    "%s %s",
		    i == 0	    ? ""
		    : i + 1 < count ? ","
				    : " or",
		    presets[i].name);
	}
	return -1;
}

int
conf_value_algorithm(struct conf_value *value)
{
	if (strcmp(value->text, "PS256") == 0 ||
	    strcmp(value->text, "RS256") == 0)
		return 0;
	return conf_value_refuse(value, "is not possible; use PS256 or RS256");
}
