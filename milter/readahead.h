/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_READAHEAD_H
#define POSTOAK_READAHEAD_H

#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

/*
 * readahead - what an MTA sends is read from its socket in few calls.
 *
 * libmilter asks poll(2) three times and read(2) twice for each command, eighty
 * system calls a message, which are most of what a milter costs. These
 * functions carry the names of the C library's, and a program's symbols come
 * before those of its libraries: libmilter calls these, without knowing. What
 * has arrived is taken from the socket together and handed out from memory.
 *
 * Nothing else of the process is concerned: only what accept(2) returned is
 * read ahead (libmilter calls it; we and hiredis do not), and of that only what
 * is waited for with poll(2). With a libmilter that uses other calls (select,
 * recv) all is as it would be without this. Each returns what the function it
 * stands for does.
 */
int readahead_accept(int fd, struct sockaddr *address, socklen_t *len) __asm__(
    "accept");
int readahead_close(int fd) __asm__("close");
ssize_t readahead_read(int fd, void *data, size_t len) __asm__("read");
int readahead_poll(struct pollfd *fds, nfds_t count, int timeout_ms) __asm__(
    "poll");

/* What they become where a compiler knows the size (_FORTIFY_SOURCE). */
ssize_t readahead_read_chk(int fd, void *data, size_t len, size_t size) __asm__(
    "__read_chk");
int readahead_poll_chk(struct pollfd *fds, nfds_t count, int timeout_ms,
    size_t size) __asm__("__poll_chk");

#endif
