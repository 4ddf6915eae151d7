/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sasl_plugins - what libsasl2 loads. See sasl_plugins.h.
 *
 * The tool is not linked with the library: it has to work, and say so, where
 * there is none.
 */
#define _GNU_SOURCE /* dladdr */
#include "sasl_plugins.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <sasl/sasl.h>
#include <sasl/saslplug.h>

#include "mem.h"

static const char library[] = "libsasl2.so.2";

typedef int init_function(const sasl_callback_t *);
typedef int info_function(const char *, sasl_client_info_callback_t *, void *);

struct listing {
	void (*each)(const char *mechanism, const char *plugin, void *arg);
	void *arg;
};

static void
take(client_sasl_mechanism_t *mechanism, sasl_info_callback_stage_t stage,
    void *rock)
{
	struct listing *listing = rock;

	if (stage == SASL_INFO_LIST_MECH && mechanism != NULL &&
	    mechanism->plug != NULL && mechanism->plugname != NULL)
		listing->each(mechanism->plug->mech_name, mechanism->plugname,
		    listing->arg);
}

/* ISO C has no cast from an object's address to a function's. */
static int
find(void *handle, const char *name, void *function)
{
	void *address = dlsym(handle, name);

	memcpy(function, &address, sizeof(address));
	return address != NULL ? 0 : -1;
}

int
sasl_plugins_list(
    void (*each)(const char *mechanism, const char *plugin, void *arg),
    void *arg, struct err *err)
{
	struct listing listing = {each, arg};
	void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	init_function *init = NULL;
	info_function *info = NULL;
	int rc;

	if (handle == NULL)
		return err_set(err, ERR_CONFIG, "libsasl2",
		    "libsasl2 cannot be loaded: %s; install it (Debian: "
		    "libsasl2-2)",
		    dlerror());
	if (find(handle, "sasl_client_init", &init) != 0 ||
	    find(handle, "sasl_client_plugin_info", &info) != 0)
		return err_set(err, ERR_CONFIG, "libsasl2",
		    "%s is not Cyrus SASL 2.1; install that", library);
	rc = init(NULL);
	if (rc == SASL_OK)
		rc = info(NULL, take, &listing);
	/* "Not found" is what it says of a list without mechanisms. */
	if (rc == SASL_OK || rc == SASL_NOTINIT)
		return 0;
	return err_set(err, ERR_CONFIG, "libsasl2",
	    "libsasl2 does not start: error %d; see the mail log", rc);
}

char *
sasl_plugins_path(void)
{
	const char *path = getenv("SASL_PATH");
	void *handle;
	Dl_info where;
	size_t len;

	if (path != NULL && *path != '\0')
		return mem_strdup(path);
	handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL ||
	    dladdr(dlsym(handle, "sasl_client_init"), &where) == 0 ||
	    strrchr(where.dli_fname, '/') == NULL)
		return mem_strdup("/usr/lib/sasl2");
	len = (size_t)(strrchr(where.dli_fname, '/') - where.dli_fname);
	return mem_printf("%.*s/sasl2", (int)len, where.dli_fname);
}

char *
sasl_plugins_fault(const char *file)
{
	void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	const char *why = handle == NULL ? dlerror() : NULL;

	if (handle != NULL && dlsym(handle, "sasl_client_plug_init") == NULL)
		why = "it is no client plugin of SASL";
	return mem_strdup(why);
}
