/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LISTEN_H
#define POSTOAK_LISTEN_H

#include <sys/types.h>
#include <sys/un.h>

#include "err.h"

/*
 * listen - what libmilter leaves to be done about its socket's file: a stale
 * one, the mode, and removal at the end.
 */

struct listen {
	char spec[160]; /* for smfi_setconn */
	char path[sizeof(((struct sockaddr_un *)0)
			     ->sun_path)]; /* of a Unix socket; "" for TCP */
	int directory;			   /* descriptor; -1 for TCP */
	dev_t dev; /* of the socket's file, once it is there */
	ino_t ino;
};

/* 0, or -1 with ERR_CONFIG: neither "unix:/path" nor "inet[6]:port@host". */
int listen_check(const char *address, struct err *err);

/*
 * Fill in spec and make the way free: a socket nobody answers on is removed, a
 * living one or another kind of file is ERR_CONFIG. 0 or -1.
 */
int listen_prepare(struct listen *listen, const char *address, struct err *err);

/* After libmilter has made the socket: its mode, and what it is. 0 or -1. */
int listen_made(struct listen *listen, struct err *err);

/* Remove the socket's file if it is still ours. */
void listen_remove(struct listen *listen);

#endif
