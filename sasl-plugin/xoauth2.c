/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xoauth2 - the Cyrus SASL client mechanisms XOAUTH2 and OAUTHBEARER.
 *
 * XOAUTH2 is Google's and Microsoft's, OAUTHBEARER is RFC 7628. Both send an
 * access token, which postoak-tokend hands out (client.h), in one message:
 *
 *   client: the response with the token
 *   server: its verdict, in the mail protocol: done, we are not called again
 *       or an empty challenge, then the verdict
 *       or an error challenge (JSON), which wants an answer before the verdict
 *
 * Every failure is told in sasl_errdetail and in one line of the program's mail
 * log (program_log_level). Nothing else is logged.
 *
 * libsasl2 loads this into every program that uses SASL, often as root, so
 * sasl_client_plug_init does nothing but hand over a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "buf.h"
#include "client.h"
#include "err.h"
#include "program.h"
#include "wire.h"

/* tokend may look for a token for WAIT_MS; the rest is for a busy machine. */
#define WAIT_MS 5000
#define TOKEN_TIMEOUT_MS 6000
/* A refused token is bad news already: the report may not cost much more. */
#define REPORT_TIMEOUT_MS 1000

#define ACCOUNT_MAX 512
#define TOKEN_ID_MAX 64
#define CHALLENGE_MAX 1536 /* bytes, 2048 in base64: PROTOCOL, 1.3 */
#define RESPONSE_MAX (2 * WIRE_ANSWER_MAX)

struct mechanism {
	const char *name;
	int (*build)(struct buf *out, const sasl_client_params_t *params,
	    const struct client_token *token);
	const char *error_answer; /* to an error challenge */
};

/* One authentication, from mech_new to mech_dispose. */
struct exchange {
	const struct mechanism *mechanism;
	enum { FIRST, SENT, REFUSED, DONE } state;
	char account[ACCOUNT_MAX];
	char token_id[TOKEN_ID_MAX];
	struct buf response; /* libsasl2 borrows it until the next step */
	sasl_interact_t prompts[2];
};

static int
sasl_code(enum err_kind kind)
{
	switch (kind) {
	case ERR_TEMPORARY:
		return SASL_UNAVAIL;
	case ERR_LOGIN:
		return SASL_EXPIRED;
	default:
		return SASL_FAIL;
	}
}

/*
 * Tell the program and its log. The text came from elsewhere and is never a
 * format. SASL_NOLOG: seterror is not to log the same once more.
 */
static int
fail(const sasl_utils_t *utils, const struct exchange *exchange,
    const struct err *err)
{
	char retry[32] = "";
	char line[ACCOUNT_MAX + sizeof(struct err) + 64];

	if (err->retry_ms > 0)
		snprintf(retry, sizeof(retry), " retry=%ds",
		    err->retry_ms / 1000 + (err->retry_ms % 1000 != 0));
	snprintf(line, sizeof(line), "postoak: account=%s code=%s%s: %s",
	    exchange->account[0] != '\0' ? exchange->account : "?", err->code,
	    retry, err->text);
	utils->seterror(utils->conn, SASL_NOLOG, "%s", line);
	utils->log(utils->conn, program_log_level(), "%s", line);
	return sasl_code(err->kind);
}

/* The server does not keep to the mechanism. */
static int
fail_challenge(const sasl_utils_t *utils, const struct exchange *exchange,
    const char *text)
{
	struct err err;

	err_set(&err, ERR_PROTOCOL, "challenge", "%s", text);
	fail(utils, exchange, &err);
	return SASL_BADPROT;
}

/* --- the response --------------------------------------------------------- */

/* Piece by piece into the room for all: formatting reads a token twice, and a
 * buffer that grows copies and wipes it. */
static int
build_xoauth2(struct buf *out, const sasl_client_params_t *params,
    const struct client_token *token)
{
	(void)params;
	(void)buf_reserve(out, strlen(token->user) + strlen(token->token) + 32);
	buf_adds(out, "user=");
	buf_adds(out, token->user);
	buf_adds(out, "\001auth=Bearer ");
	buf_adds(out, token->token);
	buf_adds(out, "\001\001");
	return out->truncated ? -1 : 0;
}

/*
 * The server's port, 0 if there is no telling. Few programs give addresses
 * ("192.0.2.1;143"); for the others it is the service's usual one.
 */
static int
server_port(const sasl_client_params_t *params)
{
	static const struct {
		const char *service;
		int port;
	} usual[] = {{"smtp", 587}, {"imap", 993}, {"pop", 995}};
	const char *port = NULL;
	long number;
	size_t i;

	if (params->ipremoteport != NULL)
		port = strrchr(params->ipremoteport, ';');
	number = port != NULL ? strtol(port + 1, NULL, 10) : 0;
	if (number > 0 && number <= 65535)
		return (int)number;
	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (strcmp(params->service, usual[i].service) == 0)
			return usual[i].port;
	return 0;
}

/* RFC 7628, 3.1; in the GS2 header , and = are escaped (RFC 5801, 4). */
static int
build_oauthbearer(struct buf *out, const sasl_client_params_t *params,
    const struct client_token *token)
{
	size_t host_len = strlen(params->serverFQDN);
	int port = server_port(params);
	const char *p;

	/* sendmail gives the name as the DNS has it, with the root's dot. */
	if (host_len > 0 && params->serverFQDN[host_len - 1] == '.')
		host_len--;
	buf_adds(out, "n,a=");
	for (p = token->user; *p != '\0'; p++) {
		if (*p == ',')
			buf_adds(out, "=2C");
		else if (*p == '=')
			buf_adds(out, "=3D");
		else
			buf_add(out, p, 1);
	}
	buf_addf(out, ",\001host=%.*s\001", (int)host_len, params->serverFQDN);
	if (port != 0)
		buf_addf(out, "port=%d\001", port);
	buf_adds(out, "auth=Bearer ");
	buf_adds(out, token->token);
	buf_adds(out, "\001\001");
	return out->truncated ? -1 : 0;
}

/* What tokend sent goes into a protocol: nothing may break out of its place. */
static int
check_token(const struct client_token *token, struct err *err)
{
	/* b64token of RFC 6750, 2.1 */
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~+/=";

	if (*token->user == '\0' || !program_text_is_clean(token->user))
		return err_set(err, ERR_PROTOCOL, "user",
		    "postoak-tokend's user name is empty or holds a control "
		    "character");
	if (*token->token == '\0' ||
	    token->token[strspn(token->token, allowed)] != '\0')
		return err_set(err, ERR_PROTOCOL, "token",
		    "postoak-tokend's token is empty or holds a character "
		    "that RFC 6750 does not allow");
	if (strlen(token->token_id) >= TOKEN_ID_MAX)
		return err_set(err, ERR_PROTOCOL, "token",
		    "postoak-tokend's token_id is too long");
	return 0;
}

/* Fetch the token and turn it into the response. 0 or -1. */
static int
make_response(struct exchange *exchange, const sasl_client_params_t *params,
    struct err *err)
{
	struct client_query query = {.path = program_socket(params->utils),
	    .account = exchange->account,
	    .service = params->service,
	    .host = params->serverFQDN,
	    .wait_ms = WAIT_MS,
	    .timeout_ms = TOKEN_TIMEOUT_MS};
	struct client_token token;
	int result;

	/* A token must not go to a server nobody has named. */
	if (query.host == NULL || *query.host == '\0' ||
	    !program_text_is_clean(query.host))
		return err_set(err, ERR_CONFIG, "host",
		    "the mail program did not say which server this is");
	result = client_get_token(&query, &token, err);
	if (result == 0)
		result = check_token(&token, err);
	if (result == 0 && exchange->mechanism->build(
			       &exchange->response, params, &token) == -1)
		result = err_set(err, ERR_TEMPORARY, "memory",
		    "no memory for the response, or it is too long");
	if (result == 0)
		result = program_check_line(params->utils,
		    exchange->mechanism->name, exchange->response.len, err);
	if (result == 0)
		memcpy(exchange->token_id, token.token_id,
		    strlen(token.token_id) + 1);
	else
		buf_clear(&exchange->response);
	client_clear_token(&token);
	return result;
}

/* --- the steps ------------------------------------------------------------ */

/* Who logs in, for libsasl2 and the program's own rules on names. 0 or -1. */
static int
enter_name(const struct exchange *exchange, const sasl_client_params_t *params,
    sasl_out_params_t *oparams, struct err *err)
{
	int result = params->canon_user(params->utils->conn, exchange->account,
	    0, SASL_CU_AUTHID | SASL_CU_AUTHZID, oparams);

	if (result == SASL_OK)
		return 0;
	if (result == SASL_NOMEM)
		return err_set(err, ERR_TEMPORARY, "memory",
		    "no memory for the user name");
	return err_set(err, ERR_CONFIG, "account",
	    "the mail program does not take the user name (SASL code %d)",
	    result);
}

/*
 * SASL_CONTINUE, although nothing need follow: after SASL_OK programs refuse
 * the error challenge that may (isync).
 *
 * The account is the authentication name. These mechanisms have no place for
 * an authorization name (SASL_CB_USER), and no password is ever asked for.
 */
static int
first_step(struct exchange *exchange, const sasl_client_params_t *params,
    sasl_interact_t **prompt_need, const char **clientout,
    unsigned *clientoutlen, sasl_out_params_t *oparams)
{
	const sasl_utils_t *utils = params->utils;
	struct err err;
	int result;

	result = program_account(utils, exchange->prompts, prompt_need,
	    exchange->account, sizeof(exchange->account), &err);
	if (result == SASL_INTERACT)
		return result;
	if (result != SASL_OK)
		return fail(utils, exchange, &err);
	if (enter_name(exchange, params, oparams, &err) == -1)
		return fail(utils, exchange, &err);
	if (make_response(exchange, params, &err) == -1)
		return fail(utils, exchange, &err);
	exchange->state = SENT;
	*clientout = exchange->response.data;
	*clientoutlen = (unsigned)exchange->response.len;
	return SASL_CONTINUE;
}

/*
 * Tell tokend, so that the next attempt gets a fresh token. The challenge stays
 * out of the log: it is the server's, and might repeat the token.
 */
static void
report_rejected(const struct exchange *exchange,
    const sasl_client_params_t *params, const char *challenge, unsigned len)
{
	struct client_query query = {.path = program_socket(params->utils),
	    .account = exchange->account,
	    .timeout_ms = REPORT_TIMEOUT_MS};
	char base64[CHALLENGE_MAX / 3 * 4 + 1];
	struct err failure, err;

	if (len > CHALLENGE_MAX)
		len = CHALLENGE_MAX;
	if (params->utils->encode64(
		challenge, len, base64, sizeof(base64), NULL) != SASL_OK)
		base64[0] = '\0';
	if (client_report_rejected(
		&query, exchange->token_id, base64, &failure) == 0)
		err_set(&err, ERR_TEMPORARY, "rejected",
		    "%s refused the access token; postoak-tokend was told",
		    params->serverFQDN);
	else
		err_set(&err, ERR_TEMPORARY, "rejected",
		    "%s refused the access token; postoak-tokend could not be "
		    "told: %s",
		    params->serverFQDN, failure.text);
	fail(params->utils, exchange, &err);
}

/*
 * The answer to an error challenge only brings on the server's own reply, which
 * says why and is what the program has to log; hence no error code of ours, and
 * not SASL_OK either, for nothing is. Postfix and sendmail send what comes with
 * either and read on. XOAUTH2's answer is empty but not NULL: with NULL some
 * programs send nothing at all.
 */
static int
error_step(struct exchange *exchange, const sasl_client_params_t *params,
    const char *challenge, unsigned len, const char **clientout,
    unsigned *clientoutlen)
{
	report_rejected(exchange, params, challenge, len);
	exchange->state = REFUSED;
	*clientout = exchange->mechanism->error_answer;
	*clientoutlen = (unsigned)strlen(*clientout);
	return SASL_CONTINUE;
}

static int
mech_step(void *context, sasl_client_params_t *params, const char *serverin,
    unsigned serverinlen, sasl_interact_t **prompt_need, const char **clientout,
    unsigned *clientoutlen, sasl_out_params_t *oparams)
{
	struct exchange *exchange = context;

	*clientout = NULL;
	*clientoutlen = 0;
	buf_clear(&exchange->response);
	switch (exchange->state) {
	case FIRST:
		/* The client speaks first: with an initial response there is
		 * no challenge yet, without one it is empty. */
		if (serverinlen > 0)
			return fail_challenge(params->utils, exchange,
			    "the server sent a challenge before the token");
		return first_step(exchange, params, prompt_need, clientout,
		    clientoutlen, oparams);
	case SENT:
		/* An error challenge. */
		if (serverinlen > 0)
			return error_step(exchange, params, serverin,
			    serverinlen, clientout, clientoutlen);
		/* The server is content, or the program says that it was. */
		exchange->state = DONE;
		oparams->doneflag = 1;
		*clientout = "";
		return SASL_OK;
	default:
		/* Nothing can follow. */
		return fail_challenge(params->utils, exchange,
		    "the server sent one challenge too many");
	}
}

static int
mech_new(void *mechanism, sasl_client_params_t *params, void **context)
{
	struct exchange *exchange =
	    params->utils->calloc(1, sizeof(struct exchange));

	if (exchange == NULL)
		return SASL_NOMEM;
	exchange->mechanism = mechanism;
	buf_init(&exchange->response, RESPONSE_MAX);
	*context = exchange;
	return SASL_OK;
}

static void
mech_dispose(void *context, const sasl_utils_t *utils)
{
	struct exchange *exchange = context;

	if (exchange == NULL)
		return;
	buf_clear(&exchange->response);
	utils->free(exchange);
}

/* libsasl2 unloads us next: a descriptor kept would be lost. */
static void
mech_free(void *mechanism, const sasl_utils_t *utils)
{
	(void)mechanism;
	(void)utils;
	client_close();
}

/* --- the table ------------------------------------------------------------ */

static struct mechanism xoauth2 = {"XOAUTH2", build_xoauth2, ""};
static struct mechanism oauthbearer = {
    "OAUTHBEARER", build_oauthbearer, "\001"};

static const unsigned long required_prompts[] = {
    SASL_CB_AUTHNAME, SASL_CB_LIST_END};

/*
 * What is claimed is true: a token names its owner (NOANONYMOUS), and no
 * dictionary holds one (NODICTIONARY). Whoever reads it can use it, so there is
 * no NOPLAINTEXT, no NOACTIVE and no SSF. NODICTIONARY is what puts these two
 * before PLAIN and LOGIN in libsasl2's order when a server offers all of them.
 * Of equals the first in the table is preferred: XOAUTH2, which every provider
 * of mail has, and which does not want the port that libsasl2 seldom knows.
 */
#define COMMON                                                                 \
	.security_flags = SASL_SEC_NOANONYMOUS | SASL_SEC_NODICTIONARY,        \
	.max_ssf = 0, .features = SASL_FEAT_WANT_CLIENT_FIRST,                 \
	.required_prompts = required_prompts, .mech_new = mech_new,            \
	.mech_step = mech_step, .mech_dispose = mech_dispose,                  \
	.mech_free = mech_free

static sasl_client_plug_t plugins[] = {
    {.mech_name = "XOAUTH2", .glob_context = &xoauth2, COMMON},
    {.mech_name = "OAUTHBEARER", .glob_context = &oauthbearer, COMMON},
};

sasl_client_plug_init_t sasl_client_plug_init
    __attribute__((visibility("default")));

/* Another version of libsasl2's interface is given no mechanism rather than an
 * error, which it would log in programs that have nothing to do with us. */
int
sasl_client_plug_init(const sasl_utils_t *utils, int max_version,
    int *out_version, sasl_client_plug_t **pluglist, int *plugcount)
{
	(void)utils;
	*out_version = SASL_CLIENT_PLUG_VERSION;
	*pluglist = plugins;
	*plugcount = (int)(sizeof(plugins) / sizeof(plugins[0]));
	if (max_version < SASL_CLIENT_PLUG_VERSION) {
		*out_version = max_version;
		*plugcount = 0;
	}
	return SASL_OK;
}
