/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program - the mail program the plugin runs inside. See program.h.
 */
#define _GNU_SOURCE
#include "program.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define DEFAULT_SOCKET POSTOAK_RUNSTATEDIR "/postoak/tokend.sock"

/* Bytes of a line before sendmail 8.18.2, its end not included. */
#define SENDMAIL_LINE_MAX 2047

/* The answer to our prompt, NULL if there is none. */
static const sasl_interact_t *
answered_prompt(sasl_interact_t *const *prompt_need)
{
	const sasl_interact_t *prompt;

	if (prompt_need == NULL || *prompt_need == NULL)
		return NULL;
	for (prompt = *prompt_need; prompt->id != SASL_CB_LIST_END; prompt++)
		if (prompt->id == SASL_CB_AUTHNAME)
			return prompt;
	return NULL;
}

/* What libsasl2 or the program's callback says; *len 0 if it is not told. */
static int
call_back(const sasl_utils_t *utils, const char **name, unsigned *len)
{
	sasl_callback_ft callback = NULL;
	void *context = NULL;
	int result;

	result = utils->getcallback(
	    utils->conn, SASL_CB_AUTHNAME, &callback, &context);
	if (result == SASL_OK && callback != NULL)
		result = ((sasl_getsimple_t *)(void (*)(void))callback)(
		    context, SASL_CB_AUTHNAME, name, len);
	return result;
}

static int
ask(sasl_interact_t prompts[2], sasl_interact_t **prompt_need)
{
	memset(prompts, 0, 2 * sizeof(prompts[0]));
	prompts[0].id = SASL_CB_AUTHNAME;
	prompts[0].challenge = "Authentication Name";
	prompts[0].prompt = "Please enter the account's name";
	prompts[1].id = SASL_CB_LIST_END;
	*prompt_need = prompts;
	return SASL_INTERACT;
}

int
program_account(const sasl_utils_t *utils, sasl_interact_t prompts[2],
    sasl_interact_t **prompt_need, char *account, size_t size, struct err *err)
{
	const sasl_interact_t *answer = answered_prompt(prompt_need);
	const char *name = NULL;
	unsigned len = 0;
	int result = SASL_OK;

	if (answer != NULL) {
		name = answer->result;
		len = answer->len;
		*prompt_need = NULL;
	} else
		result = call_back(utils, &name, &len);
	if (result == SASL_INTERACT && prompt_need != NULL)
		return ask(prompts, prompt_need);
	if (result != SASL_OK || name == NULL || *name == '\0') {
		err_set(err, ERR_CONFIG, "account",
		    "the mail program gave no user name; it belongs into its "
		    "password table");
		return SASL_FAIL;
	}
	/* A byte more may be a counted terminator, two are a hidden NUL. */
	if (strlen(name) >= size || !program_text_is_clean(name) ||
	    len > strlen(name) + 1) {
		err_set(err, ERR_CONFIG, "account",
		    "the user name is too long or holds a control character");
		return SASL_FAIL;
	}
	memcpy(account, name, strlen(name) + 1);
	return SASL_OK;
}

int
program_text_is_clean(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return 0;
	return 1;
}

static const char *
option(const sasl_utils_t *utils, const char *name)
{
	const char *value = NULL;

	if (utils->getopt == NULL ||
	    utils->getopt(utils->getopt_context, NULL, name, &value, NULL) !=
		SASL_OK ||
	    value == NULL || *value == '\0')
		return NULL;
	return value;
}

const char *
program_socket(const sasl_utils_t *utils)
{
	const char *path = secure_getenv("POSTOAK_SOCKET");

	if (path == NULL || *path == '\0')
		path = option(utils, "postoak_socket");
	return path != NULL ? path : DEFAULT_SOCKET;
}

/*
 * By the program's own name, not a symbolic link's, where /proc is mounted.
 * argv[0] would not do: sendmail writes its process title there.
 */
static int
is_named_sendmail(void)
{
	char path[PATH_MAX];
	const char *name = path;
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (len > 0)
		path[len] = '\0';
	else
		name = (const char *)getauxval(AT_EXECFN);
	if (name != NULL && strrchr(name, '/') != NULL)
		name = strrchr(name, '/') + 1;
	return name != NULL && strncmp(name, "sendmail", 8) == 0;
}

/* A process keeps its program, so it is asked once. */
static int
is_sendmail(void)
{
	static atomic_int known; /* 0: not yet, 1: no, 2: yes */
	int answer = atomic_load_explicit(&known, memory_order_relaxed);

	if (answer == 0) {
		answer = 1 + is_named_sendmail();
		atomic_store_explicit(&known, answer, memory_order_relaxed);
	}
	return answer == 2;
}

int
program_log_level(void)
{
	return is_sendmail() ? SASL_LOG_ERR : SASL_LOG_FAIL;
}

/*
 * Said by the administrator of a newer sendmail. getenv, as sendmail is
 * set-group-ID; it has cleared its environment of all that its configuration
 * does not set, and nothing is opened because of this.
 */
static int
long_lines_allowed(const sasl_utils_t *utils)
{
	const char *value = getenv("POSTOAK_LONG_LINES");

	if (value == NULL || *value == '\0')
		value = option(utils, "postoak_long_lines");
	return value != NULL && strchr("1yYtT", *value) != NULL;
}

int
program_check_line(const sasl_utils_t *utils, const char *mechanism,
    size_t response_len, struct err *err)
{
	size_t line = strlen("AUTH ") + strlen(mechanism) + 1 +
		      (response_len + 2) / 3 * 4;

	if (line <= SENDMAIL_LINE_MAX || !is_sendmail() ||
	    long_lines_allowed(utils))
		return 0;
	return err_set(err, ERR_CONFIG, "sendmail.line",
	    "sendmail before 8.18.2 cuts lines at %d bytes and this token "
	    "needs %zu: use 8.18.2 or later and set POSTOAK_LONG_LINES=1, see "
	    "libpostoak(8)",
	    SENDMAIL_LINE_MAX, line);
}
