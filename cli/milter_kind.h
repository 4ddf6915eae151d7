/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_MILTER_KIND_H
#define POSTOAK_MILTER_KIND_H

/*
 * milter_kind - what a mail filter is, by its name or socket. Pure. Called by
 * check_milters and check_sendmail.
 */

/* 1 if it signs with DKIM: by the programs' names, and the ports their manuals
 * propose. address may be NULL. */
int milter_kind_signs(const char *address);

#endif
