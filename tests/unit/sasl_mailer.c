/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sasl_mailer - a mail program. See sasl_mailer.h.
 */
#define _GNU_SOURCE
#include "sasl_mailer.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char plugin_path[512];
static int fds_before;

struct tokend *tokend;
const char *mailer_build_dir;
char mailer_log_text[4096];
int mailer_log_level, mailer_log_lines;
int mailer_passwords_asked;
const char *mailer_option, *mailer_option_value;

/*
 * In place of the C library's: libsasl2 looks the host's own name up for each
 * connection, and where only the DNS could know it that takes seconds.
 */
int
gethostname(char *name, size_t len)
{
	snprintf(name, len, "localhost");
	return 0;
}

static int
get_path(void *context, const char **path)
{
	(void)context;
	*path = plugin_path;
	return SASL_OK;
}

static int
take_log(void *context, int level, const char *message)
{
	(void)context;
	mailer_log_lines++;
	mailer_log_level = level;
	snprintf(mailer_log_text, sizeof(mailer_log_text), "%s", message);
	return SASL_OK;
}

static int
get_option(void *context, const char *plugin, const char *option,
    const char **result, unsigned *len)
{
	(void)context;
	(void)plugin;
	if (mailer_option == NULL || strcmp(option, mailer_option) != 0)
		return SASL_FAIL;
	*result = mailer_option_value;
	if (len != NULL)
		*len = (unsigned)strlen(mailer_option_value);
	return SASL_OK;
}

int
mailer_get_simple(void *context, int id, const char **result, unsigned *len)
{
	const char *name = context;

	*result = id == SASL_CB_AUTHNAME ? name : "someone else";
	if (len != NULL)
		*len = (unsigned)strlen(*result);
	return SASL_OK;
}

static int
get_password(sasl_conn_t *conn, void *context, int id, sasl_secret_t **secret)
{
	static union {
		sasl_secret_t secret;
		char space[sizeof(sasl_secret_t) + 8];
	} password = {{1, {'x'}}};

	(void)conn;
	(void)context;
	(void)id;
	mailer_passwords_asked++;
	*secret = &password.secret;
	return SASL_OK;
}

static const sasl_callback_t global_callbacks[] = {
    {SASL_CB_GETPATH, (mailer_callback)(void (*)(void))get_path, NULL},
    {SASL_CB_LOG, (mailer_callback)(void (*)(void))take_log, NULL},
    {SASL_CB_GETOPT, (mailer_callback)(void (*)(void))get_option, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

const sasl_callback_t *
mailer_callbacks(const char *user)
{
	static _Thread_local sasl_callback_t callbacks[4];

	callbacks[0].id = SASL_CB_USER;
	callbacks[0].proc = (mailer_callback)(void (*)(void))mailer_get_simple;
	callbacks[1].id = SASL_CB_AUTHNAME;
	callbacks[1].proc = (mailer_callback)(void (*)(void))mailer_get_simple;
	callbacks[1].context = (void *)(uintptr_t)user;
	callbacks[2].id = SASL_CB_PASS;
	callbacks[2].proc = (mailer_callback)(void (*)(void))get_password;
	callbacks[3].id = SASL_CB_LIST_END;
	return callbacks;
}

int
mailer_start(struct mailer *mailer, const char *mechanisms, const char *user)
{
	memset(mailer, 0, sizeof(*mailer));
	assert_int_equal(sasl_client_new("smtp", MAILER_HOST, NULL, NULL,
			     mailer_callbacks(user), 0, &mailer->conn),
	    SASL_OK);
	return sasl_client_start(mailer->conn, mechanisms, NULL, &mailer->out,
	    &mailer->len, &mailer->mechanism);
}

int
mailer_step(struct mailer *mailer, const char *challenge)
{
	return sasl_client_step(mailer->conn, challenge,
	    (unsigned)strlen(challenge), NULL, &mailer->out, &mailer->len);
}

void
mailer_assert_out(const struct mailer *mailer, const char *expected, size_t len)
{
	assert_non_null(mailer->out);
	assert_int_equal(mailer->len, len);
	assert_memory_equal(mailer->out, expected, len);
}

void
mailer_find_plugins(int system_first)
{
	glob_t found;
	char *slash;

	if (glob("/usr/lib/*/sasl2/libplain.so*", 0, NULL, &found) != 0 &&
	    glob("/usr/lib*/sasl2/libplain.so*", 0, NULL, &found) != 0) {
		fprintf(stderr, "install libsasl2-modules\n");
		abort();
	}
	slash = strrchr(found.gl_pathv[0], '/');
	*slash = '\0';
	snprintf(plugin_path, sizeof(plugin_path), "%s:%s",
	    system_first ? found.gl_pathv[0] : mailer_build_dir,
	    system_first ? mailer_build_dir : found.gl_pathv[0]);
	globfree(&found);
}

int
mailer_init(void)
{
	return sasl_client_init(global_callbacks);
}

int
mailer_setup(void **state)
{
	(void)state;
	fds_before = tokend_count_fds();
	tokend = tokend_new();
	setenv("POSTOAK_SOCKET", tokend->path, 1);
	unsetenv("POSTOAK_LONG_LINES");
	mailer_option = NULL;
	mailer_passwords_asked = 0;
	mailer_find_plugins(0);
	if (mailer_init() != SASL_OK)
		return -1;
	mailer_log_lines = 0;
	mailer_log_text[0] = '\0';
	return 0;
}

int
mailer_teardown(void **state)
{
	(void)state;
	sasl_client_done();
	tokend_free(tokend);
	if (tokend_count_fds() != fds_before) {
		fprintf(stderr, "%d descriptors leaked\n",
		    tokend_count_fds() - fds_before);
		return -1;
	}
	return 0;
}

void
mailer_assert_failure(
    int result, int code, struct mailer *mailer, const char *text)
{
	if (result != code)
		fail_msg("%d instead of %d: %s", result, code,
		    sasl_errdetail(mailer->conn));
	assert_null(mailer->out);
	if (strstr(sasl_errdetail(mailer->conn), text) == NULL)
		fail_msg("detail: %s", sasl_errdetail(mailer->conn));
	if (strstr(mailer_log_text, text) == NULL)
		fail_msg("log: %s", mailer_log_text);
	assert_int_equal(mailer_log_lines, 1);
	assert_int_equal(mailer_log_level, SASL_LOG_FAIL);
	mailer_log_lines = 0;
	sasl_dispose(&mailer->conn);
}
