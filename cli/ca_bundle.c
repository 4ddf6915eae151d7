/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ca_bundle - see ca_bundle.h.
 */
#include "ca_bundle.h"

#include <stddef.h>
#include <unistd.h>

/* Debian, Fedora, SUSE, Alpine. */
static const char *const paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};

const char *
ca_bundle_find(void)
{
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	return paths[0];
}
