/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SASL_PLUGINS_H
#define POSTOAK_SASL_PLUGINS_H

#include "err.h"

/*
 * sasl_plugins - what libsasl2 of this host loads when a mail program starts
 * it. It runs the plugins' own code: call it in a process that may be lost.
 * Called by check_plugin.
 */

/*
 * Start libsasl2 as a client, as the environment (SASL_PATH) says, and tell
 * each of its mechanisms in the order of its preference, with the name of the
 * plugin: its file's without "lib" and ".so". 0, or -1 with *err if there is no
 * libsasl2, or it does not start.
 */
int sasl_plugins_list(
    void (*each)(const char *mechanism, const char *plugin, void *arg),
    void *arg, struct err *err);

/* The directories it looks in, separated by colons: SASL_PATH, else the one
 * beside the library. free() it. */
char *sasl_plugins_path(void);

/* Why a plugin file cannot be loaded, for a person; NULL: it can. free() it. */
char *sasl_plugins_fault(const char *file);

#endif
