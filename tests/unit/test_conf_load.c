/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: included ones, directories, missing, hostile and very large ones, and
 * one load after another.
 *
 * link: tests/unit/conf_files
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf.h"
#include "tests/unit/conf_files.h"

static void
write_text(const char *name, const char *text)
{
	conf_files_write(name, text, strlen(text));
}

/* --- files --------------------------------------------------------------- */

static void
test_include_and_directory(void **state)
{
	struct conf *conf;

	(void)state;
	assert_int_equal(mkdir(conf_files_path("sub"), 0700), 0);
	write_text("apps.inc", "\n" APP);
	write_text("sub/b.conf",
	    "account \"b@x.org\" { password_file = \"secrets/b\" }\n");
	write_text("sub/a.conf",
	    "# first\naccount \"a@x.org\" { password_file = \"secrets/a\" }\n");
	write_text("sub/a.conf~", "no configuration");
	write_text("sub/.hidden.conf", "no configuration");
	conf = conf_files_load(
	    "include(\"apps.inc\")\naccounts_directory = \"sub\"\n"
	    "tokend { store = \"s\" }\n");
	assert_int_equal(conf->account_count, 2);
	assert_string_equal(conf->accounts[0].name, "a@x.org");
	assert_string_equal(
	    conf->accounts[0].password_file, conf_files_path("secrets/a"));
	assert_string_equal(
	    conf->accounts[0].where.file, conf_files_path("sub/a.conf"));
	assert_int_equal(conf->accounts[0].where.line, 2);
	assert_string_equal(
	    conf->applications[0].where.file, conf_files_path("apps.inc"));
	assert_int_equal(conf->applications[0].where.line, 2);
	assert_string_equal(conf->tokend.store, conf_files_path("s"));
	conf_free(conf);
}

/* Editors of other systems: a byte order mark, CRLF, comments of all kinds. */
static void
test_forms_of_text(void **state)
{
	struct conf *conf =
	    conf_files_load("\xef\xbb\xbf# a\r\n// b\r\n/* c\r\n d */\r\n"
			    "tokend\r\n{\r\n"
			    " store = \"/a # b // c /* d\" # e\r\n"
			    " seal_key_file = /a//b\r\n"
			    " control = '/x\\'y' }");

	(void)state;
	assert_string_equal(conf->tokend.store, "/a # b // c /* d");
	assert_string_equal(conf->tokend.seal_key_file, "/a//b");
	assert_string_equal(conf->tokend.control, "/x'y");
	conf_free(conf);
}

static void
test_relative_path_of_the_file(void **state)
{
	struct err err = {0};
	struct conf *conf;
	char here[4096];

	(void)state;
	write_text("postoak.conf", "tokend { store = \"s\" }\n");
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(conf_files_path("")), 0);
	conf = conf_load("postoak.conf", &err);
	assert_int_equal(chdir(here), 0);
	assert_non_null(conf);
	assert_string_equal(conf->path, conf_files_path("postoak.conf"));
	assert_string_equal(conf->tokend.store, conf_files_path("s"));
	conf_free(conf);
}

/* The example configuration, as it is and with all its options in use. */
static void
test_example_file(void **state)
{
	struct err err = {0};
	struct conf *conf = conf_load("contrib/postoak.conf.example", &err);
	char line[256], changed[20000] = "";
	FILE *file = fopen("contrib/postoak.conf.example", "r");

	(void)state;
	if (conf == NULL)
		fail_msg("%s", err.text);
	assert_int_equal(conf->account_count, 1);
	conf_free(conf);
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (strncmp(line, "    # ", 6) == 0 &&
		    strstr(line, " = ") != NULL)
			line[4] = ' ';
		strcat(changed, line);
	}
	fclose(file);
	conf = conf_files_load(changed);
	assert_string_equal(conf->milter.counters, "lmdb:/srv/counters");
	assert_int_equal(conf->accounts[0].clients.count, 2);
	assert_string_equal(conf->tokend.admin_group, "adm");
	conf_free(conf);
}

/* A failed load leaves nothing behind that the next one trips over. */
static void
test_load_again_after_errors(void **state)
{
	static const char *const bad[] = {"tokend { store = \"/x", "}",
	    "include(\"broken.inc\")\n", "account \"a\" { limits = { \"1\" } }",
	    "/* ", "tokend { listen = { \"/a\", "};
	struct err err;
	struct conf *conf;
	int i;

	(void)state;
	write_text("good.inc", APP);
	write_text("broken.inc", "tokend {\n store = \"/x\" nonsense\n}\n");
	for (i = 0; i < 60; i++) {
		write_text("postoak.conf", bad[i % 6]);
		assert_null(conf_load(conf_files_path("postoak.conf"), &err));
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_null(conf_load(conf_files_path("postoak.conf"), NULL));
		conf = conf_files_load("include(\"good.inc\")\n");
		assert_int_equal(conf->application_count, 1);
		conf_free(conf);
	}
}

static void
write_many(const char *name, int count)
{
	FILE *file = fopen(conf_files_path(name), "w");
	int i;

	assert_non_null(file);
	fputs(APP, file);
	for (i = 0; i < count; i++)
		fprintf(file,
		    "account \"user%d@x.org\" {\n  password_file = \"p%d\"\n  "
		    "senders = { \"a%d@x.org\", \"b%d@x.org\" }\n}\n",
		    i, i, i, i);
	assert_int_equal(fclose(file), 0);
}

/* 100,000 accounts are a matter of seconds: nothing grows with the square. */
static void
test_many_accounts(void **state)
{
	struct timespec start, end;
	struct err err = {0};
	struct conf *conf;

	(void)state;
	write_many("postoak.conf", 100000);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	conf = conf_load(conf_files_path("postoak.conf"), &err);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	assert_non_null(conf);
	assert_int_equal(conf->account_count, 100000);
	assert_int_equal(conf_account_find(conf, "user99999@x.org")->where.line,
	    2 + 99999 * 4 + 1);
	assert_true(end.tv_sec - start.tv_sec < 60);
	conf_free(conf);
}

/* --- mistakes in files ---------------------------------------------------- */

static void
test_included_files(void **state)
{
	static const char main_text[] = "\ninclude(\"other.inc\")\n" APP;
	static const char bad[] =
	    "# a comment\n/* one\n of two */\naccount \"a@x.org\" {\n"
	    "  grant = \"pasword\" // here\n}\n";
	static const char self[] = "\n\ninclude(\"other.inc\")\n";
	static const char back[] = "include(\"postoak.conf\")\n";
	static const char broken[] = "account \"a@x.org\" {\n";

	(void)state;
	conf_files_write("other.inc", bad, strlen(bad));
	conf_files_refused(main_text, strlen(main_text), "other.inc", 5,
	    "account \"a@x.org\": grant = \"pasword\" is not a grant");
	conf_files_write("other.inc", broken, strlen(broken));
	conf_files_refused(main_text, strlen(main_text), "other.inc", 1,
	    "the section that begins here is not closed");
	conf_files_write("other.inc", self, strlen(self));
	conf_files_refused(main_text, strlen(main_text), "other.inc", 3,
	    conf_files_path("other.inc"));
	conf_files_write("other.inc", back, strlen(back));
	conf_files_refused(main_text, strlen(main_text), "other.inc", 1,
	    conf_files_path("postoak.conf"));
}

static void
test_missing_include(void **state)
{
	static const char text[] = "\ninclude(\"no.such\")\n";
	char wanted[128];

	(void)state;
	snprintf(wanted, sizeof(wanted),
	    "%s cannot be read: No such file or directory",
	    conf_files_path("no.such"));
	conf_files_refused(text, strlen(text), "postoak.conf", 2, wanted);
}

static void
test_missing_accounts_directory(void **state)
{
	static const char text[] = "\naccounts_directory = \"/no/such\"\n";

	(void)state;
	conf_files_refused(text, strlen(text), "postoak.conf", 2,
	    "accounts_directory = \"/no/such\" cannot be read (No such file "
	    "or directory); make it, or delete the line");
}

static void
test_accounts_directory(void **state)
{
	static const char text[] = APP "accounts_directory = \"accounts\"\n";
	static const char good[] =
	    "account \"a@x.org\" { grant = \"refresh_token\" }\n";
	static const char bad[] =
	    "\naccount \"A@x.org\" {\n grant = \"refresh_token\" }\n";

	(void)state;
	conf_files_refused(
	    text, strlen(text), "postoak.conf", 3, "accounts_directory = \"");
	assert_int_equal(mkdir(conf_files_path("accounts"), 0700), 0);
	conf_files_write("accounts/1.conf", good, strlen(good));
	conf_files_write("accounts/2.conf", bad, strlen(bad));
	conf_files_refused(text, strlen(text), "accounts/2.conf", 2,
	    "account \"A@x.org\" stands a second time (large and small "
	    "letters are the same); the first is at ");
}

/* Load path; the error must be exactly "PATH: REST". */
static void
expect_file_error(const char *path, const char *rest)
{
	char wanted[256];
	struct err err = {0};

	assert_null(conf_load(path, &err));
	snprintf(wanted, sizeof(wanted), "%s: %s", path, rest);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.text, wanted);
}

static void
test_no_file(void **state)
{
	(void)state;
	expect_file_error("/no/such/postoak.conf",
	    "cannot be read: No such file or directory");
	expect_file_error(
	    conf_files_path(""), "is a directory; name the file itself");
	expect_file_error("/dev/null", "is not a regular file");
}

static void
test_hostile_bytes(void **state)
{
	static const char nul[] = "tokend {\n store = \"/a\0b\"\n}\n";
	static const char head[] = "tokend {\n store = \"";
	size_t len = 1024 * 1024;
	char *big = malloc(len);

	(void)state;
	conf_files_refused(
	    nul, sizeof(nul) - 1, "postoak.conf", 2, "a NUL byte");
	assert_non_null(big);
	memset(big, 'x', len);
	memcpy(big, head, strlen(head));
	memcpy(big + len - 4, "\"\n}\n", 4);
	conf_files_refused(
	    big, len, "postoak.conf", 2, "a value is longer than 4096 bytes");
	memcpy(big, "tokend {\n store =  x", strlen(head));
	conf_files_refused(
	    big, len, "postoak.conf", 2, "a value is longer than 4096 bytes");
	free(big);
}

/* Each prefix of a good file, and each file with one byte changed, is either
 * read or refused with a line; the sanitizers see to the rest. */
static void
test_cut_and_changed(void **state)
{
	static const char text[] = APPLICATION(
	    "hosts = { \"h\" } # c\nscope = 'a b' /* d */") ACCOUNT("");
	static const char bytes[] = "\"'{}()=,#/*\\\n\r\t$+;\x80\xff|";
	char changed[sizeof(text)];
	const char *dir = "/tmp/postoak-conf-";
	struct err err;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++) {
		conf_files_write("postoak.conf", text, i);
		conf_free(conf_load(conf_files_path("postoak.conf"), &err));
		for (j = 0; j < sizeof(bytes); j++) {
			memcpy(changed, text, sizeof(text));
			changed[i] = bytes[j];
			conf_files_write(
			    "postoak.conf", changed, sizeof(text) - 1);
			err_clear(&err);
			conf_free(
			    conf_load(conf_files_path("postoak.conf"), &err));
			assert_int_equal(strncmp(err.text, dir,
					     err.text[0] ? strlen(dir) : 0),
			    0);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_include_and_directory),
	    cmocka_unit_test(test_forms_of_text),
	    cmocka_unit_test(test_relative_path_of_the_file),
	    cmocka_unit_test(test_example_file),
	    cmocka_unit_test(test_load_again_after_errors),
	    cmocka_unit_test(test_many_accounts),
	    cmocka_unit_test(test_included_files),
	    cmocka_unit_test(test_missing_include),
	    cmocka_unit_test(test_missing_accounts_directory),
	    cmocka_unit_test(test_accounts_directory),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_hostile_bytes),
	    cmocka_unit_test(test_cut_and_changed),
	};

	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
