/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure - what went wrong, and what follows. See failure.h.
 */
#define _GNU_SOURCE
#include "failure.h"

#include <string.h>

#include "clock.h"
#include "log.h"
#include "mem.h"
#include "proof.h"
#include "schedule.h"

#define LOCAL_RETRY_MS 1000LL

static void
say(const char *id, const struct failure *f, int64_t wait_ms)
{
	if (f->refused != RECORD_REFUSED_NOTHING)
		log_warn(id,
		    "token refused, not tried again until it is mended: "
		    "code=%s: %s",
		    f->err.code, f->err.text);
	else if (f->err.kind == ERR_LOGIN)
		/* Looking again by itself is no help: a person is needed. */
		log_warn(id, "no token until somebody logs in: code=%s: %s",
		    f->err.code, f->err.text);
	else
		log_warn(id, "no token: code=%s retry_in_ms=%lld: %s",
		    f->err.code, (long long)wait_ms, f->err.text);
}

void
failure_take(struct failure **failure, const struct grant_order *order,
    const struct grant_failure *given, int local, uint32_t random)
{
	struct failure *f = *failure;
	int64_t wait_ms = LOCAL_RETRY_MS;
	int known;

	known = f != NULL && strcmp(f->err.text, given->err.text) == 0;
	if (f == NULL)
		f = *failure = mem_zalloc(1, sizeof(*f));
	f->err = given->err;
	f->at_s = clock_wall_s();
	/* A clock that was put back must not make it later. */
	if (f->since_s == 0 || f->since_s > f->at_s)
		f->since_s = f->at_s;
	f->attempts++;
	f->refused = given->refused;
	memcpy(f->refused_id, given->refused_id, sizeof(f->refused_id));
	f->stamp = given->stamp;
	if (!local)
		wait_ms = schedule_backoff_ms(
		    f->err.kind, f->attempts, given->least_ms, random);
	f->retry_ms = clock_boot_ms() + wait_ms;
	/* Local ones may come every second: once is enough. */
	if (!local || !known)
		say(grant_order_name(order), f, wait_ms);
}

struct failure *
failure_restore(const struct record *record)
{
	struct failure *f;

	/* A refresh token that came in later was not refused yet. */
	if (record->refused == RECORD_REFUSED_NOTHING ||
	    record->obtained_at_s > record->refused_at_s)
		return NULL;
	f = mem_zalloc(1, sizeof(*f));
	f->err = record->refusal;
	f->at_s = f->since_s = record->refused_at_s;
	f->attempts = 1;
	f->refused = record->refused;
	strncat(f->refused_id, record->refused_id, CRYPTO_HEX_LEN - 1);
	return f;
}

struct failure *
failure_recall(const struct err *err, int64_t at_s)
{
	struct failure *f = mem_zalloc(1, sizeof(*f));

	f->err = *err;
	f->at_s = f->since_s = at_s;
	f->attempts = 1;
	return f;
}

void
failure_explain(const struct failure *f, struct err *err)
{
	int64_t left_ms = f->retry_ms - clock_boot_ms();

	*err = f->err;
	err->retry_ms = 0;
	if (f->refused == RECORD_REFUSED_NOTHING)
		err->retry_ms = left_ms > 0 ? (int)left_ms : 1;
}

void
failure_look(struct failure *f, const struct grant_order *order)
{
	char id[CRYPTO_HEX_LEN];
	uint64_t stamp;

	if (f == NULL)
		return;
	stamp = proof_stamp(order->application, order->account);
	/* A new certificate is tried at once, too. */
	if (f->refused == RECORD_REFUSED_NOTHING && f->err.kind == ERR_CONFIG &&
	    f->stamp != 0 && stamp != f->stamp) {
		f->stamp = stamp;
		failure_forgive(f);
		return;
	}
	if (f->refused == RECORD_REFUSED_NOTHING || stamp == f->stamp ||
	    proof_id(
		order->application, order->account, f->refused, id, NULL) == -1)
		return;
	f->stamp = stamp;
	if (strcmp(id, f->refused_id) == 0)
		return;
	log_info(grant_order_name(order),
	    "what was refused has changed, it is tried");
	failure_forgive(f);
}

void
failure_forgive(struct failure *f)
{
	f->refused = RECORD_REFUSED_NOTHING;
	f->attempts = 0;
	f->retry_ms = 0;
}
