/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_SENDMAIL_H
#define POSTOAK_CHECK_SENDMAIL_H

#include "checkup.h"

/*
 * check_sendmail - whether sendmail, where it is the mail server, logs in with
 * a token and shows mail to the milter. Called by check_mta.
 */

/* The sendmail.cf of this host, or of the request's directory; NULL if there is
 * none. free() it. */
char *check_sendmail_find(const struct checkup *checkup);

void check_sendmail(const struct checkup *checkup, const char *path);

#endif
