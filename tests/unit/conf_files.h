/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_TEST_CONF_FILES_H
#define POSTOAK_TEST_CONF_FILES_H

#include <stddef.h>

#include "conf.h"

/*
 * conf_files - configurations in a temporary directory, for the tests of conf.
 */

/* Two lines of an application, then an account that begins in line 3. */
#define APP                                                                    \
	"application \"c\" { provider = \"office365\" "                        \
	"tenant_id = \"11111111-2222-3333-4444-555555555555\"\n"               \
	"client_id = \"66666666-7777-8888-9999-000000000000\" "                \
	"client_secret_file = \"secrets/c\" }\n"
#define ACCOUNT(options)                                                       \
	APP "account \"a@x.org\" { grant = \"refresh_token\"\n" options "\n}"  \
	    "\n"

/* An application whose options begin in line 4. */
#define APPLICATION(options)                                                   \
	"application \"c\" { provider = \"office365\"\n"                       \
	"tenant_id = \"11111111-2222-3333-4444-555555555555\"\n"               \
	"client_id = \"66666666-7777-8888-9999-000000000000\"\n" options       \
	"\n}\n"

/* Set-up and tear-down of a group of tests. */
int conf_files_open(void **state);
int conf_files_close(void **state);

/* The path of name in the directory ("" for itself). One of a few static
 * places. */
const char *conf_files_path(const char *name);

void conf_files_write(const char *name, const char *data, size_t len);

/* Write text as the main file and load it; fails the test if that fails. */
struct conf *conf_files_load(const char *text);

/* A main file that must be refused with "FILE:LINE: " and error. */
struct mistake {
	const char *text;
	int line;
	const char *error;
};

void conf_files_refused(const char *text, size_t len, const char *file,
    int line, const char *error);
void conf_files_all_refused(const struct mistake *mistakes, size_t count);

#define ALL_REFUSED(mistakes)                                                  \
	conf_files_all_refused(                                                \
	    mistakes, sizeof(mistakes) / sizeof((mistakes)[0]))

#endif
