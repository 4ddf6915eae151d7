/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_WATCH_H
#define POSTOAK_WATCH_H

#include <stdint.h>

#include "config.h"
#include "err.h"
#include "grant.h"
#include "json.h"

struct event_base;

/*
 * watch - tell people before something dies, and when an account's state
 * changes: in the log, in status, and by notify_command. Called by main,
 * account and credential; calls warning for every decision.
 *
 * What accounts share is told once: dates and addresses belong to the
 * application, the clock to the host.
 */

/* Once, when the store's directory is there. */
void watch_start(struct event_base *base, const char *store);

/* Work with this configuration; dates are looked at now and every six hours. */
void watch_apply(struct config *config);

/* The wall clock's time of the refresh token's last use; 0: there is none. */
void watch_refresh_token(const struct grant_order *order, int64_t used_at_s);

/* A person has signed in just now. */
void watch_sign_in(const struct grant_order *order);

/* A token was obtained. */
void watch_token(
    const struct grant_order *order, const struct grant_token *token);

/*
 * How a credential is (schedule_state) after an exchange or what would have
 * been one; failure is NULL if it is well.
 */
void watch_state(const struct grant_order *order, const char *state,
    const struct err *failure);

/*
 * The failure that was last told to watch_state under the same settings, if it
 * waits for a person: 1 and when, wall clock; else 0. It outlives a restart.
 */
int watch_recall(
    const struct grant_order *order, struct err *failure, int64_t *at_s);

/* What was recalled is over: what it was about is gone. */
void watch_forget(const struct grant_order *order);

/* How an exchange ended tells the provider's clock, if there was an answer. */
void watch_clock(
    const struct grant_token *token, const struct grant_failure *failure);

/* Add the array "warnings" as common/PROTOCOL 2.1 has it. */
void watch_show(const struct conf_account *account, struct json *answer);

void watch_stop(void);

#endif
