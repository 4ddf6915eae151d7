/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_UTF8_H
#define POSTOAK_UTF8_H

#include <stddef.h>

/*
 * utf8 - is it UTF-8? (RFC 3629: no overlong form, no surrogate, nothing above
 * U+10FFFF.) Called by json and conf. Pure.
 */

/*
 * Length in bytes (1 to 4) of the sequence at p, 0 if there is no valid one.
 * p must be NUL-terminated; nothing behind the NUL is read.
 */
size_t utf8_length(const char *p);

/* Are all len bytes UTF-8? A NUL is a character like others. */
int utf8_valid(const char *data, size_t len);

#endif
