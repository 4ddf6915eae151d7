/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_REPLY_H
#define POSTOAK_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "counters_ops.h"

/*
 * reply - the sentences a refused client reads in its log. Pure.
 */

#define REPLY_TEXT_MAX 640

struct reply {
	const char *code;     /* "451"; NULL: no reply, the message goes on */
	const char *enhanced; /* "4.7.1" */
	char text[REPLY_TEXT_MAX]; /* as for a person, nothing doubled */
};

void reply_set(struct reply *reply, const char *code, const char *enhanced,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Over a limit: how much of what was sent in which time and, when waiting
 * helps, how long. who: "account relay@contoso.com". retry: 451, else 550.
 */
void reply_over_limit(struct reply *reply, int retry, const char *who,
    const struct conf_limit *limit, const struct counters_item *item);

/* "42 seconds", "3 minutes", "1 hour"; rounded up. */
void reply_duration(char *text, size_t size, int64_t ms);

/* The unit in words: "external recipients". */
const char *reply_unit(enum conf_unit unit);

/*
 * The text for the wire: printable ASCII only and '%' doubled, as
 * smfi_setreply wants it.
 */
void reply_wire(const char *text, char out[2 * REPLY_TEXT_MAX]);

#endif
