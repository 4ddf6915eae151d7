/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device: the device authorization answer and the rules of polling.
 * link: tokend/device
 */
#include "tokend/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CODE "\"device_code\":\"GAQ-x\",\"user_code\":\"C7TXA9\""
#define ADDRESS "\"verification_uri\":\"https://microsoft.com/devicelogin\""

static int
answer(const char *body, struct device *device, struct err *err)
{
	return device_answer(200, body, strlen(body), device, err);
}

static void
test_the_answer_is_taken(void **state)
{
	struct device device;
	struct err err;

	(void)state;
	assert_int_equal(
	    answer("{" CODE "," ADDRESS
		   ",\"message\":\"To sign in\",\"expires_in\":\"900\","
		   "\"interval\":7}",
		&device, &err),
	    1);
	assert_string_equal(secret_reveal(&device.code), "GAQ-x");
	assert_string_equal(device.user_code, "C7TXA9");
	assert_string_equal(
	    device.address, "https://microsoft.com/devicelogin");
	assert_string_equal(device.message, "To sign in");
	assert_null(device.complete);
	assert_int_equal(device.expires_in_s, 900);
	assert_int_equal(device.interval_s, 7);
	device_clear(&device);
}

/* RFC 8628 section 3.2: 5 seconds if no interval is named. */
static void
test_what_may_be_absent_or_mad(void **state)
{
	struct device device;
	struct err err;

	(void)state;
	assert_int_equal(answer("{" CODE "," ADDRESS "}", &device, &err), 1);
	assert_int_equal(device.interval_s, 5);
	assert_int_equal(device.expires_in_s, 900);
	device_clear(&device);
	assert_int_equal(
	    answer("{" CODE
		   ",\"verification_url\":\"https://www.google.com/device\","
		   "\"interval\":-3,\"expires_in\":99999999999}",
		&device, &err),
	    1);
	assert_int_equal(device.interval_s, 1);
	assert_int_equal(device.expires_in_s, 900);
	device_clear(&device);
}

static void
test_answers_that_cannot_be_used(void **state)
{
	static const char *const bodies[] = {
	    "{\"device_code\":\"\",\"user_code\":\"A\"," ADDRESS "}",
	    "{\"device_code\":\"x\"," ADDRESS "}",
	    "{" CODE "}",
	    "{" CODE ",\"verification_uri\":\"javascript:alert(1)\"}",
	    "{" CODE ",\"verification_uri\":\"http://localhost.evil.org/\"}",
	    "{" CODE "," ADDRESS ",\"expires_in\":0}",
	};
	struct device device;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(answer(bodies[i], &device, &err), -1);
		assert_int_equal(err.kind, ERR_TEMPORARY);
		assert_null(device.user_code);
	}
	assert_int_equal(answer("{\"error\":\"x\"}", &device, &err), 0);
	assert_int_equal(answer("<html>", &device, &err), 0);
	assert_int_equal(
	    device_answer(400, "{" CODE "}", 40, &device, &err), 0);
}

static void
test_polling(void **state)
{
	int64_t interval_s = 5;

	(void)state;
	assert_int_equal(
	    device_judge("authorization_pending", &interval_s), DEVICE_WAIT);
	assert_int_equal(interval_s, 5);
	assert_int_equal(device_judge("slow_down", &interval_s), DEVICE_WAIT);
	assert_int_equal(interval_s, 10);
	assert_int_equal(device_judge("slow_down", &interval_s), DEVICE_WAIT);
	assert_int_equal(interval_s, 15);
	/* No answer: exponentially slower, up to a minute. */
	assert_int_equal(device_judge(NULL, &interval_s), DEVICE_WAIT);
	assert_int_equal(interval_s, 30);
	assert_int_equal(device_judge("", &interval_s), DEVICE_WAIT);
	assert_int_equal(device_judge("", &interval_s), DEVICE_WAIT);
	assert_int_equal(interval_s, 60);
	assert_int_equal(
	    device_judge("access_denied", &interval_s), DEVICE_DECLINED);
	assert_int_equal(device_judge("authorization_declined", &interval_s),
	    DEVICE_DECLINED);
	assert_int_equal(
	    device_judge("expired_token", &interval_s), DEVICE_EXPIRED);
	assert_int_equal(
	    device_judge("code_expired", &interval_s), DEVICE_EXPIRED);
	assert_int_equal(
	    device_judge("invalid_grant", &interval_s), DEVICE_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_answer_is_taken),
	    cmocka_unit_test(test_what_may_be_absent_or_mad),
	    cmocka_unit_test(test_answers_that_cannot_be_used),
	    cmocka_unit_test(test_polling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
