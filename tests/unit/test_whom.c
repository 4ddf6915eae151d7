/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whom: the account a text speaks of.
 * link: cli/whom
 */
#include "cli/whom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GUID "1111111-2222-3333-4444-555555555555"
#define APPLICATION(name)                                                      \
	"application \"" name "\" { provider = \"office365\" "                 \
	"tenant_id = \"1" GUID "\" client_id = \"2" GUID "\" "                 \
	"client_secret_file = \"secrets/" name "\" }\n"
#define PASSWORD(name)                                                         \
	"account \"" name "\" { application = \"contoso\" "                    \
	"grant = \"password\" password_file = \"secrets/relay\" }\n"
#define DOMAIN                                                                 \
	"account \"@example.org\" { application = \"other\" "                  \
	"grant = \"client_credentials\" }\n"

static struct whom whom;

static struct conf *
load(const char *text)
{
	char path[] = "/tmp/test_whom.XXXXXX";
	int fd = mkstemp(path);
	struct conf *conf;
	struct err err;

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	conf = conf_load(path, &err);
	unlink(path);
	if (conf == NULL)
		fail_msg("%s", err.text);
	return conf;
}

/* account or application, NULL: not known. */
static void
expect(const struct conf *conf, const char *text, const char *account,
    const char *application)
{
	whom_find(&whom, conf, text, 1);
	if (account == NULL)
		assert_null(whom.about.account);
	else
		assert_string_equal(whom.about.account, account);
	if (application == NULL)
		assert_null(whom.about.application);
	else
		assert_string_equal(whom.about.application, application);
}

static void
test_names_in_texts(void **state)
{
	struct conf *conf = load(APPLICATION("contoso") APPLICATION("other")
		PASSWORD("relay@contoso.com") PASSWORD("b@contoso.com") DOMAIN);

	(void)state;
	expect(conf, "AADSTS50126", NULL, NULL);
	expect(conf, "account relay@contoso.com: AADSTS50126",
	    "relay@contoso.com", "contoso");
	expect(conf, "x account=relay@contoso.com.", "relay@contoso.com",
	    "contoso");
	expect(conf, "to=<a@b.example>, (RELAY@contoso.com) 535",
	    "relay@contoso.com", "contoso");
	/* One token for all accounts of the application. */
	expect(conf, "for c@example.org", NULL, "other");
	assert_string_equal(whom.mailbox, "c@example.org");
	expect(conf, "application other: the client secret", NULL, "other");
	expect(conf, "application third: the client secret", NULL, NULL);
	expect(conf, "other", NULL, NULL);
	expect(NULL, "account relay@contoso.com", NULL, NULL);
	expect(conf, "", NULL, NULL);
	conf_free(conf);
}

static void
test_the_only_one_there_is(void **state)
{
	struct conf *conf =
	    load(APPLICATION("contoso") PASSWORD("relay@contoso.com"));

	(void)state;
	expect(conf, "AADSTS50126", "relay@contoso.com", "contoso");
	assert_non_null(strstr(whom.about.password_file, "/secrets/relay"));
	conf_free(conf);
	conf = load(APPLICATION("contoso") PASSWORD("relay@contoso.com")
		PASSWORD("b@contoso.com"));
	/* Some account of it is meant: its files are known, not its name. */
	expect(conf, "AADSTS50126", NULL, "contoso");
	assert_true(whom.about.unnamed);
	assert_non_null(strstr(whom.about.secret_file, "/secrets/contoso"));
	expect(conf, "application contoso", NULL, "contoso");
	assert_false(whom.about.unnamed);
	conf_free(conf);
}

/* A password account is refused its refresh token, too: the text says which. */
static void
test_sentence_of_the_text(void **state)
{
	struct conf *conf =
	    load(APPLICATION("contoso") PASSWORD("relay@contoso.com"));
	struct sentence sentence;
	char text[SENTENCE_MAX];

	(void)state;
	whom_find(&whom, conf, "invalid_grant", 1);
	assert_int_equal(
	    whom_sentence(&sentence, &whom, "invalid_grant", "invalid_grant"),
	    1);
	assert_non_null(strstr(sentence.meaning, "user name and password"));
	whom.about.grant = CONF_GRANT_REFRESH_TOKEN;
	assert_int_equal(
	    sentence_find(&sentence, "invalid_grant", &whom.about), 1);
	sentence_write(&sentence, &whom.about, text, sizeof(text));
	whom_find(&whom, conf, text, 1);
	assert_int_equal(
	    whom_sentence(&sentence, &whom, "invalid_grant", text), 1);
	assert_non_null(strstr(sentence.meaning, "refresh token was revoked"));
	assert_int_equal(
	    whom_sentence(&sentence, &whom, "AADSTS4242424", text), 0);
	conf_free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_in_texts),
	    cmocka_unit_test(test_the_only_one_there_is),
	    cmocka_unit_test(test_sentence_of_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
