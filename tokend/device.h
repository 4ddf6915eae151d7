/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_DEVICE_H
#define POSTOAK_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "secret.h"

/*
 * device - the device authorization answer and the rules of polling (RFC 8628
 * sections 3.2, 3.5). Pure.
 */

struct device {
	struct secret code;
	char *user_code;
	char *address;	/* where a person types the code */
	char *complete; /* the same with the code in it, or NULL */
	char *message;	/* the provider's own words, or NULL */
	int64_t expires_in_s;
	int64_t interval_s;
};

/* What an answer to a poll means. */
enum device_poll {
	DEVICE_WAIT,	 /* the person has not finished: go on */
	DEVICE_DECLINED, /* the person said no */
	DEVICE_EXPIRED,
	DEVICE_FAILED, /* anything else: the answer says what */
};

/*
 * 1: *device is set (clear it). 0: the answer holds none. -1: one that cannot
 * be used, ERR_TEMPORARY code "endpoint".
 */
int device_answer(long status, const char *body, size_t len,
    struct device *device, struct err *err);
void device_clear(struct device *device);

/*
 * Judge error= of a poll's answer; "" or NULL: there was no answer in time,
 * which RFC 8628 section 3.5 asks to answer with patience. *interval_s grows
 * as it says.
 */
enum device_poll device_judge(const char *error, int64_t *interval_s);

#endif
