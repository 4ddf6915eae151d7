/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf - find things in a loaded configuration, and free it. See conf.h.
 */
#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_inside.h"
#include "conf_table.h"
#include "conf_take.h"

void
conf_free(struct conf *conf)
{
	size_t i;

	if (conf == NULL)
		return;
	conf_table_free(CONF_SECTION_TOKEND, &conf->tokend);
	conf_table_free(CONF_SECTION_MILTER, &conf->milter);
	for (i = 0; i < conf->application_count; i++) {
		conf_table_free(
		    CONF_SECTION_APPLICATION, &conf->applications[i]);
		free(conf->applications[i].name);
	}
	for (i = 0; i < conf->account_count; i++) {
		conf_table_free(CONF_SECTION_ACCOUNT, &conf->accounts[i]);
		free(conf->accounts[i].name);
	}
	free(conf->applications);
	free(conf->accounts);
	for (i = 0; i < conf->inside->files.count; i++)
		free(conf->inside->files.items[i]);
	free(conf->inside->files.items);
	conf_index_free(conf->inside->accounts);
	conf_index_free(conf->inside->applications);
	free(conf->inside);
	free(conf->path);
	free(conf);
}

const struct conf_account *
conf_account_find(const struct conf *conf, const char *name)
{
	size_t number;

	return conf_index_find(conf->inside->accounts, name, &number)
		   ? &conf->accounts[number]
		   : NULL;
}

const struct conf_account *
conf_account_for(const struct conf *conf, const char *mailbox)
{
	const struct conf_account *account = conf_account_find(conf, mailbox);
	const char *at = strrchr(mailbox, '@');

	/* "@contoso.com" itself is no mailbox, but finds its account. */
	if (account == NULL && at != NULL && at != mailbox)
		account = conf_account_find(conf, at);
	return account;
}

const char *
conf_grant_name(enum conf_grant grant)
{
	const char *word = conf_take_grant_word(grant);

	return word != NULL ? word : "none";
}

const char *
conf_default_path(void)
{
	return POSTOAK_SYSCONFDIR "/postoak/postoak.conf";
}
