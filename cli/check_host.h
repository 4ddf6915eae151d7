/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CHECK_HOST_H
#define POSTOAK_CHECK_HOST_H

#include "checkup.h"

/*
 * check_host - what "postoak check" looks at on this host. Each is a check as
 * checkup.h has it; a file check_NAME.c for a few of them. Called by check.
 */

/* check_host.c: the configuration; both daemons; the clock, as tokend learns it
 * from the provider. */
void check_host_configuration(const struct checkup *checkup);
void check_host_tokend(const struct checkup *checkup);
void check_host_milter(const struct checkup *checkup);

/* check_files.c: who can read secrets, store and counters, and who can write
 * the configuration. */
void check_host_files(const struct checkup *checkup);

/* check_jail.c: whether Postfix's programs reach both sockets from where they
 * run, and what else has to be in their jail. */
void check_host_jail(const struct checkup *checkup);

/* check_plugin.c: whether libsasl2 loads our plugin, and no other before it. */
void check_host_plugin(const struct checkup *checkup);

/* check_net.c: names, IPv4 and IPv6, proxy, certificate authorities. */
void check_host_net(const struct checkup *checkup);

/* check_denials.c: what AppArmor and SELinux have forbidden. */
void check_host_denials(const struct checkup *checkup);

#endif
