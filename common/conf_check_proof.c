/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_check_proof - an application's secret, certificate or assertion. See
 * conf_check_proof.h.
 */
#include "conf_check_proof.h"

#include <stdlib.h>
#include <string.h>

#include "conf_error.h"
#include "conf_table.h"
#include "mem.h"
#include "preset.h"

/* Azure's, on every host there. */
#define METADATA_ENDPOINT                                                      \
	"http://169.254.169.254/metadata/identity/oauth2/token"

/* One application while it is checked. */
struct check {
	struct conf_application *app;
	const struct conf_source *source;
	struct err *err;
};

/* Of these, one. */
static const struct {
	const char *option;
	enum conf_proof proof;
} proofs[] = {
    {"client_secret_file", CONF_PROOF_SECRET},
    {"certificate_file", CONF_PROOF_CERTIFICATE},
    {"federated_token_file", CONF_PROOF_FEDERATED_FILE},
    {"managed_identity", CONF_PROOF_MANAGED_IDENTITY},
};

#define N_PROOFS (sizeof(proofs) / sizeof(proofs[0]))

static int
line_of(const struct check *check, const char *option)
{
	return check->source->lines[conf_table_index(
	    conf_table_section(CONF_SECTION_APPLICATION), option)];
}

static int
refuse(const struct check *check, const char *option, const char *problem)
{
	int line = line_of(check, option);

	return conf_error_at(check->err, check->source->file,
	    line != 0 ? line : check->source->line,
	    "application \"%.100s\": %s %s", check->app->name, option, problem);
}

/* Which of the proofs is given; two of them contradict each other. */
static int
find_proof(const struct check *check)
{
	struct conf_application *app = check->app;
	const char *first = "client_secret_file";
	size_t i;

	app->where_proof.file = check->source->file;
	app->where_proof.line = check->source->line;
	for (i = 0; i < N_PROOFS; i++) {
		if (line_of(check, proofs[i].option) == 0)
			continue;
		if (app->proof != CONF_PROOF_NONE)
			return conf_error_at(check->err, check->source->file,
			    line_of(check, proofs[i].option),
			    "application \"%.100s\": %s stands beside %s; an "
			    "application proves who it is in one way: delete "
			    "one",
			    app->name, proofs[i].option, first);
		app->proof = proofs[i].proof;
		app->where_proof.line = line_of(check, proofs[i].option);
		first = proofs[i].option;
	}
	return 0;
}

static int
check_certificate(const struct check *check)
{
	const struct conf_application *app = check->app;

	if (app->certificate_files.count == 0)
		return refuse(check, "certificate_file",
		    "is empty; name a file with a certificate, or delete it");
	if (app->key_files.count != 0 &&
	    app->key_files.count != app->certificate_files.count)
		return refuse(check, "key_file",
		    "needs as many files as certificate_file, in the same "
		    "order");
	return 0;
}

/*
 * Without client_id the identity itself is the application: then everything
 * comes from the metadata service, and no tenant is asked.
 */
static int
check_identity(const struct check *check)
{
	struct conf_application *app = check->app;

	if (app->metadata_endpoint == NULL)
		app->metadata_endpoint = mem_strdup(METADATA_ENDPOINT);
	if (app->federated_audience == NULL)
		app->federated_audience =
		    mem_strdup(preset_find(app->provider)->federated_audience);
	if (strcmp(app->managed_identity, "system") != 0 &&
	    !conf_value_is_guid(app->managed_identity))
		return refuse(check, "managed_identity",
		    "is neither \"system\" nor the client ID of a "
		    "user-assigned identity");
	if (app->client_id != NULL) {
		if (strcmp(app->managed_identity, "system") == 0)
			return refuse(check, "managed_identity",
			    "= \"system\" cannot stand for an application; "
			    "write the client ID of a user-assigned identity, "
			    "or delete client_id");
		return 0;
	}
	app->is_identity = 1;
	app->client_id = mem_strdup(app->managed_identity);
	free(app->token_endpoint);
	app->token_endpoint = mem_strdup(app->metadata_endpoint);
	return 0;
}

int
conf_check_proof(struct conf_application *app, const struct conf_source *source,
    struct err *err)
{
	static const char *const parts[] = {
	    "key_file", "key_passphrase_file", "assertion_algorithm"};
	struct check check = {app, source, err};
	size_t i;

	if (find_proof(&check) == -1)
		return -1;
	/* The key's file names the client. */
	if (app->client_id == NULL && app->service_account_file != NULL)
		app->client_id = mem_strdup("");
	if (app->proof == CONF_PROOF_CERTIFICATE)
		return check_certificate(&check);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (line_of(&check, parts[i]) != 0)
			return refuse(&check, parts[i],
			    "stands without certificate_file; write that too, "
			    "or delete it");
	if (app->proof == CONF_PROOF_MANAGED_IDENTITY)
		return check_identity(&check);
	/* An empty list is no secret. */
	if (app->proof == CONF_PROOF_SECRET &&
	    app->client_secret_files.count == 0)
		app->proof = CONF_PROOF_NONE;
	return 0;
}
