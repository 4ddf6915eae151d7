/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_mta - the mail server. See check_mta.h.
 */
#include "check_mta.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_milters.h"
#include "check_postfix.h"
#include "check_sendmail.h"
#include "check_transport.h"
#include "command.h"
#include "mem.h"

static void
check_running(
    const struct checkup *checkup, const struct check_postfix *postfix)
{
	const char *argv[] = {"/usr/sbin/postfix", "status", NULL, NULL, NULL};

	if (geteuid() != 0) {
		findings_add(checkup->findings, FINDINGS_NOTE,
		    "postfix_running", NULL,
		    "whether Postfix runs, only root can ask");
		return;
	}
	if (postfix->directory != NULL) {
		argv[3] = argv[1];
		argv[1] = "-c";
		argv[2] = postfix->directory;
	}
	if (access(argv[0], X_OK) != 0)
		argv[0] = "postfix";
	if (command_ask(argv, NULL, NULL, NULL) == 0) {
		findings_add(checkup->findings, FINDINGS_OK, "postfix_running",
		    NULL, "Postfix %s runs, from %s",
		    postfix_look_main(postfix->look, "mail_version"),
		    postfix_look_main(postfix->look, "config_directory"));
		return;
	}
	findings_add(checkup->findings, FINDINGS_FAIL, "postfix_running", NULL,
	    "the Postfix of %s does not run",
	    postfix_look_main(postfix->look, "config_directory"));
	if (postfix->directory != NULL)
		findings_remedy(checkup->findings,
		    "postfix -c %s start, and look into the mail log if it "
		    "does not stay",
		    postfix->directory);
	else
		findings_remedy(checkup->findings,
		    "systemctl start postfix, and look into the mail log if it "
		    "does not stay");
}

static void
no_way(const struct checkup *checkup, const struct check_postfix_way *way)
{
	if (way->way.service == NULL)
		findings_add(checkup->findings, FINDINGS_FAIL, "no_transport",
		    way->name,
		    "its mail is to go by transport %s (%s), which is not in "
		    "master.cf",
		    way->way.transport, way->way.by);
	else
		findings_add(checkup->findings, FINDINGS_FAIL, "no_relay",
		    way->name,
		    "its mail goes by transport %s straight to the recipients' "
		    "own servers, not through the account's",
		    way->way.transport);
	findings_remedy(checkup->findings,
	    "postoak mta postfix %s prints what main.cf and master.cf need",
	    way->name);
}

/* The milter's part is the same for all: the first plan will do. */
static void
check_account(const struct checkup *checkup,
    const struct check_postfix *postfix, const struct checkup_target *target,
    int *milters_done)
{
	struct check_postfix_way way;
	struct err err;

	err_clear(&err);
	if (check_postfix_find(&way, postfix, checkup, target, &err) != 0) {
		findings_add(checkup->findings, FINDINGS_FAIL, "lookup",
		    target->name, "the way of its mail cannot be told: %s",
		    err.text);
		findings_remedy(checkup->findings,
		    "mend or make that table; a hash is made from its text by "
		    "postmap");
	} else if (way.plan == NULL) {
		no_way(checkup, &way);
	} else {
		check_transport(checkup, postfix, &way, target);
		if (!*milters_done)
			check_milters(checkup, postfix, way.plan);
		*milters_done = 1;
	}
	check_postfix_way_clear(&way);
}

static void
check_with_postfix(const struct checkup *checkup)
{
	struct check_postfix postfix;
	int milters_done = 0;
	struct err err;
	size_t i;

	err_clear(&err);
	if (check_postfix_open(&postfix, checkup, &err) != 0) {
		if (err.kind == ERR_CONFIG) {
			findings_add(checkup->findings, FINDINGS_NOTE,
			    "postfix", NULL,
			    "there is no mail server here that postoak knows");
			return;
		}
		findings_add(checkup->findings, FINDINGS_FAIL, "postfix", NULL,
		    "Postfix's settings cannot be read: %s", err.text);
		findings_remedy(checkup->findings,
		    "mend what postconf complains about; postfix check says "
		    "more");
		return;
	}
	check_running(checkup, &postfix);
	for (i = 0; i < checkup->target_count; i++)
		check_account(
		    checkup, &postfix, &checkup->targets[i], &milters_done);
	check_postfix_close(&postfix);
}

void
check_mta(const struct checkup *checkup)
{
	char *path = check_sendmail_find(checkup);

	if (path != NULL)
		check_sendmail(checkup, path);
	else
		check_with_postfix(checkup);
	free(path);
}
