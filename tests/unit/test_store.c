/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store: what survives, what is moved aside, what is never overwritten. The
 * states a crash can leave are built by hand.
 * link: tokend/store tokend/storedir tokend/record tokend/sealkey
 * link: tokend/crypto tokend/aside
 * libs: tokend
 */
#define _GNU_SOURCE
#include "tokend/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "mem.h"

static char top[64], dir[96], key[96];
static struct err err;

static int
setup(void **state)
{
	(void)state;
	strcpy(top, "/tmp/test_store.XXXXXX");
	assert_non_null(mkdtemp(top));
	snprintf(dir, sizeof(dir), "%s/store", top);
	snprintf(key, sizeof(key), "%s/seal.key", top);
	return 0;
}

static int
teardown(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", top);
	return system(command);
}

static void
save(struct store *store, const char *name, const char *token)
{
	struct record r;

	record_init(&r);
	secret_set(&r.refresh_token, token, strlen(token));
	r.obtained_at_s = 1700000000;
	r.scope = mem_strdup("SMTP.Send offline_access");
	assert_int_equal(store_save(store, "account", name, &r, &err), 0);
	record_clear(&r);
}

static void
assert_holds(struct store *store, const char *name, const char *token)
{
	struct record r;
	int rc = store_load(store, "account", name, &r, &err);

	if (token == NULL) {
		assert_int_equal(rc, 0);
		return;
	}
	assert_int_equal(rc, 1);
	assert_string_equal(secret_reveal(&r.refresh_token), token);
	assert_int_equal(r.obtained_at_s, 1700000000);
	assert_string_equal(r.scope, "SMTP.Send offline_access");
	record_clear(&r);
}

/* The path of the only file whose name ends so; "" if there is none. */
static const char *
file_ending(const char *end)
{
	static char path[512];
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t len;

	path[0] = '\0';
	while ((e = readdir(d)) != NULL) {
		len = strlen(e->d_name);
		if (e->d_name[0] != '.' && strlen(end) <= len &&
		    strcmp(e->d_name + len - strlen(end), end) == 0 &&
		    (*end != '\0' || len == 64))
			snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
	}
	closedir(d);
	return path;
}

static int
has_file_with(const char *part)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int found = 0;

	while ((e = readdir(d)) != NULL)
		found |= strstr(e->d_name, part) != NULL;
	closedir(d);
	return found;
}

static void
test_survives_a_restart(void **state)
{
	struct store *s = store_open(dir, key, &err);
	struct stat st;

	(void)state;
	assert_non_null(s);
	assert_holds(s, "relay@contoso.com", NULL);
	save(s, "relay@contoso.com", "1.first");
	store_close(s);
	s = store_open(dir, key, &err);
	assert_holds(s, "relay@contoso.com", "1.first");
	assert_holds(s, "Relay@contoso.com", NULL);
	store_close(s);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, 32);
	assert_int_equal(stat(file_ending(""), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void
test_nothing_readable_is_on_disk(void **state)
{
	struct store *s = store_open(dir, key, &err);
	char data[4096];
	ssize_t len;
	int fd;

	(void)state;
	save(s, "relay@contoso.com", "1.very-secret-token");
	store_close(s);
	assert_false(has_file_with("relay"));
	fd = open(file_ending(""), O_RDONLY);
	len = read(fd, data, sizeof(data));
	close(fd);
	assert_true(len > 0);
	assert_null(memmem(data, (size_t)len, "secret", 6));
	assert_null(memmem(data, (size_t)len, "relay", 5));
}

static void
test_names_are_no_paths(void **state)
{
	struct store *s = store_open(dir, key, &err);

	(void)state;
	save(s, "../../../../tmp/x", "1.a");
	assert_holds(s, "../../../../tmp/x", "1.a");
	store_close(s);
}

static void
test_refusal_survives(void **state)
{
	struct store *s = store_open(dir, key, &err);
	struct record r;

	(void)state;
	record_init(&r);
	r.refused = RECORD_REFUSED_PASSWORD;
	r.refused_id = mem_strdup("abcdef");
	r.refused_at_s = 1700000001;
	err_set(&r.refusal, ERR_CONFIG, "aadsts.50126", "wrong = password");
	assert_int_equal(store_save(s, "account", "x", &r, &err), 0);
	record_clear(&r);
	store_close(s);
	s = store_open(dir, key, &err);
	assert_int_equal(store_load(s, "account", "x", &r, &err), 1);
	assert_int_equal(r.refused, RECORD_REFUSED_PASSWORD);
	assert_string_equal(r.refused_id, "abcdef");
	assert_int_equal(r.refused_at_s, 1700000001);
	assert_int_equal(r.refusal.kind, ERR_CONFIG);
	assert_string_equal(r.refusal.code, "aadsts.50126");
	assert_string_equal(r.refusal.text, "wrong = password");
	assert_true(secret_empty(&r.refresh_token));
	record_clear(&r);
	store_close(s);
}

static void
test_left_over_of_a_crash_is_removed(void **state)
{
	struct store *s = store_open(dir, key, &err);
	char temp[256];

	(void)state;
	save(s, "a", "1.good");
	store_close(s);
	/* Killed while writing: half a file under a temporary name. */
	snprintf(temp, sizeof(temp), "%s/tmp.0123", dir);
	close(open(temp, O_CREAT | O_WRONLY, 0600));
	s = store_open(dir, key, &err);
	assert_int_equal(access(temp, F_OK), -1);
	assert_holds(s, "a", "1.good");
	store_close(s);
}

static void
test_previous_generation_is_kept(void **state)
{
	struct store *s = store_open(dir, key, &err);

	(void)state;
	save(s, "a", "1.first");
	save(s, "a", "1.second");
	assert_holds(s, "a", "1.second");
	/* Killed between the two renames, as it were. */
	assert_int_equal(unlink(file_ending("")), 0);
	assert_holds(s, "a", "1.first");
	save(s, "a", "1.third");
	assert_holds(s, "a", "1.third");
	store_close(s);
}

static void
test_torn_file_gives_way_to_the_one_before(void **state)
{
	struct store *s = store_open(dir, key, &err);
	off_t size;

	(void)state;
	for (size = 0; size < 120; size += 13) {
		save(s, "a", "1.first");
		save(s, "a", "1.second");
		assert_int_equal(truncate(file_ending(""), size), 0);
		assert_holds(s, "a", "1.first");
		assert_true(has_file_with(".damaged-"));
	}
	store_close(s);
}

/* Neither followed nor waited for, and gone from the place. */
static void
test_what_is_no_file_gives_way(void **state)
{
	struct store *s = store_open(dir, key, &err);
	char path[512];
	int kind;

	(void)state;
	alarm(20); /* a FIFO would be waited for without end */
	for (kind = 0; kind < 3; kind++) {
		save(s, "a", "1.first");
		save(s, "a", "1.second");
		strcpy(path, file_ending(""));
		assert_int_equal(unlink(path), 0);
		if (kind == 0)
			assert_int_equal(mkfifo(path, 0600), 0);
		else if (kind == 1)
			assert_int_equal(symlink("/dev/zero", path), 0);
		else
			assert_int_equal(mkdir(path, 0700), 0);
		assert_holds(s, "a", "1.first");
		save(s, "a", "1.third");
		assert_holds(s, "a", "1.third");
	}
	alarm(0);
	store_close(s);
}

static void
flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c = (char)(c ^ 1);
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
	close(fd);
}

static void
test_every_changed_bit_is_noticed(void **state)
{
	struct store *s = store_open(dir, key, &err);
	struct stat st;
	off_t i;

	(void)state;
	save(s, "a", "1.good");
	save(s, "a", "1.good");
	assert_int_equal(stat(file_ending(""), &st), 0);
	for (i = 0; i < st.st_size; i++) {
		flip(file_ending(""), i);
		assert_holds(s, "a", "1.good"); /* from .prev */
		save(s, "a", "1.good");
	}
	store_close(s);
}

static void
test_damage_does_not_push_out_the_good_generation(void **state)
{
	struct store *s = store_open(dir, key, &err);

	(void)state;
	save(s, "a", "1.first");
	save(s, "a", "1.second");
	flip(file_ending(""), 60);
	save(s, "a", "1.third"); /* without a load in between */
	assert_true(has_file_with(".damaged-"));
	assert_int_equal(unlink(file_ending("")), 0);
	assert_holds(s, "a", "1.first");
	store_close(s);
}

static void
test_file_of_another_account_is_refused(void **state)
{
	struct store *s = store_open(dir, key, &err);
	char a[512];

	(void)state;
	save(s, "a", "1.of-a");
	strcpy(a, file_ending(""));
	assert_int_equal(rename(a, "/tmp/test_store_moved"), 0);
	save(s, "b", "1.of-b");
	assert_int_equal(rename("/tmp/test_store_moved", file_ending("")), 0);
	assert_holds(s, "b", NULL);
	store_close(s);
}

static void
test_other_key_is_said_and_nothing_lost(void **state)
{
	struct store *s = store_open(dir, key, &err);
	char saved[128];

	(void)state;
	save(s, "a", "1.old-key");
	store_close(s);
	snprintf(saved, sizeof(saved), "%s.saved", key);
	assert_int_equal(rename(key, saved), 0);
	s = store_open(dir, key, &err); /* makes a new one, aloud */
	assert_non_null(s);
	assert_holds(s, "a", NULL);
	assert_true(has_file_with(".key-"));
	/* A sign-in meanwhile is another file. */
	save(s, "a", "1.new-key");
	store_close(s);
	/* The key comes back, and with it, at once, the credential. */
	assert_int_equal(rename(saved, key), 0);
	s = store_open(dir, key, &err);
	assert_holds(s, "a", "1.old-key");
	store_close(s);
}

static void
test_second_daemon_is_refused(void **state)
{
	struct store *s = store_open(dir, key, &err);

	(void)state;
	assert_null(store_open(dir, key, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, dir));
	store_close(s);
}

static void
test_open_doors_are_refused(void **state)
{
	struct store *s = store_open(dir, key, &err);

	(void)state;
	store_close(s);
	assert_int_equal(chmod(dir, 0750), 0);
	assert_null(store_open(dir, key, &err));
	assert_non_null(strstr(err.text, "chmod 0700"));
	assert_int_equal(store_check(dir, key, &err), -1);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(chmod(key, 0640), 0);
	assert_null(store_open(dir, key, &err));
	assert_non_null(strstr(err.text, "chmod 0600"));
	assert_int_equal(store_check(dir, key, &err), -1);
	assert_int_equal(chmod(key, 0600), 0);
	assert_int_equal(store_check(dir, key, &err), 0);
}

static void
test_wrong_key_file_is_refused(void **state)
{
	int fd = open(key, O_CREAT | O_WRONLY, 0600);

	(void)state;
	assert_int_equal(write(fd, "short", 5), 5);
	close(fd);
	assert_null(store_open(dir, key, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, key));
}

static void
test_check_changes_nothing(void **state)
{
	(void)state;
	assert_int_equal(store_check(dir, key, &err), 0);
	assert_int_equal(access(dir, F_OK), -1);
	assert_int_equal(access(key, F_OK), -1);
	assert_int_equal(store_check("/tmp/no/such/parent", key, &err), -1);
	assert_non_null(strstr(err.text, "/tmp/no/such"));
}

static void
test_key_from_the_service_manager(void **state)
{
	char credential[128];
	struct store *s;
	int fd;

	(void)state;
	snprintf(credential, sizeof(credential), "%s/postoak-seal-key", top);
	fd = open(credential, O_CREAT | O_WRONLY, 0440);
	assert_int_equal(write(fd, "0123456789abcdef0123456789abcdef", 32), 32);
	close(fd);
	setenv("CREDENTIALS_DIRECTORY", top, 1);
	s = store_open(dir, key, &err);
	assert_non_null(s);
	save(s, "a", "1.a");
	assert_holds(s, "a", "1.a");
	store_close(s);
	unsetenv("CREDENTIALS_DIRECTORY");
	assert_int_equal(access(key, F_OK), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_survives_a_restart),
	    TEST(test_nothing_readable_is_on_disk),
	    TEST(test_names_are_no_paths),
	    TEST(test_refusal_survives),
	    TEST(test_left_over_of_a_crash_is_removed),
	    TEST(test_previous_generation_is_kept),
	    TEST(test_torn_file_gives_way_to_the_one_before),
	    TEST(test_what_is_no_file_gives_way),
	    TEST(test_every_changed_bit_is_noticed),
	    TEST(test_damage_does_not_push_out_the_good_generation),
	    TEST(test_file_of_another_account_is_refused),
	    TEST(test_other_key_is_said_and_nothing_lost),
	    TEST(test_second_daemon_is_refused),
	    TEST(test_open_doors_are_refused),
	    TEST(test_wrong_key_file_is_refused),
	    TEST(test_check_changes_nothing),
	    TEST(test_key_from_the_service_manager),
	};

	log_open("test_store", 1, LOG_LEVEL_WARN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
