/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_FULLEST_H
#define POSTOAK_FULLEST_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "counters.h"

/*
 * fullest - of a limit that counts many by themselves (logins, clients,
 * senders; the mailboxes of a domain account): those that have used most of
 * it, and how many others there are. Called by verbs_limits; calls counters.
 */

#define FULLEST_SHOWN 10
#define FULLEST_KEYS 20000 /* looked at; more is said to be more */

struct fullest_member {
	char name[COUNTERS_KEY_MAX]; /* UTF-8; other bytes as \xNN */
	uint64_t used;
	int64_t frees_ms; /* as in counters_item */
};

struct fullest {
	struct fullest_member shown[FULLEST_SHOWN]; /* the fullest first */
	size_t count;
	size_t others; /* in use, too */
	int cut;       /* there may be more than that */
};

/* 1 if the limit of the account is counted for many: who is the account's name,
 * or a mailbox of a domain account. */
int fullest_has_many(const struct conf_limit *limit, const char *who);

/* Look until until_ms (clock_boot_ms) at most. 0, or -1 with *err. */
int fullest_find(struct counters *counters, const struct conf_account *account,
    const struct conf_limit *limit, const char *who, int64_t until_ms,
    struct fullest *fullest, struct err *err);

/*
 * Forget what was counted for all of them. 0, or -1 with *err, also if until_ms
 * came first: some are forgotten then.
 */
int fullest_forget(struct counters *counters,
    const struct conf_account *account, const struct conf_limit *limit,
    const char *who, int64_t until_ms, struct err *err);

#endif
