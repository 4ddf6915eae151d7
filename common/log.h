/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_LOG_H
#define POSTOAK_LOG_H

/*
 * log - one line per outcome, to syslog(3) or standard error.
 *
 * "id" ties lines together: an account's name or a queue id; NULL when there
 * is none. The line reads "id: event in words: key=value key=value". Control
 * characters in it are shown as \xNN. Thread-safe. For daemons only: the
 * plugin logs through its host's SASL callback.
 */

enum log_level { LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/*
 * ident: the program's name. to_stderr: foreground; else syslog with facility
 * mail. Lines above the level are dropped.
 */
void log_open(const char *ident, int to_stderr, enum log_level level);

/* Change the level of a running program. */
void log_set_level(enum log_level level);

/* Something an administrator has to know about. */
void log_warn(const char *id, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An outcome. */
void log_info(const char *id, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* For the search for a fault; no secret even here. */
void log_debug(const char *id, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Before a loop has started only: log, to standard error in any case, and exit
 * with the sysexits(3) code.
 */
void log_fatal(int exit_code, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), noreturn));

#endif
