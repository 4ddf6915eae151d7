/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handover: the eight values out of what people write.
 * link: cli/handover cli/handover_title cli/handover_line
 */
#include "cli/handover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TENANT "11111111-2222-3333-4444-555555555555"
#define CLIENT "66666666-7777-8888-9999-000000000000"
#define SECRET "abc8Q~Def_-.0123456789~abcdefghijklmnopq"
#define LOGIN "https://login.microsoftonline.com/" TENANT "/oauth2/v2.0/"

static const char plain[] =
    "Modern Auth Client Secret: " SECRET "\n"
    "Modern Auth Client ID: " CLIENT "\n"
    "Modern Auth Tenant ID: " TENANT "\n"
    "Modern Auth Authorization Endpoint: " LOGIN "authorize\n"
    "Modern Auth Token Endpoint: " LOGIN "token\n"
    "From Account: relay@contoso.com\n"
    "User: login@contoso.com\n"
    "Password: blue horse: 'x' > y\n";

static void
expect_field(
    const struct handover *h, enum handover_field field, const char *value)
{
	const char *found = handover_get(h, field);

	if (found == NULL)
		fail_msg("%s was not found", handover_title(field));
	assert_string_equal(found, value);
}

static void
expect_all(const char *text, const char *password)
{
	struct handover h;

	handover_init(&h);
	if (handover_parse(&h, text) != 0)
		fail_msg("%s: %s", text, h.problems.data);
	expect_field(&h, HANDOVER_CLIENT_SECRET, SECRET);
	expect_field(&h, HANDOVER_CLIENT_ID, CLIENT);
	expect_field(&h, HANDOVER_TENANT_ID, TENANT);
	expect_field(&h, HANDOVER_AUTHORIZATION_ENDPOINT, LOGIN "authorize");
	expect_field(&h, HANDOVER_TOKEN_ENDPOINT, LOGIN "token");
	expect_field(&h, HANDOVER_FROM_ACCOUNT, "relay@contoso.com");
	expect_field(&h, HANDOVER_USER, "login@contoso.com");
	expect_field(&h, HANDOVER_PASSWORD, password);
	handover_clear(&h);
}

static void
expect_one(const char *text, enum handover_field field, const char *value)
{
	struct handover h;
	int i;

	handover_init(&h);
	if (handover_parse(&h, text) != 0)
		fail_msg("%s: %s", text, h.problems.data);
	for (i = 0; i < HANDOVER_FIELDS; i++)
		if (value == NULL || i != (int)field)
			if (handover_get(&h, (enum handover_field)i) != NULL)
				fail_msg("%s: %s was found, \"%s\"", text,
				    handover_title((enum handover_field)i),
				    h.value[i].data);
	if (value != NULL)
		expect_field(&h, field, value);
	handover_clear(&h);
}

static void
expect_problem(const char *text, const char *words)
{
	struct handover h;

	handover_init(&h);
	assert_int_equal(handover_parse(&h, text), 1);
	if (strstr(h.problems.data, words) == NULL)
		fail_msg("%s", h.problems.data);
	handover_clear(&h);
}

/* Each line through a function that writes it in another way. */
static char *
rewritten(const char *(*change)(const char *line, char *out, size_t size))
{
	static char text[8192];
	char line[512], out[1024];
	const char *p = plain;
	size_t len;

	text[0] = '\0';
	for (; *p != '\0'; p += len + 1) {
		len = strcspn(p, "\n");
		memcpy(line, p, len);
		line[len] = '\0';
		strcat(text, change(line, out, sizeof(out)));
	}
	return text;
}

static void
test_the_vendors_text(void **state)
{
	(void)state;
	expect_all(plain, "blue horse: 'x' > y");
}

static const char *
windows(const char *line, char *out, size_t size)
{
	snprintf(out, size, "%s\r\n", line);
	return out;
}

static const char *
quoted(const char *line, char *out, size_t size)
{
	snprintf(out, size, "> > %s\r\n> >\r\n", line);
	return out;
}

static const char *
bullets(const char *line, char *out, size_t size)
{
	snprintf(out, size, " \xe2\x80\xa2 %s\n", line);
	return out;
}

static const char *
numbers(const char *line, char *out, size_t size)
{
	static int number;

	snprintf(out, size, "%d) %s\n", ++number, line);
	return out;
}

static const char *
below(const char *line, char *out, size_t size)
{
	int title = (int)(strstr(line, ": ") - line);

	snprintf(out, size, "%.*s:\n\n    %s\n", title, line, line + title + 2);
	return out;
}

static const char *
table(const char *line, char *out, size_t size)
{
	int title = (int)(strstr(line, ": ") - line);

	snprintf(
	    out, size, "| **%.*s** | %s |\n", title, line, line + title + 2);
	return out;
}

static const char *
tabs(const char *line, char *out, size_t size)
{
	int title = (int)(strstr(line, ": ") - line);

	snprintf(out, size, "%.*s\t%s\n", title, line, line + title + 2);
	return out;
}

static const char *
emphasis(const char *line, char *out, size_t size)
{
	int title = (int)(strstr(line, ": ") - line);

	snprintf(out, size, "- **%.*s:** %s\n", title, line, line + title + 2);
	return out;
}

/* Typographic quotes around the value, a fullwidth colon, no-break blanks. */
static const char *
typographic(const char *line, char *out, size_t size)
{
	int title = (int)(strstr(line, ": ") - line);

	snprintf(out, size,
	    "\xc2\xa0%.*s\xc2\xa0\xef\xbc\x9a\xc2\xa0"
	    "\xe2\x80\x9e%s\xe2\x80\x9c\xc2\xa0\n",
	    title, line, line + title + 2);
	return out;
}

/* What Outlook saved on a Western Windows. */
static const char *
windows_1252(const char *line, char *out, size_t size)
{
	int title = (int)(strstr(line, ": ") - line);

	snprintf(out, size, "%.*s\xa0=\xa0\x93%s\x94\r\n", title, line,
	    line + title + 2);
	return out;
}

static void
test_forms(void **state)
{
	static const char *(*const changes[])(const char *, char *, size_t) = {
	    windows, quoted, bullets, numbers, below, table, tabs, emphasis,
	    typographic, windows_1252};
	char text[8192];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		expect_all(rewritten(changes[i]), "blue horse: 'x' > y");
	snprintf(text, sizeof(text), "\xef\xbb\xbf%s", plain);
	expect_all(text, "blue horse: 'x' > y");
}

/* The lines from the last to the first, and a mail around them. */
static void
test_any_order(void **state)
{
	char text[8192] = "Dear support,\n\nas you asked in your instruction, "
			  "the user and the password for the client ID are "
			  "below. Secret follows:\n\n";
	const char *end = plain + strlen(plain) - 1, *p;

	(void)state;
	while (end > plain) {
		for (p = end; p > plain && p[-1] != '\n'; p--)
			continue;
		strncat(text, p, (size_t)(end - p) + 1);
		end = p - 1;
	}
	strcat(text, "\nKind regards\nUser of your product\n-- \nIT\n");
	/* The password is the first line there, and not the sentence. */
	expect_all(text, "blue horse: 'x' > y");
}

static const struct {
	const char *text;
	enum handover_field field;
	const char *value;
} spellings[] = {
    {"Application (client) ID: 1", HANDOVER_CLIENT_ID, "1"},
    {"Application (client) ID\n1", HANDOVER_CLIENT_ID, "1"},
    {"ApplicationId = 1", HANDOVER_CLIENT_ID, "1"},
    {"client_id=1", HANDOVER_CLIENT_ID, "1"},
    {"ClientID 1", HANDOVER_CLIENT_ID, "1"},
    {"modern auth CLIENT id :1", HANDOVER_CLIENT_ID, "1"},
    {"MODERN AUTHENTICATION CLIENT ID -> 1", HANDOVER_CLIENT_ID, "1"},
    {"Client ID \xe2\x80\x93 1", HANDOVER_CLIENT_ID, "1"},
    {"Client ID   1", HANDOVER_CLIENT_ID, "1"},
    {"\"client_id\": \"1\"", HANDOVER_CLIENT_ID, "1"},
    {"Modern Auth Cleint ID: 1", HANDOVER_CLIENT_ID, "1"},
    {"App-ID: 1", HANDOVER_CLIENT_ID, "1"},
    {"Directory (tenant) ID: 1", HANDOVER_TENANT_ID, "1"},
    {"Azure AD Tenant ID: 1", HANDOVER_TENANT_ID, "1"},
    {"Tennant ID: 1", HANDOVER_TENANT_ID, "1"},
    {"Tenant: 1", HANDOVER_TENANT_ID, "1"},
    {"Client Secret (Value): x", HANDOVER_CLIENT_SECRET, "x"},
    {"Client Secret Value = x", HANDOVER_CLIENT_SECRET, "x"},
    {"Secret: x", HANDOVER_CLIENT_SECRET, "x"},
    {"Secret ID: x", HANDOVER_SECRET_ID, "x"},
    {"Client secret ID: x", HANDOVER_SECRET_ID, "x"},
    {"OAuth 2.0 authorization endpoint (v2): https://a/b",
	HANDOVER_AUTHORIZATION_ENDPOINT, "https://a/b"},
    {"OAuth 2.0 token endpoint (v2)\nhttps://a/b", HANDOVER_TOKEN_ENDPOINT,
	"https://a/b"},
    {"Token URL: <https://a/b>.", HANDOVER_TOKEN_ENDPOINT, "https://a/b"},
    {"Authorisation Endpoint: https://a/b<https://a/b>",
	HANDOVER_AUTHORIZATION_ENDPOINT, "https://a/b"},
    {"From: Relay <a@b.example>", HANDOVER_FROM_ACCOUNT, NULL},
    {"From Account: Relay <a@b.example>", HANDOVER_FROM_ACCOUNT, "a@b.example"},
    {"From Account: a@b.example<mailto:a@b.example>", HANDOVER_FROM_ACCOUNT,
	"a@b.example"},
    {"From Account: [a@b.example](mailto:a@b.example)", HANDOVER_FROM_ACCOUNT,
	"a@b.example"},
    {"From e-mail address: a@b.example", HANDOVER_FROM_ACCOUNT, "a@b.example"},
    {"User name: u", HANDOVER_USER, "u"},
    {"User Principal Name (UPN): u", HANDOVER_USER, "u"},
    {"UPN: u", HANDOVER_USER, "u"},
    {"Pwd: \xe2\x80\x9cp\xe2\x80\x9d", HANDOVER_PASSWORD, "p"},
    {"PASSWORD\np", HANDOVER_PASSWORD, "p"},
    {"Password: p\xe2\x80\x93q", HANDOVER_PASSWORD, "p\xe2\x80\x93q"},
    {"Password:  *p*", HANDOVER_PASSWORD, "*p*"},
    {"Password: \"p", HANDOVER_PASSWORD, "\"p"},
    {"Password:\n> p", HANDOVER_PASSWORD, "> p"},
    {"> Password:\n> p", HANDOVER_PASSWORD, "p"},
    /* a no-break hyphen, something nobody sees */
    {"Client ID: 1\xe2\x80\x91\xe2\x80\x8b"
     "2",
	HANDOVER_CLIENT_ID, "1-2"},
    {"Enterprise application object ID: o", HANDOVER_OBJECT_ID, "o"},
    {"Secret expires on: 2028-10-31", HANDOVER_SECRET_EXPIRES, "2028-10-31"},
};
static void
test_spellings(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		expect_one(
		    spellings[i].text, spellings[i].field, spellings[i].value);
}

static void
test_what_is_no_title(void **state)
{
	static const char *const texts[] = {
	    "",
	    "\n\n\n",
	    "User must not be in an MFA policy\n",
	    "The client ID of the application is on its overview page.\n",
	    "Client ID and tenant ID are below\n",
	    "Passwords are sent separately\n",
	    "Object storage: s3\n",
	    "Users: all\n",
	    "Subject: Re: set-up\nDate: today\nTo: support@example.com\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_one(texts[i], HANDOVER_CLIENT_ID, NULL);
}

/* Cut at 72 columns on its way, and quoted. */
static void
test_wrapped_address(void **state)
{
	(void)state;
	expect_one("> Token Endpoint:\n> https://login.microsoftonline.com/"
		   "11111111-2222-3333-4444-5555\n> 55555555/oauth2/v2.0/"
		   "token\n> Regards\n",
	    HANDOVER_TOKEN_ENDPOINT, LOGIN "token");
	expect_one("Token Endpoint: " LOGIN "token\nRegards\n",
	    HANDOVER_TOKEN_ENDPOINT, LOGIN "token");
}

static void
test_problems(void **state)
{
	static const char twice[] = "Client ID: 1\nUser: u\nClient ID: 2\n";

	(void)state;
	expect_problem(twice, "lines 1 and 3 give two values of Modern Auth "
			      "Client ID");
	expect_problem("\nPassword:\nUser: u\n", "line 2: Password has no");
	expect_problem("Secret:   \n", "line 1: Modern Auth Client Secret");
	expect_problem("\xff\xfe"
		       "U",
	    "UTF-16");
	/* The same twice is no contradiction. */
	expect_one(
	    "Client ID: 1\nApplication ID: 1\n", HANDOVER_CLIENT_ID, "1");
}

static void
test_problems_name_no_secret(void **state)
{
	struct handover h;
	char text[HANDOVER_VALUE_MAX + 100];

	(void)state;
	handover_init(&h);
	assert_int_equal(
	    handover_parse(&h, "Password: kurz\nPassword: lang\n"), 1);
	assert_null(strstr(h.problems.data, "kurz"));
	assert_null(strstr(h.problems.data, "lang"));
	handover_clear(&h);
	memset(text, 'x', sizeof(text));
	memcpy(text, "Password: ", 10);
	text[sizeof(text) - 1] = '\0';
	expect_problem(text, "line 1: Password is longer");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_vendors_text),
	    cmocka_unit_test(test_forms),
	    cmocka_unit_test(test_any_order),
	    cmocka_unit_test(test_spellings),
	    cmocka_unit_test(test_what_is_no_title),
	    cmocka_unit_test(test_wrapped_address),
	    cmocka_unit_test(test_problems),
	    cmocka_unit_test(test_problems_name_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
