/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_plugin - libpostoak.so as a guest: how it is loaded, when libsasl2
 * chooses it, what it does to a process with forks and threads, what it leaves.
 *
 * link: tests/unit/sasl_mailer tests/unit/sasl_tokend
 * libs: sasl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sasl/sasl.h>
#include <sasl/saslplug.h>
#include <sasl/saslutil.h>

#include "sasl_mailer.h"
#include "sasl_tokend.h"

static void
loads_without_doing_anything(void **state)
{
	void *library = dlopen(BUILD_DIR "/libpostoak.so", RTLD_NOW);
	sasl_client_plug_init_t *init;
	sasl_client_plug_t *plugins;
	int fds = tokend_count_fds();
	int version, count, i;
	long long ms;

	(void)state;
	assert_non_null(library);
	*(void **)&init = dlsym(library, "sasl_client_plug_init");
	assert_non_null(init);
	/* It needs nothing from libsasl2, so it can have logged nothing. */
	ms = tokend_now_ms();
	for (i = 0; i < 1000; i++)
		assert_int_equal(init(NULL, SASL_CLIENT_PLUG_VERSION, &version,
				     &plugins, &count),
		    SASL_OK);
	assert_true(tokend_now_ms() - ms < 200); /* 0.2 ms each */
	assert_int_equal(version, SASL_CLIENT_PLUG_VERSION);
	assert_int_equal(count, 2);
	for (i = 0; i < count; i++) {
		assert_int_equal(plugins[i].max_ssf, 0);
		assert_int_equal(plugins[i].security_flags,
		    SASL_SEC_NOANONYMOUS | SASL_SEC_NODICTIONARY);
	}
	/* An interface we do not know: no mechanism, but no failure. */
	assert_int_equal(init(NULL, 3, &version, &plugins, &count), SASL_OK);
	assert_int_equal(version, 3);
	assert_int_equal(count, 0);
	assert_int_equal(tokend_count_fds(), fds);
	assert_int_equal(mailer_log_lines, 0);
	dlclose(library);
}

static void
assert_choice(const char *offered, const char *chosen)
{
	struct mailer mailer;

	mailer_start(&mailer, offered, MAILER_ACCOUNT);
	if (mailer.mechanism == NULL || strcmp(mailer.mechanism, chosen) != 0)
		fail_msg("of \"%s\" %s was chosen", offered,
		    mailer.mechanism != NULL ? mailer.mechanism : "none");
	sasl_dispose(&mailer.conn);
}

static void
is_preferred_to_passwords(void **state)
{
	int system_first;

	(void)state;
	/* libsasl2 loads plugins in the order of the path. */
	for (system_first = 0; system_first < 2; system_first++) {
		sasl_client_done();
		mailer_find_plugins(system_first);
		assert_int_equal(mailer_init(), SASL_OK);
		assert_choice("LOGIN PLAIN", "PLAIN"); /* they are there */
		assert_choice("LOGIN XOAUTH2", "XOAUTH2");
		assert_choice("XOAUTH2 LOGIN", "XOAUTH2");
		assert_choice("PLAIN LOGIN XOAUTH2 OAUTHBEARER", "XOAUTH2");
		assert_choice("OAUTHBEARER PLAIN LOGIN", "OAUTHBEARER");
		assert_choice("OAUTHBEARER XOAUTH2", "XOAUTH2");
		assert_choice(
		    "LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH",
		    "XOAUTH2");
	}
}

/* A token is a plain text: no TLS, no token. */
static void
is_not_used_where_plaintext_is_forbidden(void **state)
{
	static const struct {
		unsigned flags;
		int code;
	} demands[] = {
	    {SASL_SEC_NOANONYMOUS, SASL_CONTINUE},
	    {SASL_SEC_NOANONYMOUS | SASL_SEC_NODICTIONARY, SASL_CONTINUE},
	    {SASL_SEC_NOPLAINTEXT, SASL_NOMECH},
	    {SASL_SEC_NOPLAINTEXT | SASL_SEC_NOANONYMOUS, SASL_NOMECH},
	    {SASL_SEC_NOACTIVE, SASL_NOMECH},
	    {SASL_SEC_FORWARD_SECRECY, SASL_NOMECH},
	    {SASL_SEC_MUTUAL_AUTH, SASL_NOMECH},
	};
	sasl_security_properties_t properties = {0};
	const char *mechanism, *out;
	sasl_conn_t *conn;
	unsigned len;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(demands) / sizeof(demands[0]); i++) {
		assert_int_equal(
		    sasl_client_new("smtp", MAILER_HOST, NULL, NULL,
			mailer_callbacks(MAILER_ACCOUNT), 0, &conn),
		    SASL_OK);
		properties.security_flags = demands[i].flags;
		assert_int_equal(
		    sasl_setprop(conn, SASL_SEC_PROPS, &properties), SASL_OK);
		assert_int_equal(sasl_client_start(conn, "XOAUTH2 OAUTHBEARER",
				     NULL, &out, &len, &mechanism),
		    demands[i].code);
		sasl_dispose(&conn);
	}
	assert_int_equal(tokend_requests(tokend), 2);
}

static void
works_after_a_fork(void **state)
{
	struct mailer mailer;
	int status = -1;
	pid_t pid;

	(void)state;
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
	pid = fork();
	if (pid == 0) {
		status = mailer_start(&mailer, "XOAUTH2", "child@contoso.com");
		status = status == SASL_CONTINUE &&
			 memmem(mailer.out, mailer.len,
			     "user=child@contoso.com\1", 23) != NULL;
		sasl_dispose(&mailer.conn);
		sasl_client_done();
		_exit(status ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(tokend_connections(tokend), 2);
	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	assert_int_equal(mailer_step(&mailer, ""), SASL_OK);
	sasl_dispose(&mailer.conn);
	assert_int_equal(tokend_connections(tokend), 2);
}

static void *
log_in_often(void *arg)
{
	struct mailer mailer;
	char user[64], expected[128];
	long failures = 0;
	int i, len;

	for (i = 0; i < 200; i++) {
		snprintf(user, sizeof(user), "t%d-%d@contoso.com",
		    (int)(intptr_t)arg, i);
		len = snprintf(expected, sizeof(expected),
		    "user=%s\001auth=Bearer ", user);
		failures +=
		    mailer_start(&mailer, "XOAUTH2", user) != SASL_CONTINUE ||
		    memcmp(mailer.out, expected, (size_t)len) != 0 ||
		    mailer_step(&mailer, "") != SASL_OK;
		sasl_dispose(&mailer.conn);
	}
	return (void *)failures;
}

static void
works_in_threads(void **state)
{
	pthread_t threads[8];
	void *failures;
	intptr_t i;

	(void)state;
	for (i = 0; i < 8; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, log_in_often, (void *)i),
		    0);
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], &failures);
		assert_null(failures);
	}
	assert_int_equal(tokend_requests(tokend), 8 * 200);
}

#ifndef __SANITIZE_THREAD__ /* whose heap is too large to be searched */

/* Is the text in a writable mapping of this process? It is given with every
 * byte's lowest bit turned, so as not to be found itself. */
static int
is_in_memory(const char *turned, size_t len)
{
	static char chunk[1 << 20];
	FILE *maps = fopen("/proc/self/maps", "re");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	unsigned long from, to;
	char line[512], mode[8];
	size_t i, k;
	ssize_t n;
	int found = 0;

	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    mode[1] != 'w' || to - from > (64UL << 20))
			continue;
		for (; from < to; from += sizeof(chunk) / 2) {
			n = pread(mem, chunk, sizeof(chunk), (off_t)from);
			for (i = 0; n > 0 && i + len <= (size_t)n; i++) {
				for (k = 0; k < len; k++)
					if (chunk[i + k] != (turned[k] ^ 1))
						break;
				found |= k == len;
			}
			explicit_bzero(chunk, sizeof(chunk));
		}
	}
	if (maps != NULL)
		fclose(maps);
	close(mem);
	return found;
}

static char turned_token[] = "uiht/ht/`/rdbsdu/unjdo";

/* tokend as a program of its own: says its number and its path, and waits. */
static int
be_tokend(void)
{
	char token[sizeof(turned_token)] = "";
	size_t i;

	for (i = 0; i < sizeof(token) - 1; i++)
		token[i] = turned_token[i] ^ 1;
	tokend = tokend_new();
	tokend_set_token(tokend, NULL, token);
	printf("%ld %s\n", (long)getpid(), tokend->path);
	fflush(stdout);
	poll(NULL, 0, 60000);
	return 0;
}

/* All traces of the token in this process are the plugin's. */
static void
leaves_no_token_in_memory(void **state)
{
	size_t len = sizeof(turned_token) - 1;
	char command[64], path[128];
	struct mailer mailer;
	FILE *pipe;
	int pid;

	(void)state;
	snprintf(command, sizeof(command), "exec /proc/%ld/exe --tokend",
	    (long)getpid());
	pipe = popen(command, "r");
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%d %127s", &pid, path), 2);
	setenv("POSTOAK_SOCKET", path, 1);

	assert_int_equal(
	    mailer_start(&mailer, "XOAUTH2", MAILER_ACCOUNT), SASL_CONTINUE);
	assert_true(is_in_memory(turned_token, len)); /* the search works */
	assert_int_equal(mailer_step(&mailer, ""), SASL_OK);
	assert_false(is_in_memory(turned_token, len));
	sasl_dispose(&mailer.conn);
	assert_int_equal(mailer_start(&mailer, "OAUTHBEARER", MAILER_ACCOUNT),
	    SASL_CONTINUE);
	sasl_dispose(&mailer.conn);
	assert_false(is_in_memory(turned_token, len));

	kill(pid, SIGTERM);
	pclose(pipe);
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

#endif

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, mailer_setup, mailer_teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    TEST(loads_without_doing_anything),
	    TEST(is_preferred_to_passwords),
	    TEST(is_not_used_where_plaintext_is_forbidden),
	    TEST(works_after_a_fork),
	    TEST(works_in_threads),
#ifndef __SANITIZE_THREAD__
	    TEST(leaves_no_token_in_memory),
#endif
	};

#ifndef __SANITIZE_THREAD__
	if (argc == 2 && strcmp(argv[1], "--tokend") == 0)
		return be_tokend();
#else
	(void)argc;
	(void)argv;
#endif
	mailer_build_dir = BUILD_DIR;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
