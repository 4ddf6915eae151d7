/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PROGRAM_H
#define POSTOAK_PROGRAM_H

#include <stddef.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "err.h"

/*
 * program - the mail program the plugin runs inside: whose account it wants,
 * what it has been configured with, what it cannot do. Called by xoauth2.
 */

/*
 * The account's name, copied to account: the authentication name
 * (SASL_CB_AUTHNAME), from *prompt_need if the program has answered a prompt,
 * else from its callback. SASL_OK; SASL_INTERACT with *prompt_need set to
 * prompts, which must last until the next call; else SASL_FAIL with ERR_CONFIG.
 */
int program_account(const sasl_utils_t *utils, sasl_interact_t prompts[2],
    sasl_interact_t **prompt_need, char *account, size_t size, struct err *err);

/* 1 if text holds no control character: ^A is the mechanisms' own delimiter,
 * the others are the mail protocols'. */
int program_text_is_clean(const char *text);

/* Path of tokend's socket: $POSTOAK_SOCKET unless set-ID, the SASL option
 * postoak_socket, the compiled-in default. Borrowed. */
const char *program_socket(const sasl_utils_t *utils);

/*
 * The level at which the program's log shows a failure. SASL_LOG_FAIL is the
 * lowest that Postfix passes on; sendmail leaves its log to libsasl2, which
 * shows of a client nothing but SASL_LOG_ERR (2.1.28).
 */
int program_log_level(void);

/*
 * Can the program send a response of this length? 0, or -1 with ERR_CONFIG.
 * sendmail before 8.18.2 cannot: it cuts the line, and goes on unauthenticated
 * when the server refuses it. The others have no limit, or send a long response
 * on a line of its own.
 */
int program_check_line(const sasl_utils_t *utils, const char *mechanism,
    size_t response_len, struct err *err);

#endif
