/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postfix_table - Postfix's lookup tables and lists. See postfix_table.h.
 */
#include "postfix_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "command.h"
#include "mem.h"

static const char sbin_postmap[] = "/usr/sbin/postmap";
static const char separators[] = ", \t\r\n";

char *
postfix_table_item(const char **list)
{
	const char *start = *list + strspn(*list, separators), *p = start;
	int depth = 0;

	for (; *p != '\0'; p++) {
		if (depth == 0 && strchr(separators, *p) != NULL)
			break;
		depth += *p == '{';
		depth -= *p == '}' && depth > 0;
	}
	*list = p;
	return p > start ? mem_strndup(start, (size_t)(p - start)) : NULL;
}

int
postfix_table_has(const char *list, const char *item)
{
	int found = 0;
	char *each;

	while (!found && (each = postfix_table_item(&list)) != NULL) {
		found = strcasecmp(each, item) == 0;
		free(each);
	}
	return found;
}

static void
take_line(void *arg, const char *line, size_t len)
{
	char **value = arg;

	if (*value == NULL)
		*value = mem_strndup(line, len);
}

static int
ask_one(const char *directory, const char *table, const char *key, char **value,
    struct err *err)
{
	const char *argv[] = {"postmap", "-q", key, table, NULL, NULL, NULL};
	struct err own;

	/* The proxy is for programs in a jail. */
	if (strncmp(table, "proxy:", 6) == 0)
		argv[3] = table + 6;
	if (directory != NULL) {
		argv[5] = argv[3];
		argv[4] = key;
		argv[3] = "-q";
		argv[2] = directory;
		argv[1] = "-c";
	}
	if (access(sbin_postmap, X_OK) == 0)
		argv[0] = sbin_postmap;
	err_clear(&own);
	if (command_ask(argv, take_line, value, &own) == 0)
		return *value != NULL;
	/* It ends with 1 for a key that is not there, without a word. */
	if (own.kind != ERR_CONFIG && strstr(own.text, "fatal:") == NULL &&
	    strstr(own.text, "error:") == NULL)
		return 0;
	if (err != NULL)
		*err = own;
	return -1;
}

int
postfix_table_ask(const char *directory, const char *tables, const char *key,
    char **value, struct err *err)
{
	char *table;
	int rc = 0;

	*value = NULL;
	while (rc == 0 && (table = postfix_table_item(&tables)) != NULL) {
		rc = ask_one(directory, table, key, value, err);
		free(table);
	}
	return rc;
}

int
postfix_table_ask_address(const char *directory, const char *tables,
    const char *address, char **value, struct err *err)
{
	char *key = mem_strdup(address), *p;
	int rc;

	for (p = key; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	rc = postfix_table_ask(directory, tables, key, value, err);
	p = strchr(key, '@');
	if (rc == 0 && p != NULL)
		rc = postfix_table_ask(directory, tables, p, value, err);
	free(key);
	return rc;
}
