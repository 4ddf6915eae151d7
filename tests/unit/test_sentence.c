/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sentence: each row reads well whether much or nothing is known, and the row
 * is the one of the grant.
 */
#include "sentence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf.h"

#define NOVEMBER_2026 1793491200

static const char *const table[][5] = {
#include "sentences.inc"
};
#define ROWS (sizeof(table) / sizeof(table[0]))

static const struct sentence_about nobody;
static char text[SENTENCE_MAX];

static struct sentence_about
somebody(void)
{
	struct sentence_about about = {
	    .account = "relay@contoso.com",
	    .application = "contoso",
	    .user = "login@contoso.com",
	    .password_file = "/etc/postoak/secrets/relay.password",
	    .secret_file = "/etc/postoak/secrets/contoso.client",
	    .secret_expires = "2026-10-31",
	    .key_file = "/etc/postoak/secrets/service.json",
	    .now_s = NOVEMBER_2026,
	};

	return about;
}

static void
say(const char *code, const struct sentence_about *about)
{
	struct sentence sentence;

	if (!sentence_find(&sentence, code, about))
		fail_msg("%s is not known", code);
	sentence_write(&sentence, about, text, sizeof(text));
}

static void
assert_says(const char *words)
{
	if (strstr(text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", text, words);
}

static void
test_each_row_is_filled(void **state)
{
	const struct sentence_about some = somebody();
	const struct sentence_about *abouts[] = {&nobody, &some};
	size_t i, k;

	(void)state;
	assert_true(ROWS > 40);
	for (i = 0; i < ROWS; i++) {
		for (k = 0; k < 2; k++) {
			sentence_fill(
			    table[i][3], abouts[k], text, sizeof(text));
			assert_null(strpbrk(text, "{}"));
			assert_null(strstr(text, "  "));
			assert_true(strlen(text) >= strlen("the provider "));
			sentence_fill(
			    table[i][4], abouts[k], text, sizeof(text));
			assert_null(strpbrk(text, "{}"));
			assert_null(strstr(text, "  "));
		}
	}
}

static void
test_names_in_braces_are_known(void **state)
{
	static const char *const names[] = {"{application}", "{user}",
	    "{password_file}", "{secret_file}", "{key_file}", "{login}",
	    "{expired}"};
	const char *p;
	size_t i, k, column;

	(void)state;
	for (i = 0; i < ROWS; i++) {
		for (column = 3; column < 5; column++) {
			p = table[i][column];
			while ((p = strchr(p, '{')) != NULL) {
				for (k = 0; k < 7; k++)
					if (strncmp(p, names[k],
						strlen(names[k])) == 0)
						break;
				if (k == 7)
					fail_msg("%s: %s", table[i][0], p);
				p++;
			}
		}
	}
}

static void
test_conditions_are_known(void **state)
{
	enum conf_grant grant;
	size_t i;

	(void)state;
	for (i = 0; i < ROWS; i++) {
		const char *when = table[i][1];
		int known = strcmp(when, "-") == 0 ||
			    strcmp(when, "proof.none") == 0 ||
			    strcmp(when, "proof.secret") == 0 ||
			    strcmp(when, "proof.certificate") == 0 ||
			    strcmp(when, "proof.federated") == 0;

		for (grant = CONF_GRANT_PASSWORD;
		     grant <= CONF_GRANT_JWT_BEARER; grant++)
			known |= strcmp(when, conf_grant_name(grant)) == 0;
		if (!known)
			fail_msg("%s: %s", table[i][0], when);
	}
}

static void
test_nobody_is_known(void **state)
{
	(void)state;
	say("AADSTS7000222", &nobody);
	assert_string_equal(text,
	    "the client secret of the application has expired "
	    "(AADSTS7000222); make a new one and put its Value (not its Secret "
	    "ID) into the client_secret_file of the application");
	say("AADSTS50126", &nobody);
	assert_string_equal(text,
	    "wrong user name or password for the user (AADSTS50126); put the "
	    "right password into the password_file of the account, which is "
	    "then tried at once");
	say("AADSTS53003", &nobody);
	assert_int_equal(
	    strncmp(text, "Blocked by Conditional Access (AADSTS53003); ", 45),
	    0);
	say("invalid_grant", &nobody);
	assert_says("postoak login ACCOUNT;");
}

static void
test_somebody_is_known(void **state)
{
	struct sentence_about about = somebody();

	(void)state;
	say("AADSTS7000222", &about);
	assert_string_equal(text,
	    "account relay@contoso.com: the client secret of application "
	    "contoso expired on 2026-10-31 (AADSTS7000222); make a new one and "
	    "put its Value (not its Secret ID) into "
	    "/etc/postoak/secrets/contoso.client");
	about.account = NULL;
	about.now_s -= 86400 * 30;
	say("AADSTS7000222", &about);
	assert_int_equal(
	    strncmp(text, "application contoso: the client secret of ", 42), 0);
	assert_says("contoso has expired");
	say("AADSTS50126", &about);
	assert_says("for user login@contoso.com (AADSTS50126); put");
}

static void
test_grant_and_proof_choose_the_row(void **state)
{
	struct sentence_about about = somebody();

	(void)state;
	about.grant = CONF_GRANT_REFRESH_TOKEN;
	say("invalid_grant", &about);
	assert_says("the refresh token was revoked");
	assert_says("postoak login relay@contoso.com;");
	about.imported = 1;
	say("invalid_grant", &about);
	assert_says("postoak login relay@contoso.com --import;");
	about.grant = CONF_GRANT_PASSWORD;
	say("invalid_grant", &about);
	assert_says("relay.password");
	about.grant = CONF_GRANT_JWT_BEARER;
	say("invalid_grant", &about);
	assert_says("service.json");
	say("invalid_client", &about);
	assert_says("or has expired");
	about.proof_known = 1;
	about.proof = CONF_PROOF_NONE;
	say("invalid_client", &about);
	assert_says("application contoso needs a client secret");
	about.proof = CONF_PROOF_MANAGED_IDENTITY;
	say("invalid_client", &about);
	assert_says("federated token");
}

static void
test_class(void **state)
{
	struct sentence sentence;

	(void)state;
	assert_int_equal(sentence_find(&sentence, "AADSTS50126", NULL), 1);
	assert_int_equal(sentence.class, AADSTS_PERMANENT);
	assert_int_equal(sentence_find(&sentence, "AADSTS50055", NULL), 1);
	assert_int_equal(sentence.class, AADSTS_INTERACTION);
	assert_int_equal(sentence_find(&sentence, "server_error", NULL), 1);
	assert_int_equal(sentence.class, AADSTS_TRANSIENT);
	assert_int_equal(sentence_find(&sentence, "AADSTS123", NULL), 0);
	assert_int_equal(sentence_find(&sentence, "brand_new", NULL), 0);
	assert_int_equal(sentence_find(&sentence, "", NULL), 0);
}

static void
test_names_from_the_configuration(void **state)
{
	char old[] = "/old", new[] = "/new", contoso[] = "contoso";
	char domain[] = "@contoso.com";
	char *secrets[] = {old, new};
	struct conf_application application = {
	    .name = contoso,
	    .client_secret_files = {2, secrets},
	    .proof = CONF_PROOF_SECRET,
	};
	struct conf_account account = {
	    .name = domain,
	    .grant = CONF_GRANT_JWT_BEARER,
	    .user = domain,
	};
	struct sentence_about about;

	(void)state;
	sentence_about(&about, &application, &account, "a@contoso.com", 1);
	assert_string_equal(about.account, "a@contoso.com");
	assert_string_equal(about.user, "a@contoso.com");
	/* They are tried in order; the last one is what is refused. */
	assert_string_equal(about.secret_file, "/new");
	account.grant = CONF_GRANT_CLIENT_CREDENTIALS;
	sentence_about(&about, &application, &account, "a@contoso.com", 1);
	assert_null(about.account);
	assert_string_equal(about.application, "contoso");
	account.grant = CONF_GRANT_DEVICE_CODE;
	sentence_about(&about, &application, &account, NULL, 1);
	assert_int_equal(about.grant, CONF_GRANT_REFRESH_TOKEN);
	sentence_about(&about, NULL, NULL, NULL, 1);
	assert_null(about.application);
}

static void
test_long_names_are_cut(void **state)
{
	struct sentence_about about = somebody();
	char name[1024], small[20];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	about.account = about.user = about.password_file = name;
	say("AADSTS50126", &about);
	assert_true(strlen(text) < sizeof(text));
	assert_says("(AADSTS50126)");
	sentence_fill("{user}", &about, small, sizeof(small));
	assert_string_equal(small, "user xxxxxxxxxxxxxx");
	/* What is not closed is no brace. */
	sentence_fill("a {user", &about, small, sizeof(small));
	assert_string_equal(small, "a {user");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_row_is_filled),
	    cmocka_unit_test(test_names_in_braces_are_known),
	    cmocka_unit_test(test_conditions_are_known),
	    cmocka_unit_test(test_nobody_is_known),
	    cmocka_unit_test(test_somebody_is_known),
	    cmocka_unit_test(test_grant_and_proof_choose_the_row),
	    cmocka_unit_test(test_class),
	    cmocka_unit_test(test_names_from_the_configuration),
	    cmocka_unit_test(test_long_names_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
