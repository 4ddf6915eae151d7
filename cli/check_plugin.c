/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_plugin - whether libsasl2 finds our plugin. See check_host.h.
 *
 * libsasl2 is started here as smtp(8) starts it, in the process of this check.
 * Of two plugins for XOAUTH2 it takes the one that claims more security,
 * without a word: sasl-xoauth2 claims what no bearer token has, and wins.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check_host.h"
#include "check_postfix.h"
#include "mem.h"
#include "postfix_table.h"
#include "sasl_plugins.h"

static const char own_name[] = "postoak";

struct seen {
	int ours;
	char *before; /* another one for XOAUTH2, preferred to ours */
	char *after;
};

static void
take(const char *mechanism, const char *plugin, void *arg)
{
	struct seen *seen = arg;

	if (strcmp(mechanism, "XOAUTH2") != 0)
		return;
	if (strcmp(plugin, own_name) == 0)
		seen->ours = 1;
	else if (!seen->ours && seen->before == NULL)
		seen->before = mem_strdup(plugin);
	else if (seen->ours && seen->after == NULL)
		seen->after = mem_strdup(plugin);
}

/* The mail server's environment, not the administrator's. */
static void
take_environment(const struct checkup *checkup)
{
	struct check_postfix postfix;
	const char *list;
	char *item;

	(void)unsetenv("SASL_PATH");
	if (check_postfix_open(&postfix, checkup, NULL) == 0) {
		list = postfix_look_main(postfix.look, "import_environment");
		while ((item = postfix_table_item(&list)) != NULL) {
			if (strncmp(item, "SASL_PATH=", 10) == 0)
				(void)setenv("SASL_PATH", item + 10, 1);
			free(item);
		}
	}
	check_postfix_close(&postfix);
}

/* The first DIRECTORY/libNAME.so of the path, or NULL. */
static char *
find_file(const char *path, const char *name)
{
	size_t len;
	char *file;

	for (;; path += len + 1) {
		len = strcspn(path, ":");
		file = mem_printf("%.*s/lib%s.so", (int)len, path, name);
		if (access(file, F_OK) == 0)
			return file;
		free(file);
		if (path[len] == '\0')
			return NULL;
	}
}

static void
not_found(const struct checkup *checkup, const char *path)
{
	char *file = find_file(path, own_name);
	char *fault = file != NULL ? sasl_plugins_fault(file) : NULL;
	int len = (int)strcspn(path, ":");

	if (file == NULL)
		findings_add(checkup->findings, FINDINGS_FAIL, "plugin", NULL,
		    "there is no libpostoak.so in %s, where libsasl2 looks for "
		    "plugins: no mail program can log in with a token",
		    path);
	else
		findings_add(checkup->findings, FINDINGS_FAIL, "plugin", NULL,
		    "libsasl2 does not take %s: %s", file,
		    fault != NULL ? fault : "it does not say why");
	findings_remedy(checkup->findings,
	    "install it there: make install saslplugindir=%.*s, or copy the "
	    "libpostoak.so of this version to it; then restart the mail server",
	    len, path);
	free(file);
	free(fault);
}

static void
shadowed(const struct checkup *checkup, const char *path, const char *other,
    int before)
{
	char *file = find_file(path, other);
	const char *name = file != NULL ? file : other;

	findings_add(checkup->findings, before ? FINDINGS_FAIL : FINDINGS_WARN,
	    "plugin_shadowed", NULL,
	    before ? "another plugin for XOAUTH2, %s, is preferred by libsasl2 "
		     "to libpostoak.so: logins go past postoak"
		   : "there is another plugin for XOAUTH2, %s, beside "
		     "libpostoak.so",
	    name);
	findings_remedy(checkup->findings,
	    "remove the package it is from (dpkg -S %s), or move that file out "
	    "of the directory; then restart the mail server",
	    name);
	free(file);
}

void
check_host_plugin(const struct checkup *checkup)
{
	struct seen seen = {0, NULL, NULL};
	struct err err;
	char *path;

	take_environment(checkup);
	path = sasl_plugins_path();
	err_clear(&err);
	if (sasl_plugins_list(take, &seen, &err) != 0)
		findings_add_text(checkup->findings, FINDINGS_FAIL, "plugin",
		    NULL, err.text, "install Cyrus SASL");
	else if (!seen.ours)
		not_found(checkup, path);
	else if (seen.before != NULL || seen.after != NULL)
		shadowed(checkup, path,
		    seen.before != NULL ? seen.before : seen.after,
		    seen.before != NULL);
	else
		findings_add(checkup->findings, FINDINGS_OK, "plugin", NULL,
		    "libsasl2 loads libpostoak.so from %s, and no other plugin "
		    "for XOAUTH2",
		    path);
	free(seen.before);
	free(seen.after);
	free(path);
}
