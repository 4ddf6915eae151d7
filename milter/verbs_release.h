/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_VERBS_RELEASE_H
#define POSTOAK_VERBS_RELEASE_H

#include "counters.h"
#include "json.h"

/*
 * verbs_release - the verb release of the control socket, in steps
 * (common/PROTOCOL 2.2). Called by verbs.
 */
struct json *verbs_release(
    struct counters *counters, const struct json *request, struct err *err);

#endif
