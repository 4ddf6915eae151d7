/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_postfix - the Postfix that is checked. See check_postfix.h.
 */
#include "check_postfix.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "postfix_plan.h"

int
check_postfix_open(struct check_postfix *postfix, const struct checkup *checkup,
    struct err *err)
{
	memset(postfix, 0, sizeof(*postfix));
	postfix->directory = checkup->request->config_directory;
	postfix->look = postfix_look_new(postfix->directory, err);
	if (postfix->look == NULL)
		return -1;
	postfix->queue =
	    mem_strdup(postfix_look_main(postfix->look, "queue_directory"));
	return 0;
}

void
check_postfix_close(struct check_postfix *postfix)
{
	postfix_look_free(postfix->look);
	free(postfix->queue);
	memset(postfix, 0, sizeof(*postfix));
}

/* What postoak mta would set, were it told this server and this jail. */
static int
make_plan(struct check_postfix_way *way, const struct check_postfix *postfix,
    const struct checkup *checkup, const struct checkup_target *target,
    struct err *err)
{
	char *server = postfix_way_server(&way->way);
	char *names[] = {target->account->name};
	struct postfix_host host;

	memset(&host, 0, sizeof(host));
	host.config_directory =
	    postfix_look_main(postfix->look, "config_directory");
	host.queue_directory = postfix->queue;
	host.ca_file = postfix_look_option(
	    postfix->look, way->way.service, "smtp_tls_CAfile");
	host.relay = server;
	host.chroot = way->way.service->chroot;
	way->plan = postfix_plan_new(checkup->conf, &host, names, 1, err);
	free(server);
	return way->plan != NULL ? 0 : -1;
}

int
check_postfix_find(struct check_postfix_way *way,
    const struct check_postfix *postfix, const struct checkup *checkup,
    const struct checkup_target *target, struct err *err)
{
	const struct conf_account *account = target->account;

	memset(way, 0, sizeof(*way));
	way->name = target->name;
	/* Of a domain each mailbox goes the same way. */
	way->mailbox = target->name[0] == '@'
			   ? mem_printf("postmaster%s", target->name)
			   : mem_strdup(target->name);
	way->sender = account->name[0] == '@'	      ? way->mailbox
		      : account->from_account != NULL ? account->from_account
						      : account->name;
	if (postfix_way_find(&way->way, postfix->look, postfix->directory,
		way->sender, err) != 0)
		return -1;
	if (way->way.service == NULL || *way->way.nexthop == '\0')
		return 0;
	return make_plan(way, postfix, checkup, target, err);
}

void
check_postfix_way_clear(struct check_postfix_way *way)
{
	postfix_way_clear(&way->way);
	postfix_plan_free(way->plan);
	free(way->mailbox);
	memset(way, 0, sizeof(*way));
}

char *
check_postfix_command(const struct check_postfix *postfix,
    const struct postfix_look_service *service, const char *name,
    const char *value)
{
	char *where, *command;

	where = postfix->directory != NULL
		    ? mem_printf(" -c %s", postfix->directory)
		    : mem_strdup("");
	if (service != NULL)
		command = mem_printf("postconf%s -P '%s/%s/%s=%s'", where,
		    service->name, service->type, name, value);
	else
		command = mem_printf("postconf%s '%s=%s'", where, name, value);
	free(where);
	return command;
}
