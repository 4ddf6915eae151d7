/* SPDX-License-Identifier: Apache-2.0 */
/*
 * setup_draft, setup_text, setup_steps: an account as it is to be, in the
 * configuration and in the steps that are left.
 * link: cli/setup_draft cli/setup_text cli/setup_steps cli/conf_edit cli/show
 */
#include "cli/setup_draft.h"
#include "cli/setup_steps.h"
#include "cli/setup_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TENANT "11111111-2222-3333-4444-555555555555"
#define CLIENT "66666666-7777-8888-9999-000000000000"
#define APPLICATION(name, more)                                                \
	"application \"" name "\" {\n    provider = \"office365\"\n"           \
	"    tenant_id = \"" TENANT "\"\n    client_id = \"" CLIENT            \
	"\"\n" more "}\n"
#define ACCOUNT(name, app, grant)                                              \
	"account \"" name "\" {\n    application = \"" app "\"\n"              \
	"    grant = \"" grant "\"\n}\n"
#define SECRET_FILE "    client_secret_file = \"secrets/x\"\n"
#define HEAD                                                                   \
	"# postoak: made by \"postoak setup\", which changes it, too, and "    \
	"keeps what\n# stands here. postoak.conf(5) describes every option.\n"

static struct setup_draft draft;
static struct conf *conf;

static void
begin(const char *text, const char *name)
{
	char path[] = "/tmp/test_setup.XXXXXX";
	struct err err;
	int fd;

	conf = NULL;
	if (text[0] != '\0') {
		fd = mkstemp(path);
		assert_int_equal(
		    write(fd, text, strlen(text)), (int)strlen(text));
		close(fd);
		conf = conf_load(path, &err);
		unlink(path);
		if (conf == NULL)
			fail_msg("%s", err.text);
	}
	setup_draft_init(&draft, conf);
	setup_draft_account(&draft, name);
}

static void
set_ids(enum conf_grant grant, enum conf_proof proof)
{
	strcpy(draft.tenant_id, TENANT);
	strcpy(draft.client_id, CLIENT);
	draft.grant = grant;
	draft.proof = proof;
}

static void
end(void)
{
	setup_draft_clear(&draft);
	conf_free(conf);
}

static void
expect_text(const char *before, const char *after)
{
	struct buf out;
	struct err err;

	setup_draft_place(&draft);
	buf_init(&out, 65536);
	assert_int_equal(setup_text(&out, "x", before, &draft, &err), 0);
	assert_string_equal(out.data, after);
	buf_clear(&out);
}

static void
test_new_file(void **state)
{
	(void)state;
	begin("", "relay@mail.contoso.co.uk");
	set_ids(CONF_GRANT_CLIENT_CREDENTIALS, CONF_PROOF_CERTIFICATE);
	expect_text("",
	    HEAD "\napplication \"contoso\" {\n"
		 "    provider         = \"office365\"\n"
		 "    tenant_id        = \"" TENANT "\"\n"
		 "    client_id        = \"" CLIENT "\"\n"
		 "    certificate_file = \"secrets/contoso.pem\"\n"
		 "    key_file         = \"secrets/contoso.key\"\n}\n"
		 "\naccount \"relay@mail.contoso.co.uk\" {\n"
		 "    application = \"contoso\"\n"
		 "    grant       = \"client_credentials\"\n}\n");
	end();
}

static void
test_names(void **state)
{
	static const struct {
		const char *account, *application;
	} cases[] = {
	    {"relay@contoso.com", "contoso"},
	    {"relay@contoso.onmicrosoft.com", "contoso"},
	    {"@mail.fabrikam.example", "fabrikam"},
	    {"relay@contoso.co.uk", "contoso"},
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin("", cases[i].account);
		set_ids(CONF_GRANT_CLIENT_CREDENTIALS, CONF_PROOF_SECRET);
		setup_draft_place(&draft);
		assert_string_equal(draft.application, cases[i].application);
		end();
	}
	/* Nothing that a path could mean. */
	begin("", "../a/b@contoso.com");
	setup_draft_place(&draft);
	assert_string_equal(
	    draft.password_file, "secrets/%2E.%2Fa%2Fb@contoso.com.password");
	end();
	/* Of two names never one file. */
	begin("", "j\xc3\xb6rg@contoso.com");
	setup_draft_place(&draft);
	assert_string_equal(
	    draft.password_file, "secrets/j%C3%B6rg@contoso.com.password");
	end();
}

/* The same application with the same proof: one section for both. */
static void
test_second_account(void **state)
{
	static const char before[] = APPLICATION("shared", SECRET_FILE)
	    ACCOUNT("a@contoso.com", "shared", "client_credentials");

	(void)state;
	begin(before, "b@contoso.com");
	set_ids(CONF_GRANT_CLIENT_CREDENTIALS, CONF_PROOF_SECRET);
	expect_text(before,
	    APPLICATION("shared", SECRET_FILE)
		ACCOUNT("a@contoso.com", "shared",
		    "client_credentials") "\naccount \"b@contoso.com\" {\n    "
					  "application = \"shared\"\n"
					  "    grant       = "
					  "\"client_credentials\"\n}\n");
	end();
}

/* Another proof, and somebody else uses it: a section of its own, with what was
 * changed of the preset. */
static void
test_shared_application(void **state)
{
	static const char before[] = APPLICATION("contoso",
	    SECRET_FILE "    hosts = { \"localhost\", \"mail.example\" }\n"
			"    proxy = \"http://proxy.example:3128\"\n")
	    ACCOUNT("a@contoso.com", "contoso", "client_credentials")
		ACCOUNT("b@contoso.com", "contoso", "client_credentials");
	struct buf out;
	struct err err;
	const char *added;

	(void)state;
	begin(before, "b@contoso.com");
	draft.grant = CONF_GRANT_DEVICE_CODE;
	draft.proof = CONF_PROOF_NONE;
	setup_draft_place(&draft);
	assert_string_equal(draft.application, "contoso-2");
	buf_init(&out, 65536);
	assert_int_equal(setup_text(&out, "x", before, &draft, &err), 0);
	added = strstr(out.data, "application \"contoso-2\"");
	assert_non_null(added);
	assert_non_null(strstr(added, "\"localhost\", \"mail.example\""));
	assert_non_null(strstr(added, "\"http://proxy.example:3128\""));
	assert_null(strstr(added, "endpoint"));
	assert_null(strstr(added, "client_secret_file"));
	buf_clear(&out);
	end();
}

static void
test_proof_changes(void **state)
{
	static const char before[] = APPLICATION("contoso",
	    SECRET_FILE "    client_secret_expires = \"2040-01-01\"\n")
	    ACCOUNT("a@contoso.com", "contoso", "client_credentials");

	(void)state;
	begin(before, "a@contoso.com");
	draft.grant = CONF_GRANT_DEVICE_CODE;
	draft.proof = CONF_PROOF_NONE;
	expect_text(before, APPLICATION("contoso", "") ACCOUNT(
				"a@contoso.com", "contoso", "device_code"));
	end();
}

static void
test_endpoints_and_scope(void **state)
{
	static const char before[] = APPLICATION("contoso", "")
	    ACCOUNT("a@contoso.com", "contoso", "device_code");
	struct buf out;
	struct err err;

	(void)state;
	begin(before, "a@contoso.com");
	/* As the preset has it: no line. */
	strcpy(draft.token_endpoint,
	    "https://login.microsoftonline.com/" TENANT "/oauth2/v2.0/token");
	strcpy(draft.server, "smtp.office365.com");
	expect_text(before, before);
	strcpy(draft.server, "localhost");
	draft.fetch = SETUP_FETCH_IMAP;
	draft.fetch_is_known = 1;
	buf_init(&out, 65536);
	assert_int_equal(setup_text(&out, "x", before, &draft, &err), 0);
	assert_non_null(strstr(out.data, "hosts = { \"localhost\" }"));
	assert_non_null(
	    strstr(out.data, "scope = \"https://outlook.office.com/SMTP.Send "
			     "https://outlook.office.com/IMAP.AccessAsUser.All "
			     "offline_access\""));
	buf_clear(&out);
	end();
}

/* --- steps ---------------------------------------------------------------- */

static void
expect_steps(const char *const words[], const char *never)
{
	struct buf out;
	size_t i;

	buf_init(&out, 65536);
	setup_steps(&out, &draft, NULL, NULL);
	for (i = 0; words[i] != NULL; i++)
		if (strstr(out.data, words[i]) == NULL)
			fail_msg("no \"%s\" in %s", words[i], out.data);
	if (strstr(out.data, never) != NULL)
		fail_msg("\"%s\" in %s", never, out.data);
	buf_clear(&out);
}

static void
test_steps(void **state)
{
	static const char *const app_only[] = {"SMTP.SendAsApp",
	    "https://login.microsoftonline.com/" TENANT
	    "/adminconsent?client_id=" CLIENT,
	    "New-ServicePrincipal -AppId " CLIENT " -ObjectId OBJECT-ID\n",
	    "Add-MailboxPermission -Identity \"a@contoso.com\" -User OBJECT-ID",
	    "Set-CASMailbox -Identity \"a@contoso.com\"", NULL};
	static const char *const person[] = {
	    "SMTP.Send, offline_access", "Allow public client flows", NULL};
	static const char *const password[] = {"multi-factor", NULL};
	static const char *const government[] = {"https://portal.azure.us",
	    "https://login.microsoftonline.us/" TENANT "/adminconsent", NULL};
	static const char *const hve[] = {
	    "Mail.Send", "Add-HVEAppAccess", NULL};
	static const char *const google[] = {"Domain-wide delegation", NULL};

	(void)state;
	begin("", "a@contoso.com");
	set_ids(CONF_GRANT_CLIENT_CREDENTIALS, CONF_PROOF_CERTIFICATE);
	expect_steps(app_only, "multi-factor");
	set_ids(CONF_GRANT_DEVICE_CODE, CONF_PROOF_NONE);
	expect_steps(person, "New-ServicePrincipal");
	set_ids(CONF_GRANT_PASSWORD, CONF_PROOF_SECRET);
	expect_steps(password, "public client");
	strcpy(draft.provider, "office365-gcc-high");
	expect_steps(government, "entra.microsoft.com");
	strcpy(draft.provider, "office365-hve");
	set_ids(CONF_GRANT_CLIENT_CREDENTIALS, CONF_PROOF_SECRET);
	expect_steps(hve, "SmtpClientAuthenticationDisabled");
	strcpy(draft.provider, "google");
	draft.grant = CONF_GRANT_JWT_BEARER;
	expect_steps(google, "Microsoft");
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_new_file),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_second_account),
	    cmocka_unit_test(test_shared_application),
	    cmocka_unit_test(test_proof_changes),
	    cmocka_unit_test(test_endpoints_and_scope),
	    cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
