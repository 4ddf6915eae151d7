/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_COUNTERS_NEWS_H
#define POSTOAK_COUNTERS_NEWS_H

#include <stdint.h>

#include "counters_own.h"
#include "redis_link.h"

/*
 * counters_news - what the store tells all hosts whenever one of them counts:
 * what they have together. It lies in the connection's buffer and is read now
 * and then; when the store goes away, what has come by then is all that was
 * counted there, whichever host did. Called by counters_keeper and, once the
 * store is away, counters_shared.
 */

/* Ask for it, on a connection of its own. 0, or -1 with *err. */
int counters_news_listen(
    struct redis_link *link, int64_t until_ms, struct err *err);

/*
 * Take what has come, for at most until until_ms. 0, or -1 with *err: nothing
 * more will come.
 */
int counters_news_read(struct redis_link *link, struct own_file *own,
    int64_t until_ms, struct err *err);

#endif
