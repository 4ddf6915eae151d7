/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_SASL_MAILER_H
#define POSTOAK_SASL_MAILER_H

#include <stddef.h>

#include <sasl/sasl.h>

#include "sasl_tokend.h"

/*
 * sasl_mailer - a mail program with the real libsasl2, which loads
 * libpostoak.so and the system's mechanisms. For the plugin's tests.
 */

#define MAILER_ACCOUNT "relay@contoso.com"
#define MAILER_HOST "smtp.office365.com"

extern struct tokend *tokend;	     /* fresh for each test */
extern const char *mailer_build_dir; /* where libpostoak.so is; main sets it */

/* What the plugin has logged: the last line, its level, how many. */
extern char mailer_log_text[4096];
extern int mailer_log_level, mailer_log_lines;

/* How often a password was asked for. */
extern int mailer_passwords_asked;

/* The one SASL option that is set; name NULL: none. */
extern const char *mailer_option, *mailer_option_value;

/* One authentication. */
struct mailer {
	sasl_conn_t *conn;
	const char *mechanism;
	const char *out;
	unsigned len;
};

typedef int (*mailer_callback)(void);

int mailer_setup(void **state);

/* sasl_client_done; fails if a descriptor is left after it. */
int mailer_teardown(void **state);

/* The plugin path for the next mailer_init: ours first or the system's. */
void mailer_find_plugins(int system_first);
int mailer_init(void);

/* As Postfix and sendmail have them; per thread, until the next call. */
const sasl_callback_t *mailer_callbacks(const char *user);
int mailer_get_simple(
    void *context, int id, const char **result, unsigned *len);

/* sasl_client_new and sasl_client_start for service smtp; a further step. */
int mailer_start(
    struct mailer *mailer, const char *mechanisms, const char *user);
int mailer_step(struct mailer *mailer, const char *challenge);

/* The last step's output is exactly this, and not NULL. */
void mailer_assert_out(
    const struct mailer *mailer, const char *expected, size_t len);
#define mailer_assert_sends(mailer, string)                                    \
	mailer_assert_out(mailer, string, sizeof(string) - 1)

/* The step failed with code, without output, with text for the program and in
 * one line of log at SASL_LOG_FAIL. Ends the authentication. */
void mailer_assert_failure(
    int result, int code, struct mailer *mailer, const char *text);

#endif
