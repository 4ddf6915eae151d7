/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_COUNTERS_H
#define POSTOAK_CONF_COUNTERS_H

#include <stddef.h>

#include "conf_value.h"

/*
 * conf_counters - the address of a store of counters, taken apart:
 *
 *   lmdb:/directory
 *   redis://[user@]host[:port][/db]      rediss:// is the same with TLS
 *   redis+unix:///path[?db=N]
 *   redis+sentinel://[user@]host[:port],host[:port].../master[/db]
 *                                        rediss+sentinel:// with TLS
 *
 * Called by conf_table to check it, by the milter to use it. Pure.
 */

#define CONF_COUNTERS_SERVERS 8

struct conf_counters_server {
	char host[256]; /* name or address, without brackets */
	char port[6];
};

struct conf_counters {
	int shared; /* Redis or Valkey; else LMDB in path */
	int tls;
	char path[108];	 /* of a Unix socket; "" if reached by servers */
	char user[64];	 /* "": the default user */
	char master[64]; /* "": the servers are no Sentinels */
	int db;
	struct conf_counters_server servers[CONF_COUNTERS_SERVERS];
	size_t server_count;
};

/* 0, or -1 with value->problem. value->text is the address. */
int conf_counters_parse(
    struct conf_value *value, struct conf_counters *counters);

/* The check of the option counters. */
int conf_value_counters(struct conf_value *value);

#endif
