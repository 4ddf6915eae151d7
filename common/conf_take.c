/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_take - from texts to values. See conf_take.h.
 */
#include "conf_take.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

#define WINDOW_MAX_S (31 * 86400)
#define DURATION_MAX_S (24 * 3600)
#define COUNT_MAX 1000000000000 /* nobody sends more; sums cannot overflow */

struct word {
	const char *name;
	int value;
};

/* --- texts --------------------------------------------------------------- */

int
conf_take_string(struct conf_value *value, void *field)
{
	*(char **)field = mem_strdup(value->text);
	return 0;
}

/* Hosts and domains are compared often: once in lower case. */
static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text | 0x20);
}

int
conf_take_lower(struct conf_value *value, void *field)
{
	conf_take_string(value, field);
	lower(*(char **)field);
	return 0;
}

char *
conf_take_absolute(const char *dir, const char *path)
{
	if (path[0] == '/')
		return mem_strdup(path);
	return mem_printf("%s/%s", strcmp(dir, "/") == 0 ? "" : dir, path);
}

int
conf_take_path(struct conf_value *value, void *field)
{
	*(char **)field = conf_take_absolute(value->dir, value->text);
	return 0;
}

static char **
new_item(struct conf_list *list)
{
	/* Grow at each power of two: lists may be long. */
	if ((list->count & (list->count - 1)) == 0)
		list->items =
		    mem_grow(list->items, list->count > 0 ? list->count * 2 : 1,
			sizeof(*list->items));
	return &list->items[list->count++];
}

int
conf_take_item(struct conf_value *value, void *field)
{
	return conf_take_string(value, new_item(field));
}

int
conf_take_lower_item(struct conf_value *value, void *field)
{
	return conf_take_lower(value, new_item(field));
}

int
conf_take_path_item(struct conf_value *value, void *field)
{
	return conf_take_path(value, new_item(field));
}

/* "scheme:path" with the path made absolute. */
static void
take_scheme_path(struct conf_value *value, size_t scheme_len, char **field)
{
	char *path = conf_take_absolute(value->dir, value->text + scheme_len);

	*field = mem_printf("%.*s%s", (int)scheme_len, value->text, path);
	free(path);
}

int
conf_take_milter_listen(struct conf_value *value, void *field)
{
	if (strncmp(value->text, "unix:", 5) != 0)
		return conf_take_string(value, field);
	take_scheme_path(value, 5, field);
	return 0;
}

int
conf_take_counters(struct conf_value *value, void *field)
{
	if (strncmp(value->text, "lmdb:", 5) != 0)
		return conf_take_string(value, field);
	take_scheme_path(value, 5, field);
	return 0;
}

/* --- words --------------------------------------------------------------- */

static int
find_word(const struct word *words, size_t count, const char *text, size_t len,
    int *value)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (strncmp(words[i].name, text, len) == 0 &&
		    words[i].name[len] == '\0') {
			*value = words[i].value;
			return 0;
		}
	return -1;
}

static const struct word grants[] = {
    {"password", CONF_GRANT_PASSWORD},
    {"refresh_token", CONF_GRANT_REFRESH_TOKEN},
    {"client_credentials", CONF_GRANT_CLIENT_CREDENTIALS},
    {"authorization_code", CONF_GRANT_AUTHORIZATION_CODE},
    {"device_code", CONF_GRANT_DEVICE_CODE},
    {"jwt_bearer", CONF_GRANT_JWT_BEARER},
};

const char *
conf_take_grant_word(enum conf_grant grant)
{
	size_t i;

	for (i = 0; i < N_OF(grants); i++)
		if (grants[i].value == (int)grant)
			return grants[i].name;
	return NULL;
}

int
conf_take_grant(struct conf_value *value, void *field)
{
	int number;

	if (find_word(grants, N_OF(grants), value->text, strlen(value->text),
		&number) == -1)
		return conf_value_refuse(value,
		    "is not a grant; use password, refresh_token, "
		    "client_credentials, authorization_code or device_code");
	*(enum conf_grant *)field = (enum conf_grant)number;
	return 0;
}

int
conf_take_on_sender(struct conf_value *value, void *field)
{
	static const struct word words[] = {
	    {"rewrite", CONF_SENDER_REWRITE},
	    {"reject", CONF_SENDER_REJECT},
	    {"pass", CONF_SENDER_PASS},
	};
	int number;

	if (find_word(words, N_OF(words), value->text, strlen(value->text),
		&number) == -1)
		return conf_value_refuse(
		    value, "is not possible; use rewrite, reject or pass");
	*(enum conf_on_sender *)field = (enum conf_on_sender)number;
	return 0;
}

int
conf_take_on_bounce(struct conf_value *value, void *field)
{
	static const struct word words[] = {
	    {"rewrite", CONF_BOUNCE_REWRITE},
	    {"reject", CONF_BOUNCE_REJECT},
	    {"discard", CONF_BOUNCE_DISCARD},
	};
	int number;

	if (find_word(words, N_OF(words), value->text, strlen(value->text),
		&number) == -1)
		return conf_value_refuse(
		    value, "is not possible; use rewrite, reject or discard");
	*(enum conf_on_bounce *)field = (enum conf_on_bounce)number;
	return 0;
}

int
conf_take_on_limit(struct conf_value *value, void *account)
{
	static const struct word words[] = {
	    {"hold", CONF_LIMIT_HOLD},
	    {"tempfail", CONF_LIMIT_TEMPFAIL},
	    {"reject", CONF_LIMIT_REJECT},
	    {"observe", CONF_LIMIT_OBSERVE},
	};
	struct conf_account *to = account;
	int number;

	if (find_word(words, N_OF(words), value->text, strlen(value->text),
		&number) == -1)
		return conf_value_refuse(value,
		    "is not possible; use hold, tempfail, reject or observe");
	/* Only hold can be impossible; the others end the search. */
	if (to->on_limit_count > 0 &&
	    to->on_limit[to->on_limit_count - 1] != CONF_LIMIT_HOLD)
		return conf_value_refuse(value,
		    "would never be reached; only hold can have another "
		    "action behind it");
	if (to->on_limit_count > 0 && number == CONF_LIMIT_HOLD)
		return conf_value_refuse(value, "stands twice; delete one");
	to->on_limit[to->on_limit_count++] = (enum conf_on_limit)number;
	return 0;
}

/* --- numbers ------------------------------------------------------------- */

/* Digits at *text, moved behind them. -1 if there are none or too many. */
static int
read_number(const char **text, long long *number)
{
	const char *p = *text;

	for (*number = 0; *p >= '0' && *p <= '9'; p++) {
		*number = *number * 10 + (*p - '0');
		if (*number > COUNT_MAX)
			return -1;
	}
	if (p == *text)
		return -1;
	*text = p;
	return 0;
}

int
conf_take_count(struct conf_value *value, void *field)
{
	const char *p = value->text;
	long long number;

	if (read_number(&p, &number) == -1 || *p != '\0' || number < 1 ||
	    number > INT_MAX)
		return conf_value_refuse(value,
		    "is not a number of 1 or more; leave the option out for "
		    "no bound of your own");
	*(long long *)field = number;
	return 0;
}

int
conf_take_percent(struct conf_value *value, void *field)
{
	const char *p = value->text;
	long long number;

	if (read_number(&p, &number) == -1 || strcmp(p, "%") != 0 ||
	    number < 1 || number > 100)
		return conf_value_refuse(value,
		    "is not a share; write a percentage from \"1%%\" to "
		    "\"100%%\"");
	*(int *)field = (int)number;
	return 0;
}

/* A number with K, M or G behind it (powers of 1024). */
static int
read_size(const char **text, long long *bytes)
{
	static const char units[] = "KMG";
	const char *unit;

	if (read_number(text, bytes) == -1)
		return -1;
	unit = strchr(units, **text >= 'a' ? **text & ~0x20 : **text);
	if (unit != NULL && *unit != '\0') {
		if (*bytes > COUNT_MAX >> 10 * (unit - units + 1))
			return -1;
		*bytes <<= 10 * (unit - units + 1);
		++*text;
	}
	return *bytes > 0 ? 0 : -1;
}

int
conf_take_size(struct conf_value *value, void *field)
{
	const char *p = value->text;

	if (read_size(&p, field) == -1 || *p != '\0')
		return conf_value_refuse(
		    value, "is not a size; write it like \"35M\" (K, M or G)");
	return 0;
}

/* A number with s, m, h or d behind it. */
static int
read_duration(const char **text, long long max_s, long long *seconds)
{
	static const struct {
		char unit;
		int seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t i;

	if (read_number(text, seconds) == -1 || *seconds > max_s)
		return -1;
	for (i = 0; i < N_OF(units); i++)
		if (**text == units[i].unit) {
			++*text;
			*seconds *= units[i].seconds;
			return *seconds >= 1 && *seconds <= max_s ? 0 : -1;
		}
	return -1;
}

int
conf_take_duration(struct conf_value *value, void *field)
{
	const char *p = value->text;

	if (read_duration(&p, DURATION_MAX_S, field) == -1 || *p != '\0')
		return conf_value_refuse(value,
		    "is not a time of up to a day; write it like \"15m\" "
		    "(s, m, h or d)");
	return 0;
}

/* --- "[scope] COUNT UNIT / WINDOW" --------------------------------------- */

static void
skip_blanks(const char **p)
{
	*p += strspn(*p, " \t");
}

/* The word at *p if it is one of words; moved behind it and its blanks. */
static int
read_word(const char **p, const struct word *words, size_t count, int *value)
{
	size_t len = strspn(*p, "abcdefghijklmnopqrstuvwxyz_");

	if (len == 0 || find_word(words, count, *p, len, value) == -1)
		return -1;
	*p += len;
	skip_blanks(p);
	return 0;
}

static int
read_limit(const char *p, struct conf_limit *limit)
{
	static const struct word scopes[] = {
	    {"account", CONF_SCOPE_ACCOUNT},
	    {"login", CONF_SCOPE_LOGIN},
	    {"client", CONF_SCOPE_CLIENT},
	    {"sender", CONF_SCOPE_SENDER},
	    {"application", CONF_SCOPE_APPLICATION},
	    {"tenant", CONF_SCOPE_TENANT},
	};
	static const struct word units[] = {
	    {"message", CONF_UNIT_MESSAGES},
	    {"messages", CONF_UNIT_MESSAGES},
	    {"recipient", CONF_UNIT_RECIPIENTS},
	    {"recipients", CONF_UNIT_RECIPIENTS},
	    {"external_recipient", CONF_UNIT_EXTERNAL_RECIPIENTS},
	    {"external_recipients", CONF_UNIT_EXTERNAL_RECIPIENTS},
	    {"bytes", CONF_UNIT_BYTES},
	};
	int scope = CONF_SCOPE_ACCOUNT;
	int unit;
	int counted;

	skip_blanks(&p);
	if ((*p < '0' || *p > '9') &&
	    read_word(&p, scopes, N_OF(scopes), &scope) == -1)
		return -1;
	if (read_size(&p, &limit->max) == -1)
		return -1;
	counted = p[-1] >= '0' && p[-1] <= '9';
	skip_blanks(&p);
	if (read_word(&p, units, N_OF(units), &unit) == -1 || *p++ != '/')
		return -1;
	/* "10k messages" would be 10240. */
	if (unit != CONF_UNIT_BYTES && !counted)
		return -1;
	skip_blanks(&p);
	if (read_duration(&p, WINDOW_MAX_S, &limit->window_s) == -1)
		return -1;
	skip_blanks(&p);
	limit->scope = (enum conf_scope)scope;
	limit->unit = (enum conf_unit)unit;
	return *p == '\0' ? 0 : -1;
}

int
conf_take_limit(struct conf_value *value, void *account)
{
	struct conf_account *to = account;
	struct conf_limit limit = {0};
	size_t i;

	if (read_limit(value->text, &limit) == -1)
		return conf_value_refuse(value,
		    "is not a limit; write [SCOPE] COUNT UNIT / WINDOW, like "
		    "\"30 messages / 1m\" or \"tenant 12000 "
		    "external_recipients / 24h\"");
	for (i = 0; i < to->limit_count; i++)
		if (to->limits[i].scope == limit.scope &&
		    to->limits[i].unit == limit.unit &&
		    to->limits[i].window_s == limit.window_s)
			return conf_value_refuse(value,
			    "limits the same as \"%.80s\"; delete one",
			    to->limits[i].text);
	limit.text = mem_strdup(value->text);
	to->limits =
	    mem_grow(to->limits, to->limit_count + 1, sizeof(*to->limits));
	to->limits[to->limit_count++] = limit;
	return 0;
}
