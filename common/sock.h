/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SOCK_H
#define POSTOAK_SOCK_H

#include <sys/types.h>

#include "err.h"

/*
 * sock - Unix sockets of the daemons and the tool, and systemd's two small
 * protocols (sd_listen_fds(3), sd_notify(3)), which need no library.
 *
 * Paths may be longer than sun_path: those go through the descriptor of their
 * directory (/proc/self/fd).
 */

struct sock_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/*
 * Listen on path with the given mode, replacing a socket that nobody answers
 * on. A living one, a file that is no socket and a missing directory are
 * ERR_CONFIG with the path and the remedy. Descriptor (non-blocking, CLOEXEC)
 * or -1.
 */
int sock_listen(const char *path, mode_t mode, struct err *err);

/* Remove the socket's file if it still is the one made by this process. */
void sock_unlink(const char *path, int fd);

/*
 * Blocking connect within timeout_ms. Sends and receives on the descriptor
 * are bounded by the same time each. Descriptor (CLOEXEC) or -1.
 */
int sock_connect(const char *path, int timeout_ms, struct err *err);

/* Who is at the other end (SO_PEERCRED, checked by the kernel). */
int sock_peer(int fd, struct sock_peer *peer, struct err *err);

/* 1 if the other end's process had gid among its groups when it connected. */
int sock_peer_in_group(int fd, gid_t gid);

/*
 * The listening descriptor systemd handed over for path, set non-blocking and
 * CLOEXEC; -1 if there is none. Each is handed out once. The environment is
 * read and cleared on the first call.
 */
int sock_inherited(const char *path);

/*
 * Tell the service manager, for example "READY=1" or "STATUS=...". Nothing
 * happens if none listens. The address is read from NOTIFY_SOCKET on the first
 * call and removed from the environment.
 */
void sock_notify(const char *state);

/* 1 if a service manager listens: then a daemon does not fork. */
int sock_notify_wanted(void);

/* Microseconds of the watchdog for this process, 0 if none (WATCHDOG_USEC). */
unsigned long long sock_watchdog_us(void);

#endif
