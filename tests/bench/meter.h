/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_BENCH_METER_H
#define POSTOAK_BENCH_METER_H

#include <stddef.h>
#include <stdint.h>

/*
 * meter - what the benchmark programs share. A program measures one thing on
 * order: the driver writes "run N" to its standard input and reads one line of
 * name=value pairs, so that two programs can be measured by turns and a noisy
 * machine disturbs both alike.
 */

/* Nanoseconds of CLOCK_MONOTONIC. */
int64_t meter_now_ns(void);

/* End with a message: what, and errno where it is not 0. */
void meter_fatal(const char *what) __attribute__((noreturn));

/* abort the measurement unless ok. */
void meter_must(int ok, const char *what);

/* A file's bytes, NUL-terminated; to be freed. *len may be NULL. */
char *meter_read_file(const char *path, size_t *len);

/* A connected Unix stream socket. */
int meter_connect(const char *path);

/* Send all, receive exactly len bytes; the end of the connection is fatal. */
void meter_send(int fd, const char *data, size_t len);
void meter_receive(int fd, char *data, size_t len);

/* Receive up to and including the first empty line; its length. */
size_t meter_receive_block(int fd, char *data, size_t size);

/*
 * Obey standard input until it ends. "run N" calls once() N times, after some
 * that are not timed, and prints done (how often in all), p50_ns, p99_ns and
 * max_ns; any other word calls other (may be NULL), which prints its own line.
 */
int meter_obey(void (*once)(void), void (*other)(const char *word));

#endif
