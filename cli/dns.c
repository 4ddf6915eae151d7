/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns - questions with libresolv. See dns.h.
 *
 * res_nquery asks over UDP and again over TCP where an answer was cut; the
 * stub's own cache, if there is one, stands in resolv.conf.
 */
#include "dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

#define ANSWER_MAX 65535 /* NS_MAXMSG */
#define WAIT_S 2	 /* for each try; glibc doubles it for the second */
#define TRIES 2
#define LOST_MS 12000 /* then no more are asked: nobody is there */
#define SERVERS 2     /* so that a question ends before its check does */

struct dns {
	struct __res_state state;
	int64_t lost_ms; /* with questions that nobody answered */
	unsigned char answer[ANSWER_MAX];
};

/* --- whom to ask ---------------------------------------------------------- */

/* "ADDRESS", "ADDRESS:PORT", "[ADDRESS]:PORT" into both; 0 or -1. */
static int
split(const char *text, char *address, size_t size, int *port)
{
	const char *end = text + strlen(text), *colon = strrchr(text, ':');
	size_t skip = 0;

	*port = NS_DEFAULTPORT;
	if (text[0] == '[') {
		skip = 1;
		end = strchr(text, ']');
		if (end == NULL || (end[1] != '\0' && end + 1 != colon))
			return -1;
		colon = end[1] != '\0' ? colon : NULL;
	} else if (colon != NULL && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL;
	}
	if (colon != NULL) {
		*port = atoi(colon + 1);
		if (strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
		    *port < 1 || *port > 65535)
			return -1;
	}
	if ((size_t)(end - text) - skip >= size)
		return -1;
	snprintf(
	    address, size, "%.*s", (int)((end - text) - skip), text + skip);
	return 0;
}

/* The only server; glibc keeps IPv6 addresses apart and frees them itself. */
static int
use_server(res_state state, const char *text)
{
	char address[INET6_ADDRSTRLEN];
	struct sockaddr_in6 *v6;
	int port;

	if (split(text, address, sizeof(address), &port) == -1)
		return -1;
	state->nscount = 1;
	if (inet_pton(AF_INET, address, &state->nsaddr_list[0].sin_addr) == 1) {
		state->nsaddr_list[0].sin_family = AF_INET;
		state->nsaddr_list[0].sin_port = htons((uint16_t)port);
		return 0;
	}
	v6 = mem_zalloc(1, sizeof(*v6));
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1) {
		free(v6);
		return -1;
	}
	free(state->_u._ext.nsaddrs[0]);
	state->_u._ext.nsaddrs[0] = v6;
	/* This family says that the address is the other one. */
	state->nsaddr_list[0].sin_family = 0;
	return 0;
}

struct dns *
dns_open(struct err *err)
{
	const char *server = getenv("POSTOAK_NAMESERVER");
	struct dns *dns = mem_zalloc(1, sizeof(*dns));

	if (res_ninit(&dns->state) == -1) {
		err_set(err, ERR_CONFIG, "resolver",
		    "the resolver cannot be set up; look at /etc/resolv.conf");
		free(dns);
		return NULL;
	}
	dns->state.retrans = WAIT_S;
	dns->state.retry = TRIES;
	if (dns->state.nscount > SERVERS)
		dns->state.nscount = SERVERS;
	if (server != NULL && *server != '\0' &&
	    use_server(&dns->state, server) == -1) {
		err_set(err, ERR_CONFIG, "nameserver",
		    "POSTOAK_NAMESERVER is \"%s\"; write an IP address, or one "
		    "and a port as in 127.0.0.1:5353 or [::1]:5353",
		    server);
		dns_close(dns);
		return NULL;
	}
	return dns;
}

void
dns_close(struct dns *dns)
{
	if (dns == NULL)
		return;
	res_nclose(&dns->state);
	free(dns);
}

/* --- questions ------------------------------------------------------------ */

void
dns_clear(struct dns_answer *answer)
{
	while (answer->count > 0)
		free(answer->texts[--answer->count]);
}

/* What could upset a terminal or a parser becomes a question mark. */
static char *
clean(char *text)
{
	char *p;

	for (p = text; *p != '\0'; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	return text;
}

/* The strings of a TXT record, RFC 1035 section 3.3.14. */
static char *
take_txt(const ns_msg *message, const ns_rr *rr)
{
	const unsigned char *p = ns_rr_rdata(*rr), *end = p + ns_rr_rdlen(*rr);
	char text[DNS_TEXT_MAX];
	size_t used = 0, len, i;

	(void)message;
	while (p < end) {
		len = *p++;
		if (len > (size_t)(end - p))
			len = (size_t)(end - p);
		for (i = 0; i < len && used + 1 < sizeof(text); i++)
			text[used++] = p[i] != '\0' ? (char)p[i] : '?';
		p += len;
	}
	text[used] = '\0';
	return clean(mem_strdup(text));
}

static char *
take_cname(const ns_msg *message, const ns_rr *rr)
{
	char name[NS_MAXDNAME];
	size_t len;
	char *p;

	if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message),
		ns_rr_rdata(*rr), name, sizeof(name)) == -1)
		return NULL;
	for (p = name; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	len = strlen(name);
	if (len > 0 && name[len - 1] == '.')
		name[len - 1] = '\0';
	return clean(mem_strdup(name));
}

static void
take_all(struct dns *dns, int len, ns_type type, struct dns_answer *answer)
{
	char *text;
	ns_msg message;
	ns_rr rr;
	int i;

	if (ns_initparse(dns->answer, len, &message) == -1)
		return;
	for (i = 0; i < ns_msg_count(message, ns_s_an) &&
		    answer->count < DNS_RECORDS_MAX;
	     i++) {
		if (ns_parserr(&message, ns_s_an, i, &rr) == -1)
			return;
		if (ns_rr_class(rr) != ns_c_in || ns_rr_type(rr) != type)
			continue;
		text = type == ns_t_txt ? take_txt(&message, &rr)
					: take_cname(&message, &rr);
		if (text != NULL)
			answer->texts[answer->count++] = text;
	}
}

static enum dns_status
ask(struct dns *dns, const char *name, ns_type type, struct dns_answer *answer)
{
	int64_t began_ms = clock_boot_ms();
	int len;

	memset(answer, 0, sizeof(*answer));
	if (dns->lost_ms > LOST_MS)
		return DNS_FAILED;
	len = res_nquery(
	    &dns->state, name, ns_c_in, type, dns->answer, sizeof(dns->answer));
	if (len < 0 && (dns->state.res_h_errno == HOST_NOT_FOUND ||
			   dns->state.res_h_errno == NO_DATA))
		return DNS_NONE;
	if (len < 0) {
		dns->lost_ms += clock_boot_ms() - began_ms;
		return DNS_FAILED;
	}
	if (len > (int)sizeof(dns->answer))
		len = sizeof(dns->answer);
	take_all(dns, len, type, answer);
	return answer->count > 0 ? DNS_FOUND : DNS_NONE;
}

enum dns_status
dns_txt(struct dns *dns, const char *name, struct dns_answer *answer)
{
	return ask(dns, name, ns_t_txt, answer);
}

enum dns_status
dns_cname(struct dns *dns, const char *name, struct dns_answer *answer)
{
	return ask(dns, name, ns_t_cname, answer);
}
