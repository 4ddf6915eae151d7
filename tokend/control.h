/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONTROL_H
#define POSTOAK_CONTROL_H

#include "err.h"

/*
 * control - the control socket: common/PROTOCOL section 2. For root, this
 * program's own user and the members of admin_group. Calls account; main does
 * the reload.
 */

/* Re-read the configuration; 0, or -1 and all is as before. */
typedef int control_reload(struct err *err);

/*
 * Open path, to be listened on instead of the one before. -1 with ERR_CONFIG:
 * as before.
 */
int control_prepare(const char *path, control_reload *reload, struct err *err);

/*
 * take: from now on the prepared one is it, for the admin_group of the
 * configuration in force; else it is given up.
 */
void control_settle(int take);

#endif
