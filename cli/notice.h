/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_NOTICE_H
#define POSTOAK_NOTICE_H

#include "conf_account.h"

/*
 * notice - run notify_command when the provider takes an account's mail no
 * longer. Called by watch; calls launch.
 */

/*
 * Wait for its end, and kill it with all it has started when LAUNCH_LIMIT_MS
 * are over. kind is "full" or "blocked", reply what the provider said. What
 * goes wrong is said on standard error. Nothing is done if there is no command.
 */
void notice_run(const struct conf_list *command, const char *account,
    const char *kind, const char *reply);

#endif
