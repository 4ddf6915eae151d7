/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_net - names, IPv4 and IPv6, proxy, certificate authorities. See
 * check_host.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ca_bundle.h"
#include "check_host.h"
#include "mem.h"

#define CONNECT_MS 5000
#define LINE_BYTES 1024

/* --- names and connections ------------------------------------------------ */

struct server {
	char *host;
	char *port;
	const char *what; /* "token endpoint" */
};

/* "scheme://[user@]host[:port]/..." */
static struct server
parse_url(const char *url, const char *what)
{
	const char *start = strstr(url, "://"), *at, *colon, *end;
	struct server server = {.what = what};
	size_t len;

	start = start != NULL ? start + 3 : url;
	len = strcspn(start, "/?#");
	at = memchr(start, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - start);
		start = at + 1;
	}
	end = start + len;
	if (*start == '[') {
		server.host = mem_strndup(start + 1, strcspn(start + 1, "]"));
		colon = memchr(start, ']', len);
		colon = colon != NULL ? colon + 1 : end;
	} else {
		colon = memchr(start, ':', len);
		colon = colon != NULL ? colon : end;
		server.host = mem_strndup(start, (size_t)(colon - start));
	}
	if (colon < end && *colon == ':')
		server.port = mem_strndup(colon + 1, (size_t)(end - colon - 1));
	else
		server.port =
		    mem_strdup(strncmp(url, "http://", 7) == 0 ? "80" : "443");
	return server;
}

static int
connect_one(const struct addrinfo *address)
{
	int fd, rc, errnum = 0;
	socklen_t len = sizeof(errnum);
	struct pollfd ready;

	fd = socket(
	    address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	rc = connect(fd, address->ai_addr, address->ai_addrlen);
	if (rc != 0)
		errnum = errno;
	if (errnum == EINPROGRESS) {
		ready = (struct pollfd){.fd = fd, .events = POLLOUT};
		errnum = ETIMEDOUT;
		if (poll(&ready, 1, CONNECT_MS) == 1)
			(void)getsockopt(
			    fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
	}
	(void)close(fd);
	return errnum;
}

/* -1: no address of that family; 0: it answers; else the last errno. */
static int
try_family(const struct addrinfo *all, int family)
{
	int errnum = -1;

	for (; all != NULL && errnum != 0; all = all->ai_next)
		if (all->ai_family == family)
			errnum = connect_one(all);
	return errnum;
}

static void
judge(
    const struct checkup *checkup, const struct server *server, int v4, int v6)
{
	struct findings *findings = checkup->findings;
	int good = v4 == 0 ? 4 : 6;

	if (v4 != 0 && v6 != 0) {
		findings_add(findings, FINDINGS_FAIL, "reach", NULL,
		    "the %s %s:%s cannot be reached: %s", server->what,
		    server->host, server->port, strerror(v4 > 0 ? v4 : v6));
		findings_remedy(findings,
		    "let the firewall pass outgoing connections to port %s, or "
		    "set proxy in the application if there is one",
		    server->port);
	} else if (v4 > 0 || v6 > 0) {
		findings_add(findings, FINDINGS_WARN, v4 > 0 ? "ipv4" : "ipv6",
		    NULL,
		    "the %s %s:%s answers over IPv%d, but not over IPv%d: %s",
		    server->what, server->host, server->port, good,
		    good == 4 ? 6 : 4, strerror(v4 > 0 ? v4 : v6));
		findings_remedy(findings,
		    "mend this host's IPv%d, or do without it: each new "
		    "connection may lose time over it",
		    good == 4 ? 6 : 4);
	} else {
		findings_add(findings, FINDINGS_OK, "reach", NULL,
		    "the %s %s:%s answers over %s", server->what, server->host,
		    server->port,
		    v4 == 0 && v6 == 0 ? "IPv4 and IPv6"
		    : v4 == 0	       ? "IPv4"
				       : "IPv6");
	}
}

static struct addrinfo *
resolve(const struct checkup *checkup, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	int rc = getaddrinfo(host, port, &hints, &all);

	if (rc == 0)
		return all;
	findings_add(checkup->findings, FINDINGS_FAIL, "dns", NULL,
	    "the name %s is not found: %s", host, gai_strerror(rc));
	findings_remedy(checkup->findings,
	    "is it spelt right in %s? If it is, see that this host's name "
	    "server answers (/etc/resolv.conf)",
	    checkup->conf->path);
	return NULL;
}

static void
check_server(const struct checkup *checkup, struct server server)
{
	struct addrinfo *all = resolve(checkup, server.host, server.port);

	if (all != NULL)
		judge(checkup, &server, try_family(all, AF_INET),
		    try_family(all, AF_INET6));
	if (all != NULL)
		freeaddrinfo(all);
	free(server.host);
	free(server.port);
}

static void
check_endpoint(
    const struct checkup *checkup, const struct conf_application *application)
{
	const char *url = application->token_endpoint != NULL
			      ? application->token_endpoint
			      : application->discovery_endpoint;

	if (application->proxy != NULL)
		check_server(checkup, parse_url(application->proxy, "proxy"));
	else if (url != NULL)
		check_server(checkup, parse_url(url, "token endpoint"));
}

/* The mail servers' ports are the mail server's affair. */
static void
check_hosts(
    const struct checkup *checkup, const struct conf_application *application)
{
	struct addrinfo *all;
	size_t i;

	for (i = 0; i < application->hosts.count; i++) {
		all = resolve(checkup, application->hosts.items[i], NULL);
		if (all != NULL)
			freeaddrinfo(all);
	}
}

/* --- proxy ---------------------------------------------------------------- */

/* Curl, wget and the like obey them; a service has another environment. Without
 * user and password. */
static const char *
without_secrets(const char *url)
{
	const char *at = strrchr(url, '@');

	return at != NULL ? at + 1 : url;
}

static void
say_proxy(const struct checkup *checkup, const char *value, const char *where,
    const struct conf_application *application)
{
	findings_add(checkup->findings, FINDINGS_WARN, "proxy", NULL,
	    "%s names a proxy (%s); tokend does not obey the environment, and "
	    "application %s has none",
	    where, without_secrets(value), application->name);
	findings_remedy(checkup->findings,
	    "if this host reaches the provider through it only, set proxy = "
	    "\"http://%s\" in application \"%s\"; else there is nothing to do",
	    without_secrets(value), application->name);
}

static void
check_proxy(
    const struct checkup *checkup, const struct conf_application *application)
{
	static const char *const names[] = {
	    "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
	const char *value;
	size_t i;

	if (application->proxy != NULL)
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		value = getenv(names[i]);
		if (value != NULL && *value != '\0') {
			say_proxy(checkup, value, names[i], application);
			return;
		}
	}
}

/* --- certificate authorities ---------------------------------------------- */

/* How many certificates the file holds; -1 if it cannot be read. */
static int
count_certificates(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[LINE_BYTES];
	int count = 0;

	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		count += strncmp(line, "-----BEGIN ", 11) == 0 &&
			 strstr(line, "CERTIFICATE-----") != NULL;
	fclose(f);
	return count;
}

static void
check_ca(
    const struct checkup *checkup, const struct conf_application *application)
{
	const char *path = application->ca_file != NULL ? application->ca_file
							: ca_bundle_find();
	int count = count_certificates(path);

	if (count > 0) {
		findings_add(checkup->findings, FINDINGS_OK, "ca", NULL,
		    "%d certificate %s in %s", count,
		    count == 1 ? "authority" : "authorities", path);
		return;
	}
	findings_add(checkup->findings, FINDINGS_FAIL, "ca", NULL,
	    count < 0 ? "the certificate authorities in %s cannot be read: %s"
		      : "there is no certificate in %s%s",
	    path, count < 0 ? strerror(errno) : "");
	if (application->ca_file != NULL)
		findings_remedy(checkup->findings,
		    "correct ca_file of application \"%s\", or take it out to "
		    "use the system's authorities",
		    application->name);
	else
		findings_remedy(
		    checkup->findings, "install the package ca-certificates");
}

/* --- all of it ------------------------------------------------------------ */

void
check_host_net(const struct checkup *checkup)
{
	const struct conf_application *application;
	size_t i, k;

	for (i = 0; i < checkup->target_count; i++) {
		application = checkup->targets[i].account->application;
		for (k = 0; k < i; k++)
			if (checkup->targets[k].account->application ==
			    application)
				break;
		if (k < i)
			continue;
		check_endpoint(checkup, application);
		check_hosts(checkup, application);
		check_proxy(checkup, application);
		check_ca(checkup, application);
	}
}
