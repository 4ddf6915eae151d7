/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of conf_write: files put on disk whole, with their owner and rights.
 *
 * link: cli/conf_write
 */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/conf_write.h"

#define SOMEBODY 12345

static char dir[64];
static char path[128];

/* A shell's commands in the directory. */
static void
run(const char *commands)
{
	char line[256];

	snprintf(line, sizeof(line), "cd %s && %s", dir, commands);
	assert_int_equal(system(line), 0);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/postoak-write-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	run("rm -r \"$PWD\"");
	return 0;
}

static const char *
in_dir(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void
check_content(const char *name, const char *text, mode_t mode, uid_t uid)
{
	struct buf found;
	struct stat st;
	struct err err;

	err_clear(&err);
	buf_init(&found, 1000);
	assert_int_equal(conf_write_read(in_dir(name), &found, &err), 0);
	assert_string_equal(found.data, text);
	buf_clear(&found);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
	if (geteuid() == 0)
		assert_int_equal(st.st_uid, uid);
}

static void
write_text(const char *name, const char *text, int is_secret)
{
	struct err err;
	int rc;

	err_clear(&err);
	if (is_secret)
		rc = conf_write_secret(in_dir(name), text, strlen(text), &err);
	else
		rc = conf_write_file(in_dir(name), text, strlen(text), &err);
	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
}

static void
test_new(void **state)
{
	(void)state;
	write_text("new/postoak.conf", "a\n", 0);
	check_content("new/postoak.conf", "a\n", 0644, geteuid());
}

static void
test_rights_kept(void **state)
{
	(void)state;
	run("touch x && chmod 0640 x");
	if (geteuid() == 0)
		assert_int_equal(chown(in_dir("x"), SOMEBODY, SOMEBODY), 0);
	write_text("x", "b\n", 0);
	check_content("x", "b\n", 0640, SOMEBODY);
	/* Nothing is left beside it. */
	run("test \"$(ls -A)\" = x");
}

static void
test_link_kept(void **state)
{
	struct stat st;

	(void)state;
	run("mkdir real && touch real/x && ln -s real/x x");
	write_text("x", "c\n", 0);
	assert_int_equal(lstat(in_dir("x"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	check_content("real/x", "c\n", 0644, geteuid());
}

/* In a directory of somebody else's a link may lead anywhere. */
static void
test_foreign_link(void **state)
{
	struct err err;

	(void)state;
	if (geteuid() != 0)
		return; /* cannot give it away */
	err_clear(&err);
	run("echo kept >real && ln -s real x");
	assert_int_equal(lchown(in_dir("x"), SOMEBODY, SOMEBODY), 0);
	assert_int_equal(conf_write_file(path, "a", 1, &err), -1);
	assert_non_null(strstr(err.text, "user 12345 made"));
	check_content("real", "kept\n", 0644, 0);
}

/* tokend reads a secret in the directory that is its own. */
static void
test_secret(void **state)
{
	const struct passwd *user = getpwnam("postoak");

	(void)state;
	run("mkdir -m 0700 secrets");
	if (geteuid() == 0)
		assert_int_equal(
		    chown(in_dir("secrets"), SOMEBODY, SOMEBODY), 0);
	write_text("secrets/s", "d", 1);
	check_content("secrets/s", "d", 0600, SOMEBODY);
	write_text("other/s", "e", 1);
	check_content("other/s", "e", 0600, user != NULL ? user->pw_uid : 0);
}

/* The daemons read what an administrator with a closed umask has made. */
static void
test_umask(void **state)
{
	const mode_t before = umask(0077);
	struct stat st;

	(void)state;
	write_text("etc/postoak.conf", "a", 0);
	write_text("secrets/s", "b", 1);
	(void)umask(before);
	check_content("etc/postoak.conf", "a", 0644, geteuid());
	assert_int_equal(stat(in_dir("etc"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(in_dir("secrets"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
test_refused(void **state)
{
	struct buf found;
	struct err err;

	(void)state;
	err_clear(&err);
	run("mkdir -p d/x");
	assert_int_equal(conf_write_file(in_dir("d"), "a", 1, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "/d cannot be written"));
	run("test \"$(ls -A)\" = d");
	buf_init(&found, 1000);
	assert_int_equal(conf_write_read(in_dir("none"), &found, &err), 0);
	assert_int_equal(found.len, 0);
	assert_int_equal(conf_write_read(in_dir("d"), &found, &err), -1);
	buf_clear(&found);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_new, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_rights_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_link_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_foreign_link, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_secret, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_umask, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
