/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_CONF_VALUE_H
#define POSTOAK_CONF_VALUE_H

#include <stddef.h>

/*
 * conf_value - is a written value what its option takes? Called by the option
 * tables. Pure: looks at the text only, never at the system.
 *
 * Each check returns 0, or -1 with what is wrong and what would be right in
 * value->problem, worded to follow `option = "text" `.
 */

struct conf_value {
	const char *text;
	const char *dir; /* what relative paths are relative to */
	int hide;	 /* the text may be a secret: do not repeat it */
	char problem[320];
};

/* Fill value->problem; -1. */
int conf_value_refuse(struct conf_value *value, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

int conf_value_any(struct conf_value *value);	      /* not empty */
int conf_value_word(struct conf_value *value);	      /* no blank in it */
int conf_value_name(struct conf_value *value);	      /* system user, group */
int conf_value_command(struct conf_value *value);     /* word of a command */
int conf_value_path(struct conf_value *value);	      /* file or directory */
int conf_value_secret_path(struct conf_value *value); /* not the secret */
int conf_value_socket(struct conf_value *value);      /* fits sun_path */
int conf_value_address(struct conf_value *value);     /* name@domain */
int conf_value_sender(struct conf_value *value);      /* address or @domain */
int conf_value_domain(struct conf_value *value);
int conf_value_reply_to(struct conf_value *value);
int conf_value_from_name(struct conf_value *value); /* %n and %% only */
int conf_value_network(struct conf_value *value);   /* CIDR, IPv4 or IPv6 */
int conf_value_host(struct conf_value *value);	    /* name or IP address */
int conf_value_host_port(struct conf_value *value); /* for listening */
int conf_value_server(struct conf_value *value);    /* to log in to */
int conf_value_tenant(struct conf_value *value);    /* GUID, domain, common */
int conf_value_date(struct conf_value *value);	    /* YYYY-MM-DD */
int conf_value_endpoint(struct conf_value *value);  /* https; http: loopback */
int conf_value_discovery(struct conf_value *value);
int conf_value_metadata(struct conf_value *value); /* http: this host */
int conf_value_proxy(struct conf_value *value);
int conf_value_algorithm(struct conf_value *value); /* PS256, RS256 */
int conf_value_provider(struct conf_value *value);
int conf_value_milter_listen(struct conf_value *value);

/* 8-4-4-4-12 hexadecimal digits? */
int conf_value_is_guid(const char *text);

#endif
