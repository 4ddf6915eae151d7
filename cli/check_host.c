/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_host - configuration and daemons of this host. See check_host.h.
 */
#include "check_host.h"

void
check_host_configuration(const struct checkup *checkup)
{
	const struct conf *conf = checkup->conf;

	if (conf == NULL) {
		findings_add(checkup->findings, FINDINGS_FAIL, "configuration",
		    NULL, "%s", checkup->conf_err->text);
		findings_remedy(checkup->findings,
		    "mend that line; postoak.conf(5) describes every option");
		return;
	}
	findings_add(checkup->findings, FINDINGS_OK, "configuration", NULL,
	    "configuration %s: %zu %s, %zu %s", conf->path, conf->account_count,
	    conf->account_count == 1 ? "account" : "accounts",
	    conf->application_count,
	    conf->application_count == 1 ? "application" : "applications");
}
