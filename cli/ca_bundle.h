/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CA_BUNDLE_H
#define POSTOAK_CA_BUNDLE_H

/*
 * ca_bundle - the host's file of certificate authorities. Called by mta and by
 * check.
 */

/* Its path, static: of the places where distributions keep it the first that
 * can be read. A fresh host may have none yet: then the first of all. */
const char *ca_bundle_find(void);

#endif
