/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wrong values: each is answered with its line, the option, the value and what
 * would be right.
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
	    {ACCOUNT("on_bounce = \"hold\""), 4,
		"account \"a@x.org\": on_bounce = \"hold\" is not possible; "
		"use rewrite, reject or discard"},
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
	ALL_REFUSED(mistakes);
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
	    {ACCOUNT("send_as = { \"*@x.org\" }"), 4,
		"account \"a@x.org\": send_as = \"*@x.org\" has a wildcard; "
		"write @domain"},
	    {ACCOUNT("senders = { \"@\" }"), 4,
		"account \"a@x.org\": senders = \"@\" is neither"},
	    {ACCOUNT("internal_domains = { \"@x.org\" }"), 4,
		"account \"a@x.org\": internal_domains = \"@x.org\" begins "
		"with @; write the domain alone, \"x.org\""},
	    {ACCOUNT("internal_domains = { \"x_.\" }"), 4,
		"account \"a@x.org\": internal_domains = \"x_.\" is not a "
		"domain"},
	    {ACCOUNT("exempt_recipients = { \"a@x.org\" }"), 4,
		"account \"a@x.org\": exempt_recipients = \"a@x.org\" is not "
		"a domain"},
	    {ACCOUNT("allow_users = { \"a:b\" }"), 4,
		"account \"a@x.org\": allow_users = \"a:b\" is not the name "
		"of a user"},
	    {APP "account \"\" {\n}\n", 3, "section account needs a name"},
	    {APP "account \"a b\" {\n}\n", 3, "account \"a b\" has a blank"},
	    {APP "account \"a@b@\" {\n}\n", 3, "account \"a@b@\" is neither"},
	    {"application \"\" {\n}\n", 1, "section application needs a name"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

static void
test_client_networks(void **state)
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
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

static void
test_endpoints_and_hosts(void **state)
{
	static const struct mistake mistakes[] = {
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
	};

	(void)state;
	ALL_REFUSED(mistakes);
}

static void
test_sockets(void **state)
{
	static const struct mistake mistakes[] = {
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
	    {"milter {\n\n counters = \"redis://h:6379/x\"\n}\n", 3,
		"milter: counters = \"redis://h:6379/x\" is not a place for "},
	    {"milter {\n counters_share = \"0%\"\n}\n", 2,
		"milter: counters_share = \"0%\" is not a share; write a "
		"percentage from \"1%\" to \"100%\""},
	    {"milter {\n counters_share = \"1/2\"\n}\n", 2,
		"milter: counters_share = \"1/2\" is not a share"},
	    {"milter {\n counters_share = \"101%\"\n}\n", 2,
		"milter: counters_share = \"101%\" is not a share"},
	};

	(void)state;
	ALL_REFUSED(mistakes);
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
	ALL_REFUSED(mistakes);
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
	ALL_REFUSED(mistakes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_names_and_addresses),
	    cmocka_unit_test(test_client_networks),
	    cmocka_unit_test(test_endpoints_and_hosts),
	    cmocka_unit_test(test_sockets),
	    cmocka_unit_test(test_ids_dates_paths),
	    cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, conf_files_open, conf_files_close);
}
