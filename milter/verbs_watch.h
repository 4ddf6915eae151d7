/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_VERBS_WATCH_H
#define POSTOAK_VERBS_WATCH_H

#include "counters.h"
#include "json.h"

/*
 * verbs_watch - the verb watch of the control socket: what the mail log says of
 * the provider's replies (common/PROTOCOL 2.2). Called by verbs.
 */
struct json *verbs_watch(
    struct counters *counters, const struct json *request, struct err *err);

#endif
