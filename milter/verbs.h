/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_VERBS_H
#define POSTOAK_VERBS_H

#include "counters.h"
#include "json.h"

/*
 * verbs - what the control socket can be asked (common/PROTOCOL 2.2): limits
 * and reload.
 */

/* Where verbs_answer finds what it tells; before the first request. */
void verbs_init(const char *config_path, struct counters *counters);

/* A control_verb. */
struct json *verbs_answer(
    const char *verb, const struct json *request, struct err *err);

/*
 * Read the configuration again and use it for the messages that begin from now
 * on. A bad one changes nothing. Either way one line is logged. 0 or -1.
 */
int verbs_reload(struct err *err);

#endif
