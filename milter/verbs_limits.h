/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_VERBS_LIMITS_H
#define POSTOAK_VERBS_LIMITS_H

#include "counters.h"
#include "json.h"

/*
 * verbs_limits - the verb limits of the control socket (common/PROTOCOL 2.2).
 * Called by verbs.
 */
struct json *verbs_limits(
    struct counters *counters, const struct json *request, struct err *err);

#endif
