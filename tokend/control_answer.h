/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONTROL_ANSWER_H
#define POSTOAK_CONTROL_ANSWER_H

#include "buf.h"
#include "client.h"
#include "conf.h"
#include "err.h"
#include "json.h"

/*
 * control_answer - how answers on the control socket are made, and what their
 * requests name (common/PROTOCOL section 2). Called by control, control_login.
 */

#define CONTROL_ANSWER_MAX (128 * 1024 * 1024)
#define CONTROL_ANSWER_VERSION 1

/* {"version":1,"status":status}; to be freed. */
struct json *control_answer_new(const char *status);

/* Append an error's line. */
void control_answer_put(struct buf *out, const struct err *err);

/* Send; what is no request at all ends the connection. */
void control_answer_failure(struct client *client, const struct err *err);
void control_answer_json(
    struct client *client, struct json *answer); /* taken */

/* The account a request names, or NULL. */
const char *control_answer_account(const struct json *request);

/* As account_find; NULL with *err, also for a name that is NULL. */
const struct conf_account *control_answer_find(
    const char *name, const char **user, struct err *err);

#endif
