/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_H
#define POSTOAK_CHECK_H

#include "checkup.h"

/*
 * check - run the checks and print what they find. Called by main ("postoak
 * check") and setup; check.c has the table of them all.
 */

/* Areas, as bits. */
#define CHECK_HOST 0x01u
#define CHECK_MTA 0x02u
#define CHECK_ACCOUNT 0x04u
#define CHECK_SERVER 0x08u
#define CHECK_DOMAIN 0x10u
#define CHECK_ALL 0x1fu

/*
 * Run the checks of these areas for the request and print each finding as soon
 * as those before it are known, or with as_json one document at the end. At
 * most two minutes. Returns the exit code: EX_OK (warnings, too), EX_CONFIG if
 * one is FAIL, EX_NOINPUT if there is no such account, EX_IOERR.
 */
int check_run(
    const struct checkup_request *request, unsigned areas, int as_json);

#endif
