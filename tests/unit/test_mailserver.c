/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailserver: which host speaks which protocol.
 *
 * link: cli/mailserver
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/mailserver.h"
#include "preset.h"

#define SMTP MAILSERVER_SMTP
#define IMAP MAILSERVER_IMAP
#define POP MAILSERVER_POP

/* The servers of an application whose hosts are these, NULL at the end. */
static void
expect(char *const *hosts, const char *smtp, const char *imap, const char *pop)
{
	struct conf_application application = {.name = (char[]){"c"}};
	const char *const expected[] = {smtp, imap, pop};
	const char *found;
	int i;

	for (; hosts[application.hosts.count] != NULL;)
		application.hosts.count++;
	application.hosts.items = (char **)(uintptr_t)hosts;
	for (i = 0; i < MAILSERVER_PROTOCOLS; i++) {
		found =
		    mailserver_of(&application, (enum mailserver_protocol)i);
		if (expected[i] == NULL)
			assert_null(found);
		else
			assert_string_equal(found, expected[i]);
	}
}

#define HOSTS(...) ((char *const[]){__VA_ARGS__, NULL})
#define NAME(text)                                                             \
	(char[])                                                               \
	{                                                                      \
		text                                                           \
	}

static void
test_servers_by_name(void **state)
{
	(void)state;
	expect(HOSTS(NAME("smtp.office365.com"), NAME("outlook.office365.com")),
	    "smtp.office365.com", "outlook.office365.com",
	    "outlook.office365.com");
	expect(HOSTS(NAME("imap.gmail.com"), NAME("SMTP.gmail.com"),
		   NAME("pop.gmail.com")),
	    "SMTP.gmail.com", "imap.gmail.com", "pop.gmail.com");
	expect(HOSTS(NAME("outlook-dod.office365.us")),
	    "outlook-dod.office365.us", "outlook-dod.office365.us",
	    "outlook-dod.office365.us");
	expect(HOSTS(NAME("smtp.hve.mx.microsoft")), "smtp.hve.mx.microsoft",
	    NULL, NULL);
	expect(HOSTS(NAME("imap.x.org")), "imap.x.org", "imap.x.org", NULL);
}

/* Each provider's hosts have one that takes mail. */
static void
test_servers_of_presets(void **state)
{
	struct conf_application application = {.name = (char[]){"c"}};
	const struct preset *presets;
	const char *server;
	unsigned count, i;
	char *items[PRESET_HOSTS_MAX];
	size_t k;

	(void)state;
	presets = preset_all(&count);
	for (i = 0; i < count; i++) {
		for (k = 0; k < PRESET_HOSTS_MAX && presets[i].hosts[k]; k++)
			items[k] = (char *)(uintptr_t)presets[i].hosts[k];
		application.hosts.items = items;
		application.hosts.count = k;
		if (k == 0)
			continue;
		server = mailserver_of(&application, SMTP);
		assert_true(strncmp(server, "smtp", 4) == 0 || k == 1);
	}
}

static void
test_what_is_configured_counts(void **state)
{
	char smtp[] = "mail.x.org:2525", *items[] = {NAME("smtp.x.org")};
	struct conf_application application = {
	    .smtp_server = smtp, .hosts = {1, items}};

	(void)state;
	assert_string_equal(mailserver_of(&application, SMTP), smtp);
}

static void
test_split(void **state)
{
	static const struct {
		const char *server;
		enum mailserver_protocol protocol;
		const char *host;
		int port;
	} good[] = {
	    {"a.org", SMTP, "a.org", 587},
	    {"a.org", IMAP, "a.org", 993},
	    {"a.org", POP, "a.org", 995},
	    {"a.org:465", SMTP, "a.org", 465},
	    {"[::1]:25", SMTP, "::1", 25},
	    {"[2001:db8::1]", IMAP, "2001:db8::1", 993},
	    {"2001:db8::1", IMAP, "2001:db8::1", 993},
	};
	static const char *const bad[] = {"", ":25", "a:0", "a:65536", "[::1",
	    "[]:25", "0123456789.0123456789"};
	char host[20];
	size_t i;
	int port;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(
		    mailserver_split(good[i].server, good[i].protocol, host,
			sizeof(host), &port),
		    0);
		assert_string_equal(host, good[i].host);
		assert_int_equal(port, good[i].port);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mailserver_split(bad[i], SMTP, host, sizeof(host), &port) !=
		    -1)
			fail_msg("accepted: %s", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_servers_by_name),
	    cmocka_unit_test(test_servers_of_presets),
	    cmocka_unit_test(test_what_is_configured_counts),
	    cmocka_unit_test(test_split),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
