/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_ERROR_H
#define POSTOAK_CONF_ERROR_H

#include <stdarg.h>
#include <stddef.h>

#include "conf_table.h"
#include "err.h"

/*
 * conf_error - the words of configuration errors: option, value, remedy. Called
 * by the other conf files.
 */

/* ERR_CONFIG with "file:line: TEXT"; -1. */
int conf_error_at(struct err *err, const char *file, int line, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));

/*
 * A refused value, as `account "x": option = "text" PROBLEM`; -1. title may be
 * NULL.
 */
int conf_error_value(struct err *err, const char *file, int line,
    const struct conf_section *section, const char *title, const char *option,
    const struct conf_value *value);

/*
 * An error of libconfuse's own, given by its format, in plain words into out.
 * section is where it happened.
 */
void conf_error_plain(char *out, size_t size,
    const struct conf_section *section, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

#endif
