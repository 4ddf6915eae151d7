/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every mistake in a configuration is answered with its file, its line, the
 * option, the value and the remedy.
 */
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

#include "conf.h"

static char dir[] = "/tmp/postoak-conf-XXXXXX";
static char main_path[64];

/* Two lines that make an account's mistakes its own: the first is line 3. */
#define APP                                                                    \
	"application \"c\" { provider = \"office365\" "                        \
	"tenant_id = \"11111111-2222-3333-4444-555555555555\"\n"               \
	"client_id = \"66666666-7777-8888-9999-000000000000\" "                \
	"client_secret_file = \"secrets/c\" }\n"
#define ACCOUNT(options)                                                       \
	APP "account \"a@x.org\" { grant = \"refresh_token\"\n" options "\n}"  \
	    "\n"
#define APPLICATION(options)                                                   \
	"application \"c\" { provider = \"office365\"\n"                       \
	"tenant_id = \"11111111-2222-3333-4444-555555555555\"\n"               \
	"client_id = \"66666666-7777-8888-9999-000000000000\"\n" options       \
	"\n}\n"

static void
write_file(const char *name, const char *data, size_t len)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

static int
make_dir(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(main_path, sizeof(main_path), "%s/postoak.conf", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* The main file is text: loading it must fail with "FILE:LINE: " and the
 * rest. */
static void
expect(
    const char *text, size_t len, const char *file, int line, const char *rest)
{
	char wanted[900];
	struct err err = {0};
	struct conf *conf;

	write_file("postoak.conf", text, len);
	conf = conf_load(main_path, &err);
	if (conf != NULL)
		fail_msg("accepted, wanted \"%s\": %s", rest, text);
	snprintf(wanted, sizeof(wanted), "%s/%s:%d: %s", dir, file, line, rest);
	assert_int_equal(err.kind, ERR_CONFIG);
	if (strncmp(err.text, wanted, strlen(wanted)) != 0)
		fail_msg("wanted: %s\n     got: %s", wanted, err.text);
}

struct mistake {
	const char *text;
	int line;
	const char *error;
};

static void
expect_all(const struct mistake *mistakes, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		expect(mistakes[i].text, strlen(mistakes[i].text),
		    "postoak.conf", mistakes[i].line, mistakes[i].error);
}

#define EXPECT_ALL(mistakes)                                                   \
	expect_all(mistakes, sizeof(mistakes) / sizeof((mistakes)[0]))

/* --- the language -------------------------------------------------------- */

static void
test_syntax(void **state)
{
	static const struct mistake mistakes[] = {
	    {"tokend {\n store = \"/x\n}\n", 2,
		"a string is not closed on its line; write the missing quote"},
	    {"# c\n/* c\n c */ tokend {\n store = '/x\n}\n", 4,
		"a string is not closed"},
	    {"tokend {\n}\n/* never\n closed\n", 3,
		"a comment begins here that is not closed"},
	    {"\ntokend {\n store = \"/x\"\n", 2,
		"the section that begins here is not closed; write } where it "
		"ends"},
	    {"tokend {\n}\n}\n", 3, "one } too many; delete it"},
	    {"tokend {\n store \"/x\"\n}\n", 2,
		"option store is not followed by \"=\"; write store = "
		"\"value\""},
	    {"tokend {\n store = \n}\n", 3, "\"}\" does not belong here"},
	    {"tokend {\n listen = { \"/a\" \"/b\" }\n}\n", 2,
		"\"/b\" does not belong here; look for a missing quote, comma"},
	    {"tokend {\n listen = { , \"/b\" }\n}\n", 2,
		"\",\" does not belong here"},
	    {"tokend {\n store = \"/x\";\n}\n", 2,
		"a semicolon; lines do not end with one here"},
	    {"account {\n}\n", 1,
		"section account has no name; write account \"name\" { ... }"},
	    {"tokend \"x\" {\n}\n", 1, "section tokend has no {"},
	    {"account \"a\" \"b\" {\n}\n", 1, "section account has no {"},
	    {"tokend {\n store = \"${HOME}/x\"\n}\n", 2,
		"${...}: environment variables are not put in"},
	    {"tokend {\n store = ${HOME}\n}\n", 2, "${...}: environment"},
	    {"tokend {\n allow_users += { \"x\" }\n}\n", 2,
		"\"+\" has no meaning here; write a list once"},
	    {"tokend {\n store = /x/*y\n}\n", 2, "\"*\" has no meaning here"},
	    {"tokend {\n store = \"C:\\new\"\n}\n", 2,
		"a backslash stands before \\ and quotes only"},
	    {"tokend {\n store = \"a\001b\"\n}\n", 2, "a control character"},
	    {"tokend {\n # \033[2J\n}\n", 2, "a control character"},
	    {"tokend {\r\n store = \"/x\ry\"\n}\n", 2, "a carriage return"},
	    {"tokend {\n # caf\xe9\n}\n", 2, "a byte that is not UTF-8"},
	    {"accounts_directory =", 1, "the file ends in the middle"},
	    {"include \"x\"\n", 1, "write include(\"file\")"},
	    {"include(\"x\", \"y\")\n", 1, "write include(\"file\")"},
	    {"include(\"x\"\n", 1, "write include(\"file\")"},
	    {"include()\n", 1, "write include(\"file\")"},
	    {"includ(\"x\")\n", 1, "parentheses have no meaning here"},
	    {"\"include\"(\"x\")\n", 1, "parentheses have no"},
	    {"tokend {\n store = /x(1)\n}\n", 2, "parentheses have no"},
	    {"{\n}\n", 1, "\"{\" does not belong here"},
	    {"tokend {\n \"listen|x\" = 1\n}\n", 2,
		"no sub-section title/index for 'listen'"},
	    {"\"tokend|listen\" = 1\n", 1,
		"no sub-section title/index for 'tokend'"},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

static void
test_unknown_options(void **state)
{
	static const struct mistake mistakes[] = {
	    {"tokend {\n lisen = { \"/x\" }\n}\n", 2,
		"section tokend has no option \"lisen\"; did you mean listen?"},
	    {ACCOUNT("passwordfile = \"x\""), 4,
		"section account has no option \"passwordfile\"; did you mean "
		"password_file?"},
	    {ACCOUNT("Senders = { \"x\" }"), 4,
		"section account has no option \"Senders\"; did you mean "
		"senders?"},
	    {ACCOUNT("tenant_id = \"x\""), 4,
		"section account has no option tenant_id; it belongs into "
		"section application"},
	    {ACCOUNT("zzzzzz = \"x\""), 4,
		"section account has no option \"zzzzzz\"; postoak.conf(5) "
		"lists those it has"},
	    {ACCOUNT("include(\"x\")"), 4,
		"include stands inside of a section; put it outside of all"},
	    {ACCOUNT("account \"b\" { }"), 4, "section account has no option "},
	    {"user = \"x\"\n", 1,
		"option user stands outside of all sections; put it into "
		"account \"name\" { ... }"},
	    {"acount \"a\" {\n}\n", 1,
		"there is no section or option \"acount\"; use tokend, milter"},
	    {ACCOUNT("accounts_directory = \"x\""), 4,
		"section account has no option accounts_directory; it belongs "
		"outside of all sections"},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

static void
test_twice(void **state)
{
	static const struct mistake mistakes[] = {
	    {"tokend {\n store = \"/a\"\n\n store = \"/b\"\n}\n", 4,
		"tokend: store = \"/b\" stands a second time; the first is in "
		"line 2"},
	    {"tokend {\n listen = { \"/a\", \"/b\" }\n listen = { \"/c\" "
	     "}\n}\n",
		3, "tokend: listen = \"/c\" stands a second time"},
	    {"tokend {\n}\n# x\ntokend {\n}\n", 4,
		"section tokend stands a second time; the first is at "},
	    {"milter {\n}\nmilter {\n}\n", 3, "section milter stands a second"},
	    {APP "application \"C\" {\n}\n", 3,
		"application \"C\" stands a second time (large and small "
		"letters are the same)"},
	    {ACCOUNT("") "account \"A@x.org\" {\n}\n", 6,
		"account \"A@x.org\" stands a second time (large and small "
		"letters are the same); the first is at "},
	    {"accounts_directory = \".\"\naccounts_directory = \".\"\n", 2,
		"accounts_directory = \".\" stands a second time"},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

static void
test_secrets_have_no_place(void **state)
{
	static const struct mistake mistakes[] = {
	    {APPLICATION("client_secret = \"abc8Q~x\""), 4,
		"client_secret: a secret has no place in the configuration; "
		"put it into a file that only the user postoak can read and "
		"write client_secret_file = \"secrets/NAME\""},
	    {ACCOUNT("password = \"hunter2\""), 4,
		"password: a secret has no place in the configuration; put it "
		"into a file that only the user postoak can read and write "
		"password_file = \"secrets/NAME\""},
	    {APPLICATION("client_secret_file = "
			 "\"abc8Q~0123456789abcdefghijklmnopqrstuvwx\""),
		4,
		"application \"c\": client_secret_file = \"(not shown)\" looks "
		"like the secret itself; put it into a file"},
	    {APPLICATION("proxy = \"http://u:hunter2@proxy:3128\""), 4,
		"application \"c\": proxy = \"(not shown)\" has a user or "
		"password in it"},
	    {"milter {\n counters = \"redis://:hunter2@h/0\"\n}\n", 2,
		"milter: counters = \"(not shown)\" has a user or password"},
	};
	struct err err = {0};
	size_t i;

	(void)state;
	EXPECT_ALL(mistakes);
	for (i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		write_file(
		    "postoak.conf", mistakes[i].text, strlen(mistakes[i].text));
		assert_null(conf_load(main_path, &err));
		assert_null(strstr(err.text, "hunter2"));
		assert_null(strstr(err.text, "abc8Q"));
	}
}

/* --- values -------------------------------------------------------------- */

static void
test_words(void **state)
{
	static const struct mistake mistakes[] = {
	    {APP "account \"x\" {\n grant = \"pasword\"\n}\n", 4,
		"account \"x\": grant = \"pasword\" is not a grant; use "
		"password, refresh_token, client_credentials, "
		"authorization_code or device_code"},
	    {ACCOUNT("on_sender = \"drop\""), 4,
		"account \"a@x.org\": on_sender = \"drop\" is not possible; "
		"use rewrite, reject or pass"},
	    {ACCOUNT("on_limit = { \"hold\",\n\"bounce\" }"), 5,
		"account \"a@x.org\": on_limit = \"bounce\" is not possible; "
		"use hold, tempfail, reject or observe"},
	    {ACCOUNT("on_limit = { \"tempfail\", \"reject\" }"), 4,
		"account \"a@x.org\": on_limit = \"reject\" would never be "
		"reached"},
	    {ACCOUNT("on_limit = { \"hold\", \"hold\" }"), 4,
		"account \"a@x.org\": on_limit = \"hold\" stands twice"},
	    {ACCOUNT("on_limit = { }"), 3,
		"account \"a@x.org\": on_limit is empty"},
	    {ACCOUNT("reply_to = \"nobody\""), 4,
		"account \"a@x.org\": reply_to = \"nobody\" is not possible; "
		"use original, none or an address"},
	    {"application \"c\" {\n provider = \"o365\"\n}\n", 2,
		"application \"c\": provider = \"o365\" is not a provider; use "
		"office365, office365-gcc-high, office365-dod, "
		"office365-china, office365-hve, outlook, google or custom"},
	    {"milter {\n unmatched = \"nobody@x.org\"\n}\n", 2,
		"milter: unmatched = \"nobody@x.org\" is not possible; use "
		"pass, reject or the name of an account"},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

static void
test_names_and_addresses(void **state)
{
	static const struct mistake mistakes[] = {
	    {ACCOUNT("user = \"\""), 4,
		"account \"a@x.org\": user = \"\" is empty"},
	    {ACCOUNT("user = \"a b\""), 4,
		"account \"a@x.org\": user = \"a b\" has a blank"},
	    {ACCOUNT("from_account = \"a\""), 4,
		"account \"a@x.org\": from_account = \"a\" is not an address"},
	    {ACCOUNT("from_account = \"A <a@x.org>\""), 4,
		"account \"a@x.org\": from_account = \"A <a@x.org>\" is not"},
	    {ACCOUNT("from_account = \"a@b@x.org\""), 4,
		"account \"a@x.org\": from_account = \"a@b@x.org\" is not"},
	    {ACCOUNT("from_account = \".a@x.org\""), 4,
		"account \"a@x.org\": from_account = \".a@x.org\" is not"},
	    {ACCOUNT("from_account = \"a@-x.org\""), 4,
		"account \"a@x.org\": from_account = \"a@-x.org\" is not"},
	    {ACCOUNT("from_account = \"a@x..org\""), 4,
		"account \"a@x.org\": from_account = \"a@x..org\" is not"},
	    {ACCOUNT("from_name = \"%s\""), 4,
		"account \"a@x.org\": from_name = \"%s\" has a % that stands "
		"for nothing; use %n for the sender's own name and %% for"},
	    {ACCOUNT("from_name = \"50%\""), 4,
		"account \"a@x.org\": from_name = \"50%\" has a %"},
	    {ACCOUNT("send_as = { \"x.org\" }"), 4,
		"account \"a@x.org\": send_as = \"x.org\" is neither an "
		"address nor a domain; write name@domain, or @domain"},
	    {ACCOUNT("senders = { \"@\" }"), 4,
		"account \"a@x.org\": senders = \"@\" is neither"},
	    {ACCOUNT("internal_domains = { \"@x.org\" }"), 4,
		"account \"a@x.org\": internal_domains = \"@x.org\" begins "
		"with @; write the domain alone, \"x.org\""},
	    {ACCOUNT("internal_domains = { \"x_.\" }"), 4,
		"account \"a@x.org\": internal_domains = \"x_.\" is not a "
		"domain"},
	    {ACCOUNT("allow_users = { \"a:b\" }"), 4,
		"account \"a@x.org\": allow_users = \"a:b\" is not the name "
		"of a user"},
	    {APP "account \"\" {\n}\n", 3, "section account needs a name"},
	    {APP "account \"a b\" {\n}\n", 3, "account \"a b\" has a blank"},
	    {APP "account \"a@b@\" {\n}\n", 3, "account \"a@b@\" is neither"},
	    {"application \"\" {\n}\n", 1, "section application needs a name"},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

static void
test_network(void **state)
{
	static const struct mistake mistakes[] = {
	    {ACCOUNT("clients = { \"10.1.0.0/16\",\n\"10.1.0.0/33\" }"), 5,
		"account \"a@x.org\": clients = \"10.1.0.0/33\" has no valid "
		"prefix length; write /0 to /32"},
	    {ACCOUNT("clients = { \"10.1.2.3/16\" }"), 4,
		"account \"a@x.org\": clients = \"10.1.2.3/16\" has bits set "
		"behind its first 16"},
	    {ACCOUNT("clients = { \"2001:db8::1/32\" }"), 4,
		"account \"a@x.org\": clients = \"2001:db8::1/32\" has bits"},
	    {ACCOUNT("clients = { \"2001:db8::/129\" }"), 4,
		"account \"a@x.org\": clients = \"2001:db8::/129\" has no "
		"valid prefix length; write /0 to /128"},
	    {ACCOUNT("clients = { \"10.1.0.0/\" }"), 4,
		"account \"a@x.org\": clients = \"10.1.0.0/\" has no valid"},
	    {ACCOUNT("clients = { \"10.1.0.0/1x\" }"), 4,
		"account \"a@x.org\": clients = \"10.1.0.0/1x\" has no valid"},
	    {ACCOUNT("clients = { \"host.x.org\" }"), 4,
		"account \"a@x.org\": clients = \"host.x.org\" is not an IP"},
	    {ACCOUNT("clients = { \"10.1\" }"), 4,
		"account \"a@x.org\": clients = \"10.1\" is not an IP"},
	    {APPLICATION("token_endpoint = \"http://login.x.org/t\""), 4,
		"application \"c\": token_endpoint = "
		"\"http://login.x.org/t\" would send secrets in the clear; "
		"write https://"},
	    {APPLICATION("token_endpoint = \"http://127.0.0.1.x.org/t\""), 4,
		"application \"c\": token_endpoint = "
		"\"http://127.0.0.1.x.org/t\" would send secrets"},
	    {APPLICATION("token_endpoint = \"https://u@x.org/t\""), 4,
		"application \"c\": token_endpoint = \"(not shown)\" has a "
		"user"},
	    {APPLICATION("token_endpoint = \"https:///t\""), 4,
		"application \"c\": token_endpoint = \"https:///t\" is not an "
		"endpoint"},
	    {APPLICATION("token_endpoint = \"https://x.org:99999/t\""), 4,
		"application \"c\": token_endpoint = "
		"\"https://x.org:99999/t\" is not an endpoint"},
	    {APPLICATION("token_endpoint = \"ftp://x.org/t\""), 4,
		"application \"c\": token_endpoint = \"ftp://x.org/t\" is not"},
	    {APPLICATION("token_endpoint = \"https://x.org/a b\""), 4,
		"application \"c\": token_endpoint = \"https://x.org/a b\" is"},
	    {APPLICATION("hosts = { \"smtp.x.org:587\" }"), 4,
		"application \"c\": hosts = \"smtp.x.org:587\" is not a "
		"server's name"},
	    {APPLICATION("hosts = { \"*.x.org\" }"), 4,
		"application \"c\": hosts = \"*.x.org\" has a *; name each"},
	    {APPLICATION("proxy = \"proxy:3128\""), 4,
		"application \"c\": proxy = \"proxy:3128\" is not a proxy"},
	    {"tokend {\n metrics = \"9466\"\n}\n", 2,
		"tokend: metrics = \"9466\" is not an address to listen on"},
	    {"tokend {\n metrics = \"::1:9466\"\n}\n", 2,
		"tokend: metrics = \"::1:9466\" is not an address"},
	    {"milter {\n metrics = \"127.0.0.1:0\"\n}\n", 2,
		"milter: metrics = \"127.0.0.1:0\" is not an address"},
	    {"milter {\n listen = \"/run/milter.sock\"\n}\n", 2,
		"milter: listen = \"/run/milter.sock\" is not a milter's "
		"socket; write \"unix:/path\" or \"inet:8891@127.0.0.1\""},
	    {"milter {\n listen = \"inet:0@127.0.0.1\"\n}\n", 2,
		"milter: listen = \"inet:0@127.0.0.1\" is not"},
	    {"milter {\n counters = \"/var/lib/x\"\n}\n", 2,
		"milter: counters = \"/var/lib/x\" is not a place for "
		"counters; write \"lmdb:/directory\""},
	    {"milter {\n counters = \"redis://\"\n}\n", 2,
		"milter: counters = \"redis://\" is not a place"},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

#define D50 "01234567890123456789012345678901234567890123456789"

static void
test_ids_dates_paths(void **state)
{
	static const struct mistake mistakes[] = {
	    {"application \"c\" {\n tenant_id = \"1111-2222\"\n}\n", 2,
		"application \"c\": tenant_id = \"1111-2222\" is not a "
		"tenant; copy \"Directory (tenant) ID\""},
	    {"application \"c\" {\n tenant_id = "
	     "\"11111111-2222-3333-4444-55555555555g\"\n}\n",
		2,
		"application \"c\": tenant_id = "
		"\"11111111-2222-3333-4444-55555555555g\" is not a tenant"},
	    {APPLICATION("client_secret_expires = \"31.10.2028\""), 4,
		"application \"c\": client_secret_expires = \"31.10.2028\" is "
		"not a date; write it as YYYY-MM-DD"},
	    {APPLICATION("client_secret_expires = \"2027-02-29\""), 4,
		"application \"c\": client_secret_expires = \"2027-02-29\" is "
		"no day of the calendar"},
	    {APPLICATION("client_secret_expires = \"2028-13-01\""), 4,
		"application \"c\": client_secret_expires = \"2028-13-01\" is "
		"no day"},
	    {APPLICATION("ca_file = \"~/ca.pem\""), 4,
		"application \"c\": ca_file = \"~/ca.pem\" begins with ~"},
	    {"tokend {\n notify_command = { \"mail\", \"-s\" }\n}\n", 2,
		"tokend: notify_command = \"mail\" is not a whole path"},
	    {"tokend {\n control = \"/" D50 D50 "1234567\"\n}\n", 2,
		"tokend: control = \"/" D50 "0123456789012345678901234567890123"
		"456789012345678...\" is too long for a socket: 108 bytes as a "
		"whole path, 107 are possible"},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

static void
test_numbers(void **state)
{
	static const struct mistake mistakes[] = {
	    {ACCOUNT("max_recipients = 0"), 4,
		"account \"a@x.org\": max_recipients = \"0\" is not a number "
		"of 1 or more"},
	    {ACCOUNT("max_recipients = -5"), 4,
		"account \"a@x.org\": max_recipients = \"-5\" is not"},
	    {ACCOUNT("max_recipients = 99999999999999999999999"), 4,
		"account \"a@x.org\": max_recipients = "
		"\"99999999999999999999999\" is not"},
	    {ACCOUNT("max_message_size = \"35 M\""), 4,
		"account \"a@x.org\": max_message_size = \"35 M\" is not a "
		"size; write it like \"35M\""},
	    {ACCOUNT("max_message_size = \"35T\""), 4,
		"account \"a@x.org\": max_message_size = \"35T\" is not"},
	    {ACCOUNT("max_message_size = \"9999999999G\""), 4,
		"account \"a@x.org\": max_message_size = \"9999999999G\" is"},
	    {APPLICATION("min_validity = \"15\""), 4,
		"application \"c\": min_validity = \"15\" is not a time of up "
		"to a day; write it like \"15m\""},
	    {APPLICATION("min_validity = \"2d\""), 4,
		"application \"c\": min_validity = \"2d\" is not a time"},
	    {ACCOUNT("limits = { \"30 messages / 1m\",\n\"30\" }"), 5,
		"account \"a@x.org\": limits = \"30\" is not a limit; write "
		"[SCOPE] COUNT UNIT / WINDOW"},
	    {ACCOUNT("limits = { \"30 mails / 1m\" }"), 4,
		"account \"a@x.org\": limits = \"30 mails / 1m\" is not"},
	    {ACCOUNT("limits = { \"0 messages / 1m\" }"), 4,
		"account \"a@x.org\": limits = \"0 messages / 1m\" is not"},
	    {ACCOUNT("limits = { \"10k messages / 1m\" }"), 4,
		"account \"a@x.org\": limits = \"10k messages / 1m\" is not"},
	    {ACCOUNT("limits = { \"30 messages / 1\" }"), 4,
		"account \"a@x.org\": limits = \"30 messages / 1\" is not"},
	    {ACCOUNT("limits = { \"30 messages / 0m\" }"), 4,
		"account \"a@x.org\": limits = \"30 messages / 0m\" is not"},
	    {ACCOUNT("limits = { \"30 messages / 32d\" }"), 4,
		"account \"a@x.org\": limits = \"30 messages / 32d\" is not"},
	    {ACCOUNT("limits = { \"30 messages / 1m x\" }"), 4,
		"account \"a@x.org\": limits = \"30 messages / 1m x\" is not"},
	    {ACCOUNT("limits = { \"world 30 messages / 1m\" }"), 4,
		"account \"a@x.org\": limits = \"world 30 messages / 1m\" is"},
	    {ACCOUNT("limits = { \"30 messages / 1m\", \"9 message/60s\" }"), 4,
		"account \"a@x.org\": limits = \"9 message/60s\" limits the "
		"same as \"30 messages / 1m\""},
	};

	(void)state;
	EXPECT_ALL(mistakes);
}

/* --- what belongs together ----------------------------------------------- */

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
	EXPECT_ALL(mistakes);
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
	EXPECT_ALL(mistakes);
}

#define SECRETLESS(provider, tenant)                                           \
	"application \"c\" { provider = \"" provider "\" " tenant "\n"         \
	"client_id = \"66666666-7777-8888-9999-000000000000\" }\n"
#define GRANT(grant) "account \"a@x.org\" {\n grant = \"" grant "\"\n}\n"

static void
test_grants_and_applications(void **state)
{
	static const struct mistake mistakes[] = {
	    {SECRETLESS("office365", "tenant_id = \"x.org\"")
		    GRANT("client_credentials"),
		4,
		"account \"a@x.org\": grant = \"client_credentials\" needs "
		"client_secret_file in its application"},
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
	EXPECT_ALL(mistakes);
}

/* --- files --------------------------------------------------------------- */

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
	write_file("other.inc", bad, strlen(bad));
	expect(main_text, strlen(main_text), "other.inc", 5,
	    "account \"a@x.org\": grant = \"pasword\" is not a grant");
	write_file("other.inc", broken, strlen(broken));
	expect(main_text, strlen(main_text), "other.inc", 1,
	    "the section that begins here is not closed");
	write_file("other.inc", self, strlen(self));
	expect(main_text, strlen(main_text), "other.inc", 3, dir);
	write_file("other.inc", back, strlen(back));
	expect(main_text, strlen(main_text), "other.inc", 1, dir);
}

static void
test_missing_include(void **state)
{
	static const char text[] = "\ninclude(\"no.such\")\n";
	char wanted[128];

	(void)state;
	snprintf(wanted, sizeof(wanted),
	    "%s/no.such cannot be read: No such file or directory", dir);
	expect(text, strlen(text), "postoak.conf", 2, wanted);
}

static void
test_accounts_directory(void **state)
{
	static const char text[] = APP "accounts_directory = \"accounts\"\n";
	static const char good[] =
	    "account \"a@x.org\" { grant = \"refresh_token\" }\n";
	static const char bad[] =
	    "\naccount \"A@x.org\" {\n grant = \"refresh_token\" }\n";
	char path[128];

	(void)state;
	expect(
	    text, strlen(text), "postoak.conf", 3, "accounts_directory = \"");
	snprintf(path, sizeof(path), "%s/accounts", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file("accounts/1.conf", good, strlen(good));
	write_file("accounts/2.conf", bad, strlen(bad));
	expect(text, strlen(text), "accounts/2.conf", 2,
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
	expect_file_error(dir, "is a directory; name the file itself");
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
	expect(nul, sizeof(nul) - 1, "postoak.conf", 2, "a NUL byte");
	assert_non_null(big);
	memset(big, 'x', len);
	memcpy(big, head, strlen(head));
	memcpy(big + len - 4, "\"\n}\n", 4);
	expect(
	    big, len, "postoak.conf", 2, "a value is longer than 4096 bytes");
	memcpy(big, "tokend {\n store =  x", strlen(head));
	expect(
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
	struct err err;
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof(text) - 1; i++) {
		write_file("postoak.conf", text, i);
		conf_free(conf_load(main_path, &err));
		for (j = 0; j < sizeof(bytes); j++) {
			memcpy(changed, text, sizeof(text));
			changed[i] = bytes[j];
			write_file("postoak.conf", changed, sizeof(text) - 1);
			err_clear(&err);
			conf_free(conf_load(main_path, &err));
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
	    cmocka_unit_test(test_syntax),
	    cmocka_unit_test(test_unknown_options),
	    cmocka_unit_test(test_twice),
	    cmocka_unit_test(test_secrets_have_no_place),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_names_and_addresses),
	    cmocka_unit_test(test_network),
	    cmocka_unit_test(test_ids_dates_paths),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_missing_options),
	    cmocka_unit_test(test_applications_of_accounts),
	    cmocka_unit_test(test_grants_and_applications),
	    cmocka_unit_test(test_included_files),
	    cmocka_unit_test(test_missing_include),
	    cmocka_unit_test(test_accounts_directory),
	    cmocka_unit_test(test_no_file),
	    cmocka_unit_test(test_hostile_bytes),
	    cmocka_unit_test(test_cut_and_changed),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
