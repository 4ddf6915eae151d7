/* SPDX-License-Identifier: Apache-2.0 */
/*
 * device - the device authorization grant's own answers. See device.h.
 */
#include "device.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "mem.h"

#define INTERVAL_S 5 /* where the answer names none; also slow_down's step */
#define INTERVAL_MAX_S 60
#define EXPIRES_MAX_S 900 /* what a login may take */
#define CODE_MAX 8192

static int
unusable(struct device *device, struct err *err, const char *what)
{
	device_clear(device);
	return err_set(err, ERR_TEMPORARY, "endpoint",
	    "the device authorization endpoint sent an answer that cannot be "
	    "used: %s",
	    what);
}

/* Only an address that a browser is to open is shown to a person. */
static int
is_address(const char *text)
{
	static const char local[] = "http://localhost";
	size_t len = strlen(local);

	return text != NULL && (strncmp(text, "https://", 8) == 0 ||
				   (strncmp(text, local, len) == 0 &&
				       strchr(":/", text[len]) != NULL));
}

static int
bounded(int64_t value, int64_t least, int64_t most)
{
	return (int)(value < least ? least : value > most ? most : value);
}

static int
take(struct device *device, const struct json *json, struct err *err)
{
	const char *code = json_get_string(json, "device_code");
	const char *address = json_get_string(json, "verification_uri");
	const char *complete =
	    json_get_string(json, "verification_uri_complete");
	int64_t interval_s = INTERVAL_S, expires_in_s = EXPIRES_MAX_S;

	/* Google's name for it is older than the RFC. */
	if (address == NULL)
		address = json_get_string(json, "verification_url");
	(void)json_get_int(json, "interval", &interval_s);
	(void)json_get_int(json, "expires_in", &expires_in_s);
	device->interval_s = bounded(interval_s, 1, INTERVAL_MAX_S);
	device->expires_in_s = bounded(expires_in_s, 0, EXPIRES_MAX_S);
	device->user_code = mem_strdup(json_get_string(json, "user_code"));
	device->message = mem_strdup(json_get_string(json, "message"));
	if (is_address(address))
		device->address = mem_strdup(address);
	if (is_address(complete))
		device->complete = mem_strdup(complete);
	if (*code == '\0' || strlen(code) > CODE_MAX)
		return unusable(device, err, "its device_code is no code");
	if (device->user_code == NULL || *device->user_code == '\0')
		return unusable(device, err, "it has no user_code");
	if (device->address == NULL)
		return unusable(device, err, "it has no address to go to");
	if (device->expires_in_s == 0)
		return unusable(device, err, "its code has expired already");
	if (secret_set(&device->code, code, strlen(code)) == -1)
		return unusable(device, err, "out of memory");
	return 0;
}

int
device_answer(long status, const char *body, size_t len, struct device *device,
    struct err *err)
{
	struct json *json;
	int rc = 0;

	memset(device, 0, sizeof(*device));
	if (status != 200)
		return 0;
	json = json_parse(body, len, NULL);
	if (json != NULL && json_get_string(json, "device_code") != NULL)
		rc = take(device, json, err) == 0 ? 1 : -1;
	json_free(json);
	return rc;
}

void
device_clear(struct device *device)
{
	secret_clear(&device->code);
	free(device->user_code);
	free(device->address);
	free(device->complete);
	free(device->message);
	memset(device, 0, sizeof(*device));
}

enum device_poll
device_judge(const char *error, int64_t *interval_s)
{
	static const struct {
		const char *error;
		enum device_poll poll;
		int slower_s;
	} answers[] = {
	    {"authorization_pending", DEVICE_WAIT, 0},
	    {"slow_down", DEVICE_WAIT, INTERVAL_S},
	    {"server_error", DEVICE_WAIT, INTERVAL_S},
	    {"temporarily_unavailable", DEVICE_WAIT, INTERVAL_S},
	    {"access_denied", DEVICE_DECLINED, 0},
	    {"authorization_declined", DEVICE_DECLINED, 0}, /* Entra ID's */
	    {"expired_token", DEVICE_EXPIRED, 0},
	    {"code_expired", DEVICE_EXPIRED, 0}, /* Entra ID's */
	};
	size_t i;

	if (error == NULL || *error == '\0') {
		*interval_s = bounded(*interval_s * 2, 1, INTERVAL_MAX_S);
		return DEVICE_WAIT;
	}
	for (i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		if (strcmp(answers[i].error, error) != 0)
			continue;
		*interval_s += answers[i].slower_s;
		return answers[i].poll;
	}
	return DEVICE_FAILED;
}
