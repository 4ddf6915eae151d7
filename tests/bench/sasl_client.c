/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sasl_client - what a mail program does for each connection, through the real
 * libsasl2: sasl_client_new, sasl_client_start, sasl_dispose.
 *
 * usage: sasl_client PLUGIN_DIRECTORY ACCOUNT PASSWORD
 * Its only mechanism is XOAUTH2, from the one plugin in the directory. For a
 * plugin that wants a token file the password is its path, as with
 * sasl-xoauth2. With PASSWORD "-" it only starts libsasl2, says how long that
 * took, and obeys no "run".
 * link: meter
 * libs: sasl
 */
#define _GNU_SOURCE
#include "meter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sasl/sasl.h>

static const char *directory, *account;
static sasl_secret_t *password;

/*
 * In place of the C library's: libsasl2 looks the host's own name up for each
 * connection unless it has a dot. That is not what is measured here.
 */
int
gethostname(char *name, size_t len)
{
	snprintf(name, len, "bench.example");
	return 0;
}

static int
get_path(void *context, const char **path)
{
	(void)context;
	*path = directory;
	return SASL_OK;
}

static int
take_log(void *context, int level, const char *message)
{
	(void)context;
	if (level <= SASL_LOG_FAIL)
		fprintf(stderr, "%s\n", message);
	return SASL_OK;
}

static int
get_simple(void *context, int id, const char **result, unsigned *len)
{
	(void)context;
	(void)id;
	*result = account;
	if (len != NULL)
		*len = (unsigned)strlen(account);
	return SASL_OK;
}

static int
get_password(sasl_conn_t *conn, void *context, int id, sasl_secret_t **secret)
{
	(void)conn;
	(void)context;
	(void)id;
	*secret = password;
	return SASL_OK;
}

typedef int (*callback)(void);

static const sasl_callback_t callbacks[] = {
    {SASL_CB_GETPATH, (callback)(void (*)(void))get_path, NULL},
    {SASL_CB_LOG, (callback)(void (*)(void))take_log, NULL},
    {SASL_CB_USER, (callback)(void (*)(void))get_simple, NULL},
    {SASL_CB_AUTHNAME, (callback)(void (*)(void))get_simple, NULL},
    {SASL_CB_PASS, (callback)(void (*)(void))get_password, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

static void
log_in(void)
{
	const char *out = NULL, *mechanism = NULL;
	sasl_conn_t *conn = NULL;
	unsigned len = 0;
	int rc;

	rc = sasl_client_new(
	    "smtp", "localhost", NULL, NULL, callbacks, 0, &conn);
	meter_must(rc == SASL_OK, "sasl_client_new");
	rc = sasl_client_start(conn, "XOAUTH2", NULL, &out, &len, &mechanism);
	errno = 0;
	meter_must(rc == SASL_OK || rc == SASL_CONTINUE, sasl_errdetail(conn));
	meter_must(len > 5000 && memcmp(out, "user=", 5) == 0,
	    "the response is no token of 5 kB");
	sasl_dispose(&conn);
}

/* Resident memory, and how many files are mapped. */
static void
show_memory(const char *word)
{
	FILE *maps = fopen("/proc/self/smaps", "r");
	char line[512], last[512] = "", *path;
	long kb, rss_kb = 0;
	int objects = 0;

	(void)word;
	meter_must(maps != NULL, "/proc/self/smaps");
	while (fgets(line, sizeof(line), maps) != NULL) {
		path = strchr(line, '/');
		if (strchr(line, '-') != NULL && path != NULL &&
		    strcmp(path, last) != 0) {
			objects++;
			snprintf(last, sizeof(last), "%s", path);
		}
		if (sscanf(line, "Rss: %ld kB", &kb) == 1)
			rss_kb += kb;
	}
	(void)fclose(maps);
	printf("rss_kb=%ld objects=%d\n", rss_kb, objects);
}

static void
set_password(const char *text)
{
	password = malloc(sizeof(*password) + strlen(text) + 1);
	meter_must(password != NULL, "memory");
	password->len = strlen(text);
	memcpy(password->data, text, strlen(text) + 1);
}

int
main(int argc, char **argv)
{
	int64_t begin_ns;

	meter_must(
	    argc == 4, "usage: sasl_client PLUGIN_DIRECTORY ACCOUNT PASSWORD");
	directory = argv[1];
	account = argv[2];
	set_password(argv[3]);
	begin_ns = meter_now_ns();
	meter_must(sasl_client_init(callbacks) == SASL_OK, "sasl_client_init");
	printf("init_ns=%lld\n", (long long)(meter_now_ns() - begin_ns));
	fflush(stdout);
	return meter_obey(log_in, show_memory);
}
