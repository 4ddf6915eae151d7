/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options that are missing or do not go together: the line to blame, and what
 * to do.
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

/* --- whose mail ----------------------------------------------------------- */

#define TWO(first, second)                                                     \
	APP "account \"a@x.org\" { grant = \"refresh_token\"\n" first "\n}\n"  \
	    "account \"b@x.org\" { grant = \"refresh_token\"\n" second "\n}\n"

static void
test_one_accounts_only(void **state)
{
	static const struct mistake mistakes[] = {
	    {TWO("senders = { \"x@y.org\" }", "\nsenders = { \"X@Y.org\" }"), 8,
		"account \"b@x.org\": senders = \"X@Y.org\" is account "
		"\"a@x.org\"'s already, at "},
	    {TWO("logins = { \"erp\", \"crm\" }", "logins = { \"crm\" }"), 7,
		"account \"b@x.org\": logins = \"crm\" is account "
		"\"a@x.org\"'s already, at "},
	    {TWO("senders = { \"@y.org\" }",
		 "logins = { \"@y.org\" }\nsenders = { \"@y.org\" }"),
		8, "account \"b@x.org\": senders = \"@y.org\" is account"},
	};

	(void)state;
	conf_files_all_refused(mistakes, sizeof(mistakes) / sizeof(*mistakes));
}

static void
test_the_same_elsewhere(void **state)
{
	(void)state;
	/* A login is no sender, and twice in one account is one. */
	conf_free(conf_files_load(
	    TWO("senders = { \"x@y.org\", \"x@y.org\" }\nlogins = { \"crm\" }",
		"logins = { \"x@y.org\" }\nsenders = { \"@y.org\" }")));
}

/* --- what belongs together ----------------------------------------------- */

#define SERVERS(more)                                                          \
	"application \"c\" { provider = \"custom\" client_id = \"x\"\n"        \
	"token_endpoint = \"https://x.org/t\" scope = \"s\"\n"                 \
	"hosts = { \"A.x.org\", \"::1\" }\n" more "\n}\n"

static void
test_servers_to_log_in_to(void **state)
{
	static const struct mistake mistakes[] = {
	    {SERVERS("smtp_server = \"b.x.org:587\""), 4,
		"application \"c\": smtp_server names a server that is not "
		"among hosts"},
	    {SERVERS("imap_server = \"a.x.or:993\""), 4,
		"application \"c\": imap_server names a server that is not "
		"among hosts"},
	    {SERVERS("imap_server = \"[::2]:993\""), 4,
		"application \"c\": imap_server names a server that is not "
		"among hosts"},
	    {SERVERS("pop_server = \"::1\""), 4,
		"application \"c\": pop_server = \"::1\" is not a server and "
		"its port"},
	};
	struct conf *conf;

	(void)state;
	ALL_REFUSED(mistakes);
	conf = conf_files_load(SERVERS("smtp_server = \"a.X.org:2525\"\n"
				       "pop_server = \"[::1]:995\""));
	assert_string_equal(conf->applications[0].smtp_server, "a.x.org:2525");
	assert_null(conf->applications[0].imap_server);
	assert_string_equal(conf->applications[0].pop_server, "[::1]:995");
	conf_free(conf);
}

static void
test_missing_options(void **state)
{
	static const struct mistake mistakes[] = {
	    {APP "\naccount \"a@x.org\" {\n}\n", 4,
		"account \"a@x.org\": grant is missing; write grant = "
		"\"password\" (with password_file)"},
	    {APP "account \"a@x.org\" {\n\n grant = \"password\"\n}\n", 3,
		"account \"a@x.org\": password_file is missing; grant "
		"\"password\" needs it"},
	    {"application \"c\" {\n}\n", 1,
		"application \"c\": provider is missing; write provider = "
		"\"office365\""},
	    {"\napplication \"c\" {\n provider = \"office365\"\n}\n", 2,
		"application \"c\": client_id is missing; copy"},
	    {"application \"c\" { provider = \"office365\"\n client_id = "
	     "\"66666666-7777-8888-9999-000000000000\"\n}\n",
		1, "application \"c\": tenant_id is missing; copy"},
	    {"application \"c\" { provider = \"custom\"\n client_id = "
	     "\"x\"\n}\n",
		1, "application \"c\": token_endpoint is missing"},
	    {"application \"c\" { provider = \"custom\"\n client_id = \"x\"\n"
	     "token_endpoint = \"https://login.microsoftonline.com/x.org/"
	     "oauth2/token\"\n}\n",
		3,
		"application \"c\": token_endpoint ends in /oauth2/token, "
		"which "
		"is version 1.0"},
	    {"application \"c\" { provider = \"custom\"\n client_id = \"x\" "
	     "token_endpoint = \"https://x.org/oauth2/token\"\n}\n",
		1, "application \"c\": scope is missing"},
	    {"application \"c\" { provider = \"custom\"\n client_id = \"x\" "
	     "token_endpoint = \"https://x.org/t\"\n}\n",
		1, "application \"c\": scope is missing"},
	    {"application \"c\" { provider = \"custom\"\n client_id = \"x\" "
	     "token_endpoint = \"https://x.org/t\" scope = \"s\"\n}\n",
		1, "application \"c\": hosts is missing; name the servers"},
	    {"application \"c\" { provider = \"custom\"\n client_id = \"x\" "
	     "token_endpoint = \"https://x.org/{tenant}/t\"\n}\n",
		1,
		"application \"c\": tenant_id is missing; an endpoint has "
		"{tenant} in it"},
	    {APP "account \"x\" {\n grant = \"refresh_token\"\n}\n", 3,
		"account \"x\": user is missing; it is needed because"},
	    {APP "account \"x\" {\n grant = \"refresh_token\" user = "
		 "\"a@x.org\"\n}\n",
		3, "account \"x\": from_account is missing"},
	    {ACCOUNT("limits = { \"9 external_recipients / 1d\" }"), 3,
		"account \"a@x.org\": internal_domains is missing; a limit"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

static void
test_applications_of_accounts(void **state)
{
	static const struct mistake mistakes[] = {
	    {"account \"a@x.org\" {\n}\n", 1,
		"account \"a@x.org\": application is missing; write the name "
		"of an application section, there is none yet"},
	    {ACCOUNT("application = \"d\""), 4,
		"account \"a@x.org\": application = \"d\" does not exist"},
	    {APP "application \"d\" { provider = \"google\" client_id = "
		 "\"x\" }\naccount \"a@x.org\" {\n}\n",
		4,
		"account \"a@x.org\": application is missing; write the name "
		"of one of the application sections"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

#define SECRETLESS(provider, tenant)                                           \
	"application \"c\" { provider = \"" provider "\" " tenant "\n"         \
	"client_id = \"66666666-7777-8888-9999-000000000000\" }\n"
#define GRANT(grant) "account \"a@x.org\" {\n grant = \"" grant "\"\n}\n"

static void
test_proofs_of_applications(void **state)
{
	static const struct mistake mistakes[] = {
	    {SECRETLESS("office365", "tenant_id = \"x.org\" key_file = \"k\""),
		1,
		"application \"c\": key_file stands without certificate_file"},
	    {SECRETLESS("office365",
		 "tenant_id = \"x.org\" certificate_file = {\"a\", \"b\"}\n"
		 "key_file = \"k\""),
		2,
		"application \"c\": key_file needs as many files as "
		"certificate_file"},
	    {SECRETLESS(
		 "office365", "tenant_id = \"x.org\" certificate_file = { }"),
		1, "application \"c\": certificate_file is empty"},
	    {SECRETLESS("office365",
		 "tenant_id = \"x.org\" client_secret_file = \"s\"\n"
		 "federated_token_file = \"t\""),
		2,
		"application \"c\": federated_token_file stands beside "
		"client_secret_file; an application proves who it is in one"},
	    {SECRETLESS("office365",
		 "tenant_id = \"x.org\" certificate_file = \"a\"\n"
		 "assertion_algorithm = \"ES256\""),
		2,
		"application \"c\": assertion_algorithm = \"ES256\" is not "
		"possible; use PS256 or RS256"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

#define IDENTITY(options)                                                      \
	"application \"c\" { provider = \"office365\"\n" options " }\n"

static void
test_managed_identities(void **state)
{
	static const struct mistake mistakes[] = {
	    {IDENTITY("managed_identity = \"relay\""), 2,
		"application \"c\": managed_identity is neither \"system\" nor "
		"the client ID"},
	    {SECRETLESS("office365",
		 "tenant_id = \"x.org\" managed_identity = \"system\""),
		1,
		"application \"c\": managed_identity = \"system\" cannot stand "
		"for an application; write the client ID"},
	    {IDENTITY("managed_identity = \"system\" metadata_endpoint = "
		      "\"http://192.0.2.1/x\""),
		2, "application \"c\": metadata_endpoint = "},
	    {IDENTITY("managed_identity = \"system\"")
		    GRANT("authorization_code"),
		4,
		"account \"a@x.org\": grant must be client_credentials: its "
		"application is a managed identity"},
	};
	struct conf *conf;

	(void)state;
	ALL_REFUSED(mistakes);
	conf = conf_files_load(IDENTITY("managed_identity = \"system\"")
		GRANT("client_credentials"));
	assert_string_equal(conf->applications[0].token_endpoint,
	    "http://169.254.169.254/metadata/identity/oauth2/token");
	assert_true(conf->applications[0].is_identity);
	conf_free(conf);
}

static void
test_grants_and_applications(void **state)
{
	static const struct mistake mistakes[] = {
	    {SECRETLESS("office365", "tenant_id = \"x.org\"")
		    GRANT("client_credentials"),
		4,
		"account \"a@x.org\": grant = \"client_credentials\" needs "
		"client_secret_file, certificate_file, "},
	    {SECRETLESS("office365",
		 "tenant_id = \"common\"") "account \"a@x.org\" {\n grant = "
					   "\"password\" password_file = "
					   "\"p\"\n}\n",
		4,
		"account \"a@x.org\": grant = \"password\" does not work with "
		"tenant_id common or consumers"},
	    {SECRETLESS("outlook", "client_secret_file = \"s\"")
		    GRANT("client_credentials"),
		4,
		"account \"a@x.org\": grant = \"client_credentials\" is not "
		"offered by this provider; use authorization_code"},
	    {SECRETLESS("outlook", "tenant_id = \"x.org\""), 1,
		"application \"c\": tenant_id has no meaning for personal"},
	    {SECRETLESS("google", "") GRANT("device_code"), 4,
		"account \"a@x.org\": grant = \"device_code\" needs "
		"device_authorization_endpoint in its application"},
	    {SECRETLESS("office365",
		 "tenant_id = "
		 "\"66666666-7777-8888-9999-000000000000\""),
		1, "application \"c\": tenant_id is the same as client_id"},
	    {SECRETLESS("office365",
		 "tenant_id = \"x.org\" client_secret_expires = "
		 "\"2028-01-01\""),
		1,
		"application \"c\": client_secret_expires stands without "
		"client_secret_file"},
	    {"application \"c\" { provider = \"office365\" tenant_id = "
	     "\"x.org\"\nclient_id = \"my app\" }\n",
		2, "application \"c\": client_id = \"my app\" has a blank"},
	    {"application \"c\" { provider = \"office365\" tenant_id = "
	     "\"x.org\"\nclient_id = \"myapp\" }\n",
		2, "application \"c\": client_id is not of the form"},
	    {ACCOUNT("password_file = \"p\""), 4,
		"account \"a@x.org\": password_file is for grant \"password\" "
		"only"},
	    {APP "account \"@x.org\" {\n grant = \"refresh_token\"\n}\n", 4,
		"account \"@x.org\": grant of an account for a whole domain "
		"must be client_credentials"},
	    {APP "account \"@x.org\" { grant = \"client_credentials\"\n user "
		 "= \"a@x.org\"\n}\n",
		4, "account \"@x.org\": user has no meaning"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_one_accounts_only),
	    cmocka_unit_test(test_the_same_elsewhere),
	    cmocka_unit_test(test_servers_to_log_in_to),
	    cmocka_unit_test(test_missing_options),
	    cmocka_unit_test(test_applications_of_accounts),
	    cmocka_unit_test(test_proofs_of_applications),
	    cmocka_unit_test(test_managed_identities),
	    cmocka_unit_test(test_grants_and_applications),
	};

	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
