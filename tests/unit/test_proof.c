/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: what is shown is known again, and anything that differs is another.
 *
 * link: tokend/proof tokend/clientauth tokend/claims tokend/assertion
 * link: tokend/keypair tokend/crypto tests/unit/conf_files
 * link: tokend/endpoints
 * libs: tokend
 */
#include "tokend/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/conf_files.h"

#define APPLICATION_OF(client, host)                                           \
	"application \"c\" { provider = \"custom\"\nclient_id = \"" client     \
	"\"\nclient_secret_file = \"secret\"\nscope = \"s\"\n"                 \
	"token_endpoint = \"https://" host "/t\"\nhosts = { \"x.org\" } }\n"
#define USER(user)                                                             \
	"account \"a@x.org\" { grant = \"password\"\n"                         \
	"user = \"" user "\"\npassword_file = \"password\" }\n"
#define CONF(client, host, user) APPLICATION_OF(client, host) USER(user)

static struct err err;

static void
put(const char *name, const char *text)
{
	conf_files_write(name, text, strlen(text));
	assert_int_equal(chmod(conf_files_path(name), 0600), 0);
}

static int
setup(void **state)
{
	(void)state;
	put("secret", "secret\n");
	put("password", "password\n");
	return 0;
}

/* The fingerprint under that configuration; one of a few static places. */
static const char *
id_of(const char *text, enum record_refused what)
{
	static char ids[8][CRYPTO_HEX_LEN];
	static int next;
	struct conf *conf = conf_files_load(text);

	next = (next + 1) % 8;
	if (proof_id(&conf->applications[0], &conf->accounts[0], what,
		ids[next], &err) == -1)
		fail_msg("%s", err.text);
	assert_int_equal(strlen(ids[next]), CRYPTO_HEX_LEN - 1);
	conf_free(conf);
	return ids[next];
}

#define PASSWORD RECORD_REFUSED_PASSWORD
#define SECRET RECORD_REFUSED_SECRET

static void
test_the_same_is_known_again(void **state)
{
	static const char text[] = CONF("i", "x.org", "u");
	char id[CRYPTO_HEX_LEN];

	(void)state;
	strcpy(id, id_of(text, PASSWORD));
	assert_string_equal(id_of(text, PASSWORD), id);
	assert_string_not_equal(id_of(text, SECRET), id);
	assert_null(strstr(id, "password"));
	/* A line end at the end is none of the password's. */
	put("password", "password");
	assert_string_equal(id_of(text, PASSWORD), id);
	put("password", "password ");
	assert_string_not_equal(id_of(text, PASSWORD), id);
}

static void
test_anything_else_is_another(void **state)
{
	char id[CRYPTO_HEX_LEN];

	(void)state;
	strcpy(id, id_of(CONF("i", "x.org", "u"), PASSWORD));
	assert_string_not_equal(id_of(CONF("j", "x.org", "u"), PASSWORD), id);
	assert_string_not_equal(id_of(CONF("i", "y.org", "u"), PASSWORD), id);
	assert_string_not_equal(id_of(CONF("i", "x.org", "v"), PASSWORD), id);
	/* What runs on from user to password is another. */
	put("password", "assword");
	assert_string_not_equal(id_of(CONF("i", "x.org", "up"), PASSWORD), id);
}

static void
test_each_is_about_its_own_file(void **state)
{
	static const char text[] = CONF("i", "x.org", "u");
	char password[CRYPTO_HEX_LEN], secret[CRYPTO_HEX_LEN];

	(void)state;
	strcpy(password, id_of(text, PASSWORD));
	strcpy(secret, id_of(text, SECRET));
	put("secret", "other");
	assert_string_equal(id_of(text, PASSWORD), password);
	assert_string_not_equal(id_of(text, SECRET), secret);
	put("secret", "secret");
	put("password", "other");
	assert_string_not_equal(id_of(text, PASSWORD), password);
	assert_string_equal(id_of(text, SECRET), secret);
}

static void
test_a_file_that_cannot_be_read(void **state)
{
	struct conf *conf = conf_files_load(CONF("i", "x.org", "u"));
	char id[CRYPTO_HEX_LEN] = "as it was";

	(void)state;
	assert_int_equal(unlink(conf_files_path("password")), 0);
	assert_int_equal(proof_id(&conf->applications[0], &conf->accounts[0],
			     PASSWORD, id, &err),
	    -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, conf_files_path("password")));
	assert_string_equal(id, "as it was");
	/* The application's own credential has none. */
	assert_int_equal(
	    proof_id(&conf->applications[0], NULL, PASSWORD, id, NULL), 0);
	assert_int_equal(chmod(conf_files_path("secret"), 0644), 0);
	assert_int_equal(
	    proof_id(&conf->applications[0], NULL, SECRET, id, NULL), -1);
	conf_free(conf);
}

static void
test_stamp_changes_with_the_files(void **state)
{
	struct conf *conf = conf_files_load(CONF("i", "x.org", "u"));
	const struct conf_application *app = &conf->applications[0];
	const struct conf_account *account = &conf->accounts[0];
	uint64_t whole = proof_stamp(app, account);
	uint64_t own = proof_stamp(app, NULL);

	(void)state;
	assert_true(whole == proof_stamp(app, account));
	put("password", "longer than it was");
	assert_true(whole != proof_stamp(app, account));
	assert_true(own == proof_stamp(app, NULL));
	whole = proof_stamp(app, account);
	assert_int_equal(unlink(conf_files_path("secret")), 0);
	assert_true(whole != proof_stamp(app, account));
	assert_true(own != proof_stamp(app, NULL));
	conf_free(conf);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_the_same_is_known_again),
	    TEST(test_anything_else_is_another),
	    TEST(test_each_is_about_its_own_file),
	    TEST(test_a_file_that_cannot_be_read),
	    TEST(test_stamp_changes_with_the_files),
	};

	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
