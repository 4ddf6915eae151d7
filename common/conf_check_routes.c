/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_check_routes - a login or sender is one account's. See conf_check.h.
 */
#include "conf_check.h"

#include "conf_error.h"
#include "conf_index.h"

/* The line of an option; it is given, for there is something in it. */
static int
line_of(const struct conf_source *source, const char *option)
{
	return source->lines[conf_table_index(
	    conf_table_section(CONF_SECTION_ACCOUNT), option)];
}

/* One option through all accounts. */
struct check {
	const struct conf *conf;
	const struct conf_source *sources; /* one an account */
	const char *option;
	struct conf_index *index; /* what is listed, by account */
	struct err *err;
};

static int
check_list(const struct check *check, size_t n, const struct conf_list *list)
{
	const struct conf_source *source = &check->sources[n];
	size_t i, other;

	for (i = 0; i < list->count; i++) {
		if (conf_index_add(check->index, list->items[i], n) == 0)
			continue;
		(void)conf_index_find(check->index, list->items[i], &other);
		/* Twice in one account does no harm. */
		if (other == n)
			continue;
		return conf_error_at(check->err, source->file,
		    line_of(source, check->option),
		    "account \"%.100s\": %s = \"%.100s\" is account "
		    "\"%.100s\"'s already, at %s:%d; delete one",
		    check->conf->accounts[n].name, check->option,
		    list->items[i], check->conf->accounts[other].name,
		    check->sources[other].file,
		    line_of(&check->sources[other], check->option));
	}
	return 0;
}

static int
check_logins(const struct check *check)
{
	size_t i;

	for (i = 0; i < check->conf->account_count; i++)
		if (check_list(check, i, &check->conf->accounts[i].logins) ==
		    -1)
			return -1;
	return 0;
}

static int
check_senders(const struct check *check)
{
	size_t i;

	for (i = 0; i < check->conf->account_count; i++)
		if (check_list(check, i, &check->conf->accounts[i].senders) ==
		    -1)
			return -1;
	return 0;
}

int
conf_check_routes(
    const struct conf *conf, const struct conf_source *sources, struct err *err)
{
	struct check logins = {conf, sources, "logins", conf_index_new(), err};
	struct check senders = {
	    conf, sources, "senders", conf_index_new(), err};
	int rc = check_logins(&logins);

	if (rc == 0)
		rc = check_senders(&senders);
	conf_index_free(logins.index);
	conf_index_free(senders.index);
	return rc;
}
