/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_files - see conf_files.h.
 */
#include "conf_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char dir[] = "/tmp/postoak-conf-XXXXXX";

int
conf_files_open(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

int
conf_files_close(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

const char *
conf_files_path(const char *name)
{
	static char path[4][256];
	static int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s%s%s", dir,
	    name[0] != '\0' ? "/" : "", name);
	return path[next];
}

void
conf_files_write(const char *name, const char *data, size_t len)
{
	FILE *file = fopen(conf_files_path(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

struct conf *
conf_files_load(const char *text)
{
	struct err err = {0};
	struct conf *conf;

	conf_files_write("postoak.conf", text, strlen(text));
	conf = conf_load(conf_files_path("postoak.conf"), &err);
	if (conf == NULL)
		fail_msg("%s", err.text);
	return conf;
}

void
conf_files_refused(
    const char *text, size_t len, const char *file, int line, const char *error)
{
	char wanted[900];
	struct err err = {0};
	struct conf *conf;

	conf_files_write("postoak.conf", text, len);
	conf = conf_load(conf_files_path("postoak.conf"), &err);
	if (conf != NULL)
		fail_msg("accepted, wanted \"%s\": %s", error, text);
	snprintf(wanted, sizeof(wanted), "%s:%d: %s", conf_files_path(file),
	    line, error);
	assert_int_equal(err.kind, ERR_CONFIG);
	if (strncmp(err.text, wanted, strlen(wanted)) != 0)
		fail_msg("wanted: %s\n     got: %s", wanted, err.text);
}

void
conf_files_all_refused(const struct mistake *mistakes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		conf_files_refused(mistakes[i].text, strlen(mistakes[i].text),
		    "postoak.conf", mistakes[i].line, mistakes[i].error);
}
