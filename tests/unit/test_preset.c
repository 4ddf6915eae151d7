/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Presets: each is whole, of one cloud, and takes its tenant.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf_take.h"
#include "preset.h"

static void
test_find(void **state)
{
	unsigned int count, i;
	const struct preset *presets = preset_all(&count);

	(void)state;
	assert_int_equal(count, 8);
	for (i = 0; i < count; i++)
		assert_ptr_equal(preset_find(presets[i].name), &presets[i]);
	assert_null(preset_find("Office365"));
	assert_null(preset_find(""));
}

/* What a preset says must itself be a valid value of each option. */
static void
check_values(const struct preset *preset)
{
	struct conf_account account = {0};
	struct conf_value value = {0};
	long long size;
	char *text;
	size_t i;

	text = preset_expand(preset->token_endpoint, "t");
	value.text = text;
	assert_int_equal(conf_value_endpoint(&value), 0);
	assert_null(strchr(text, '{'));
	free(text);
	for (i = 0; i < PRESET_HOSTS_MAX && preset->hosts[i] != NULL; i++) {
		value.text = preset->hosts[i];
		assert_int_equal(conf_value_host(&value), 0);
	}
	assert_true(i > 0);
	for (i = 0; i < PRESET_LIMITS_MAX && preset->limits[i] != NULL; i++) {
		value.text = preset->limits[i];
		assert_int_equal(conf_take_limit(&value, &account), 0);
		free(account.limits[i].text);
	}
	free(account.limits);
	if (preset->max_message_size != NULL) {
		value.text = preset->max_message_size;
		assert_int_equal(conf_take_size(&value, &size), 0);
	}
	assert_non_null(preset->scope);
}

static void
test_values(void **state)
{
	unsigned int count, i;
	const struct preset *presets = preset_all(&count);

	(void)state;
	for (i = 0; i < count; i++) {
		/* HVE refuses tokens with less than 10 minutes left. */
		assert_true(presets[i].min_validity_s >= 15 * 60);
		if ((presets[i].flags & PRESET_BARE) == 0)
			check_values(&presets[i]);
	}
}

/* A token or secret of one national cloud must not go to another. */
static void
test_clouds(void **state)
{
	static const struct {
		const char *preset;
		const char *login;
		const char *resource;
	} clouds[] = {
	    {"office365", "https://login.microsoftonline.com/", ".com/"},
	    {"office365-hve", "https://login.microsoftonline.com/", ".com/"},
	    {"outlook", "https://login.microsoftonline.com/", ".com/"},
	    {"office365-gcc-high", "https://login.microsoftonline.us/",
		"office365.us/"},
	    {"office365-dod", "https://login.microsoftonline.us/",
		"office365.us/"},
	    {"office365-china", "https://login.partner.microsoftonline.cn/",
		"outlook.cn/"},
	};
	const struct preset *preset;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++) {
		size_t len = strlen(clouds[i].login);

		preset = preset_find(clouds[i].preset);
		assert_non_null(preset);
		assert_memory_equal(
		    preset->authorization_endpoint, clouds[i].login, len);
		assert_memory_equal(
		    preset->token_endpoint, clouds[i].login, len);
		assert_memory_equal(preset->device_authorization_endpoint,
		    clouds[i].login, len);
		assert_non_null(strstr(preset->scope, clouds[i].resource));
		assert_non_null(strstr(preset->scope, " offline_access"));
		if (preset->app_scope != NULL)
			assert_non_null(
			    strstr(preset->app_scope, clouds[i].resource));
	}
}

static void
test_expand(void **state)
{
	static const struct {
		const char *template;
		const char *tenant;
		const char *expanded;
	} cases[] = {
	    {"https://h/{tenant}/token", "t.org", "https://h/t.org/token"},
	    {"{tenant}{tenant}", "x", "xx"},
	    {"none", NULL, "none"},
	    {"{tenant}", NULL, "{tenant}"},
	    {"", "x", ""},
	    {"{tenant", "x", "{tenant"},
	};
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = preset_expand(cases[i].template, cases[i].tenant);
		assert_string_equal(text, cases[i].expanded);
		free(text);
	}
	assert_null(preset_expand(NULL, "x"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_clouds),
	    cmocka_unit_test(test_expand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
