/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LOGIN_DEVICE_H
#define POSTOAK_LOGIN_DEVICE_H

#include "err.h"
#include "login_method.h"

/*
 * login_device - sign in on any other device with a code (RFC 8628): ask for
 * the code, then ask for the token as often as the provider allows. Called by
 * login; calls account, device, http.
 */

struct login_device;

/* NULL with *err if it cannot even be begun; end is not called then. */
struct login_device *login_device_start(
    const struct login_method *method, struct err *err);

/* Nothing is called any more. NULL is allowed. */
void login_device_free(struct login_device *device);

#endif
