/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof - fingerprints of what is shown to the provider. See proof.h.
 */
#define _GNU_SOURCE
#include "proof.h"

#include "buf.h"
#include "clientauth.h"
#include "secret.h"
#include "secretfile.h"

static int
add_file(struct buf *all, const char *path, struct err *err)
{
	struct secret secret = SECRET_INIT;

	if (secretfile_read(path, &secret, err) == -1)
		return -1;
	buf_add(all, secret_reveal(&secret), secret_len(&secret));
	buf_add(all, "", 1);
	secret_clear(&secret);
	return 0;
}

int
proof_id(const struct conf_application *application,
    const struct conf_account *account, enum record_refused what,
    char id[CRYPTO_HEX_LEN], struct err *err)
{
	struct buf all;
	int rc = 0;

	buf_init(&all, SECRETFILE_MAX * 8);
	buf_adds(&all, application->token_endpoint);
	buf_add(&all, "", 1);
	buf_adds(&all, application->client_id);
	buf_add(&all, "", 1);
	if (what == RECORD_REFUSED_PASSWORD && account != NULL &&
	    account->password_file != NULL) {
		buf_adds(&all, account->user);
		buf_add(&all, "", 1);
		rc = add_file(&all, account->password_file, err);
	} else {
		rc = clientauth_add_secrets(application, &all, err);
	}
	if (rc == 0)
		rc = crypto_hash(all.data, all.len, id, err);
	buf_clear(&all);
	return rc;
}

uint64_t
proof_stamp(const struct conf_application *application,
    const struct conf_account *account)
{
	uint64_t stamp = clientauth_stamp(application);

	if (account != NULL && account->password_file != NULL)
		stamp = stamp * 31 + secretfile_stamp(account->password_file);
	if (application->service_account_file != NULL)
		stamp = stamp * 31 +
			secretfile_stamp(application->service_account_file);
	return stamp;
}
