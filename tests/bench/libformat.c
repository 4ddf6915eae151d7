/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libformat - a SASL client plugin that only formats a given token: the least
 * that any plugin for XOAUTH2 has to do. The token is in the file that
 * BENCH_TOKEN names.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

static char token[16384];

struct exchange {
	char *response;
};

static int
mech_new(void *glob, sasl_client_params_t *params, void **context)
{
	(void)glob;
	*context = params->utils->calloc(1, sizeof(struct exchange));
	return *context != NULL ? SASL_OK : SASL_NOMEM;
}

static int
get_name(sasl_client_params_t *params, const char **name)
{
	sasl_callback_ft found = NULL;
	void *context = NULL;

	if (params->utils->getcallback(params->utils->conn, SASL_CB_AUTHNAME,
		&found, &context) != SASL_OK ||
	    found == NULL)
		return SASL_FAIL;
	return ((sasl_getsimple_t *)(void (*)(void))found)(
	    context, SASL_CB_AUTHNAME, name, NULL);
}

static int
mech_step(void *context, sasl_client_params_t *params, const char *in,
    unsigned in_len, sasl_interact_t **prompt, const char **out,
    unsigned *out_len, sasl_out_params_t *oparams)
{
	struct exchange *exchange = context;
	const char *name = NULL;
	size_t size;
	int rc;

	(void)in;
	(void)in_len;
	(void)prompt;
	if (get_name(params, &name) != SASL_OK)
		return SASL_FAIL;
	rc = params->canon_user(params->utils->conn, name, 0,
	    SASL_CU_AUTHID | SASL_CU_AUTHZID, oparams);
	if (rc != SASL_OK)
		return rc;
	size = strlen(name) + strlen(token) + 32;
	exchange->response = params->utils->malloc(size);
	if (exchange->response == NULL)
		return SASL_NOMEM;
	*out_len = (unsigned)snprintf(exchange->response, size,
	    "user=%s\001auth=Bearer %s\001\001", name, token);
	*out = exchange->response;
	return SASL_CONTINUE;
}

static void
mech_dispose(void *context, const sasl_utils_t *utils)
{
	struct exchange *exchange = context;

	utils->free(exchange->response);
	utils->free(exchange);
}

static sasl_client_plug_t plugin = {.mech_name = "XOAUTH2",
    .security_flags = SASL_SEC_NOANONYMOUS,
    .features = SASL_FEAT_WANT_CLIENT_FIRST,
    .mech_new = mech_new,
    .mech_step = mech_step,
    .mech_dispose = mech_dispose};

sasl_client_plug_init_t sasl_client_plug_init
    __attribute__((visibility("default")));

int
sasl_client_plug_init(const sasl_utils_t *utils, int max_version,
    int *out_version, sasl_client_plug_t **list, int *count)
{
	const char *path = getenv("BENCH_TOKEN");
	FILE *file = path != NULL ? fopen(path, "r") : NULL;

	(void)utils;
	(void)max_version;
	if (file == NULL || fgets(token, sizeof(token), file) == NULL)
		return SASL_FAIL;
	(void)fclose(file);
	token[strcspn(token, "\n")] = '\0';
	*out_version = SASL_CLIENT_PLUG_VERSION;
	*list = &plugin;
	*count = 1;
	return SASL_OK;
}
