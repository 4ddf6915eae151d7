/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conf_value_net - the values that have to do with the network. See
 * conf_value.h.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_value.h"

#define HOST_MAX 253

static int
is_ip(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 ||
	       inet_pton(AF_INET6, text, address) == 1;
}

/* A host name of letters, digits, hyphens and dots (RFC 1123 2.1). */
static int
is_host_name(const char *text)
{
	static const char ldh[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	size_t len = strlen(text);

	return len > 0 && len <= HOST_MAX && strspn(text, ldh) == len &&
	       strchr(".-", text[0]) == NULL &&
	       strchr(".-", text[len - 1]) == NULL &&
	       strstr(text, "..") == NULL;
}

static int
is_host(const char *text)
{
	return is_ip(text) || is_host_name(text);
}

int
conf_value_host(struct conf_value *value)
{
	if (is_host(value->text))
		return 0;
	if (strchr(value->text, '*') != NULL)
		return conf_value_refuse(
		    value, "has a *; name each server a token may be sent to");
	return conf_value_refuse(value,
	    "is not a server's name; write it like smtp.office365.com, "
	    "without port or brackets");
}

static int
is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");
	long port;

	if (len == 0 || len > 5 || text[len] != '\0')
		return 0;
	port = strtol(text, NULL, 10);
	return port >= 1 && port <= 65535;
}

/* "host:port" or "[IPv6]:port"; host is copied without its brackets. */
static int
split_host_port(const char *text, char *host, size_t size, const char **port)
{
	const char *end =
	    text[0] == '[' ? strchr(text, ']') : strrchr(text, ':');
	const char *start = text[0] == '[' ? text + 1 : text;

	if (end == NULL || (size_t)(end - start) >= size)
		return -1;
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	*port = text[0] == '[' ? end + 1 : end;
	/* An IPv6 address without brackets: which colon ends it? */
	if (text[0] != '[' && strchr(host, ':') != NULL)
		return -1;
	return 0;
}

/* "host:port" with both good. */
static int
is_host_port(const char *text)
{
	char host[HOST_MAX + 1];
	const char *port;

	return split_host_port(text, host, sizeof(host), &port) == 0 &&
	       is_host(host) && port[0] == ':' && is_port(port + 1);
}

int
conf_value_host_port(struct conf_value *value)
{
	if (!is_host_port(value->text))
		return conf_value_refuse(value,
		    "is not an address to listen on; write it like "
		    "\"127.0.0.1:9466\" or \"[::1]:9466\"");
	return 0;
}

int
conf_value_server(struct conf_value *value)
{
	if (!is_host_port(value->text))
		return conf_value_refuse(value,
		    "is not a server and its port; write it like "
		    "\"smtp.office365.com:587\"");
	return 0;
}

int
conf_value_network(struct conf_value *value)
{
	unsigned char address[sizeof(struct in6_addr)] = {0};
	const char *slash = strchr(value->text, '/');
	char host[INET6_ADDRSTRLEN];
	size_t len =
	    slash != NULL ? (size_t)(slash - value->text) : strlen(value->text);
	long bits, max, bit;

	if (len >= sizeof(host))
		len = sizeof(host) - 1;
	memcpy(host, value->text, len);
	host[len] = '\0';
	max = inet_pton(AF_INET, host, address) == 1	? 32
	      : inet_pton(AF_INET6, host, address) == 1 ? 128
							: 0;
	if (max == 0)
		return conf_value_refuse(value,
		    "is not an IP address or network; write it like "
		    "\"10.1.0.0/16\", \"192.0.2.7\" or \"2001:db8::/32\"");
	bits = max;
	if (slash != NULL) {
		len = strspn(slash + 1, "0123456789");
		bits = len >= 1 && len <= 3 && slash[len + 1] == '\0'
			   ? strtol(slash + 1, NULL, 10)
			   : -1;
	}
	if (bits < 0 || bits > max)
		return conf_value_refuse(
		    value, "has no valid prefix length; write /0 to /%ld", max);
	for (bit = bits; bit < max; bit++)
		if (address[bit / 8] & (0x80 >> (bit % 8)))
			return conf_value_refuse(value,
			    "has bits set behind its first %ld; write the "
			    "network's first address, or /%ld for one host",
			    bits, max);
	return 0;
}

/* --- addresses of services ----------------------------------------------- */

static int
is_loopback(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
		return 1;
	return inet_pton(AF_INET, host, &v4) == 1 &&
	       (ntohl(v4.s_addr) >> 24) == 127;
}

/* No blank, no control character (RFC 3986 section 2). */
static int
is_visible(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return 0;
	return 1;
}

/*
 * The host of "scheme://host[:port][/path]" into host. -1 if it is not built
 * like that or holds what has no place in it.
 */
static int
url_host(const char *url, char *host, size_t size)
{
	const char *start = strstr(url, "://") + 3;
	const char *rest;
	char authority[HOST_MAX + 16];
	size_t len = strcspn(start, "/?#");

	if (len == 0 || len >= sizeof(authority) || !is_visible(url) ||
	    strpbrk(url, "\"<>\\^`|#") != NULL)
		return -1;
	memcpy(authority, start, len);
	authority[len] = '\0';
	if (split_host_port(authority, host, size, &rest) == 0) {
		if (*rest == '\0' && authority[0] == '[')
			return is_ip(host) ? 0 : -1;
		return is_host(host) && *rest == ':' && is_port(rest + 1) ? 0
									  : -1;
	}
	if (len >= size)
		return -1;
	memcpy(host, authority, len + 1);
	return is_host_name(host) ? 0 : -1;
}

static int
has_password(const char *url)
{
	const char *start = strstr(url, "://");

	return start != NULL &&
	       memchr(start + 3, '@', strcspn(start + 3, "/?#")) != NULL;
}

/* Repeating an address with a password in it would put it into the log. */
static int
refuse_password(struct conf_value *value)
{
	value->hide = 1;
	return conf_value_refuse(value,
	    "has a user or password in it; the configuration holds no "
	    "secrets");
}

int
conf_value_endpoint(struct conf_value *value)
{
	char host[HOST_MAX + 1];
	int https = strncmp(value->text, "https://", 8) == 0;
	int http = strncmp(value->text, "http://", 7) == 0;

	if (has_password(value->text))
		return refuse_password(value);
	if ((!https && !http) ||
	    url_host(value->text, host, sizeof(host)) == -1)
		return conf_value_refuse(value,
		    "is not an endpoint; write a whole address like "
		    "\"https://login.example.com/oauth2/token\"");
	if (http && !is_loopback(host))
		return conf_value_refuse(
		    value, "would send secrets in the clear; write https://");
	return 0;
}

int
conf_value_discovery(struct conf_value *value)
{
	static const char well_known[] = "/.well-known/openid-configuration";
	size_t len = strlen(value->text), end = strlen(well_known);

	if (conf_value_endpoint(value) == -1)
		return -1;
	if (len <= end || strcmp(value->text + len - end, well_known) != 0)
		return conf_value_refuse(value,
		    "is no discovery document; its address ends in %s",
		    well_known);
	return 0;
}

int
conf_value_metadata(struct conf_value *value)
{
	char host[HOST_MAX + 1];

	/* Link-local addresses are not routed (RFC 3927). */
	if (strncmp(value->text, "http://", 7) == 0 &&
	    url_host(value->text, host, sizeof(host)) == 0 &&
	    strncmp(host, "169.254.", 8) == 0 && is_ip(host))
		return 0;
	return conf_value_endpoint(value);
}

int
conf_value_proxy(struct conf_value *value)
{
	static const char *const schemes[] = {
	    "http://", "https://", "socks5://", "socks5h://"};
	char host[HOST_MAX + 1];
	size_t i;

	if (has_password(value->text))
		return refuse_password(value);
	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(value->text, schemes[i], strlen(schemes[i])) == 0 &&
		    url_host(value->text, host, sizeof(host)) == 0)
			return 0;
	return conf_value_refuse(value,
	    "is not a proxy; write it like \"http://proxy.example.com:3128\" "
	    "(http, https, socks5 or socks5h)");
}

/* "inet:port@host", "inet6:port@host" or "inet:port", as libmilter has it */
static int
is_inet_listen(const char *text)
{
	const char *at = strchr(text, '@');
	char port[8];
	size_t len = at != NULL ? (size_t)(at - text) : strlen(text);

	if (len >= sizeof(port) || (at != NULL && !is_host(at + 1)))
		return 0;
	memcpy(port, text, len);
	port[len] = '\0';
	return is_port(port);
}

int
conf_value_milter_listen(struct conf_value *value)
{
	struct conf_value path = *value;

	if (strncmp(value->text, "unix:", 5) == 0) {
		path.text = value->text + 5;
		if (conf_value_socket(&path) == -1)
			return conf_value_refuse(value, "%s", path.problem);
		return 0;
	}
	if ((strncmp(value->text, "inet:", 5) == 0 &&
		is_inet_listen(value->text + 5)) ||
	    (strncmp(value->text, "inet6:", 6) == 0 &&
		is_inet_listen(value->text + 6)))
		return 0;
	return conf_value_refuse(value,
	    "is not a milter's socket; write \"unix:/path\" or "
	    "\"inet:8891@127.0.0.1\"");
}
