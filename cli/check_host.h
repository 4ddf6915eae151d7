/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_HOST_H
#define POSTOAK_CHECK_HOST_H

#include "checkup.h"

/*
 * check_host - what "postoak check" looks at on this host. Each is a check as
 * checkup.h has it. Called by check.
 */

/* Whether the configuration can be read; id configuration. */
void check_host_configuration(const struct checkup *checkup);

#endif
