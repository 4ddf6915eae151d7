/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - see session.h.
 *
 * Only end of message is ever answered (and MAIL, if an account gives
 * max_message_size): without the other replies a message costs the MTA one
 * round trip. libmilter's memory for a connection is all that is allocated per
 * connection here, too.
 */
#include "session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer.h"
#include "decide.h"
#include "gate.h"
#include "listen.h"
#include "log.h"
#include "mem.h"
#include "message.h"
#include "negotiated.h"

/* A field of header_size_limit (102,400 in Postfix) is one packet; libmilter
 * takes 64 kB unless told otherwise and else drops the connection. */
#define PACKET_MAX (1024 * 1024)

#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGFROM)
#define RECIPIENTS (SMFIF_DELRCPT | SMFIF_ADDRCPT_PAR)
#define ALL_ACTIONS (ACTIONS | RECIPIENTS | SMFIF_QUARANTINE)

struct session {
	struct negotiated with_mta;
	int under_way; /* between MAIL and the end of the message */
	struct message message;
};

static struct listen listening;
static struct counters *store;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int ended;

static void
set_under_way(struct session *session, int now)
{
	if (now && !session->under_way)
		gate_begin();
	if (!now && session->under_way)
		gate_end();
	session->under_way = now;
}

/* What a callback returns whose reply may have been negotiated away. */
static sfsistat
no_answer(const struct session *session, unsigned long step)
{
	return session->with_mta.steps & step ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

/* --- before the message -------------------------------------------------- */

static void
ask_for_macros(SMFICTX *ctx)
{
	/* Postfix repeats those of EOH before every header field. The queue id
	 * is asked for where all MTAs have it. */
	(void)smfi_setsymlist(ctx, SMFIM_CONNECT, answer_borrowed(""));
	(void)smfi_setsymlist(ctx, SMFIM_HELO, answer_borrowed(""));
	(void)smfi_setsymlist(
	    ctx, SMFIM_ENVFROM, answer_borrowed("{auth_authen}"));
	(void)smfi_setsymlist(ctx, SMFIM_ENVRCPT, answer_borrowed(""));
	(void)smfi_setsymlist(ctx, SMFIM_DATA, answer_borrowed(""));
	(void)smfi_setsymlist(ctx, SMFIM_EOH, answer_borrowed(""));
	(void)smfi_setsymlist(ctx, SMFIM_EOM, answer_borrowed("i"));
}

/*
 * SMFIP_HDR_LEADSPC is not asked for: without it the MTA takes the blank after
 * the colon off and puts one before our values, so that both are bare values.
 */
static unsigned long
wanted_steps(void)
{
	struct config *config = config_get();
	unsigned long steps = SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOEOH |
			      SMFIP_NOUNKNOWN | SMFIP_NR_CONN | SMFIP_NR_RCPT |
			      SMFIP_NR_HDR;

	if (!config->wants_size)
		steps |= SMFIP_NR_MAIL;
	steps |= config->wants_body ? SMFIP_NR_BODY : SMFIP_NOBODY;
	config_put(config);
	return steps;
}

static unsigned long
wanted_actions(void)
{
	struct config *config = config_get();
	unsigned long actions = ACTIONS;

	if (config->wants_hold)
		actions |= SMFIF_QUARANTINE;
	config_put(config);
	return actions;
}

/* NULL if libmilter does not take it. */
static struct session *
begin(SMFICTX *ctx)
{
	struct session *session = mem_zalloc(1, sizeof(*session));

	message_init(&session->message);
	if (smfi_setpriv(ctx, session) == MI_SUCCESS)
		return session;
	free(session);
	return NULL;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *want_actions,
    unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
	struct session *session;

	(void)f2;
	(void)f3;
	if ((actions & ACTIONS) != ACTIONS) {
		log_warn(NULL, "the MTA does not let a milter change the "
			       "sender: no message can be taken");
		return SMFIS_REJECT;
	}
	session = begin(ctx);
	if (session == NULL)
		return SMFIS_REJECT;
	session->with_mta.steps = wanted_steps() & steps;
	*want_actions = actions & wanted_actions();
	/* Both or none: a recipient is taken away and given anew. */
	if ((actions & RECIPIENTS) == RECIPIENTS)
		*want_actions |= RECIPIENTS;
	session->with_mta.can_hold = (*want_actions & SMFIF_QUARANTINE) != 0;
	negotiated_keep(ctx, &session->with_mta);
	if (actions & SMFIF_SETSYMLIST)
		ask_for_macros(ctx);
	*want_steps = session->with_mta.steps;
	*want_f2 = 0;
	*want_f3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	struct session *session = smfi_getpriv(ctx);
	struct message *m;
	const void *bytes = NULL;

	(void)name;
	/* The MTA kept its connection for another client. */
	if (session == NULL && (session = begin(ctx)) != NULL)
		(void)negotiated_find(ctx, &session->with_mta);
	if (session == NULL)
		return SMFIS_TEMPFAIL;
	m = &session->message;
	m->client.known = 0;
	m->client_text[0] = '\0';
	if (address != NULL && address->sa_family == AF_INET)
		bytes = &((struct sockaddr_in *)(void *)address)->sin_addr;
	else if (address != NULL && address->sa_family == AF_INET6)
		bytes = &((struct sockaddr_in6 *)(void *)address)->sin6_addr;
	if (bytes != NULL &&
	    inet_ntop(address->sa_family, bytes, m->client_text,
		sizeof(m->client_text)) != NULL)
		(void)route_client_parse(&m->client, m->client_text);
	return no_answer(session, SMFIP_NR_CONN);
}

/* --- the message --------------------------------------------------------- */

/* Parameters of MAIL: SMTPUTF8 and SIZE, which is returned (0: none). */
static long long
read_parameters(char **argv, int *utf8)
{
	long long declared = 0, size;
	char *end;

	for (; *argv != NULL; argv++) {
		if (strcasecmp(*argv, "SMTPUTF8") == 0)
			*utf8 = 1;
		if (strncasecmp(*argv, "SIZE=", 5) != 0)
			continue;
		errno = 0;
		size = strtoll(*argv + 5, &end, 10);
		if (errno == 0 && *end == '\0' && size > 0)
			declared = size;
	}
	return declared;
}

static sfsistat
on_mail(SMFICTX *ctx, char **argv)
{
	struct session *session = smfi_getpriv(ctx);
	const char *sender = argv[0] != NULL ? argv[0] : "";
	struct reply reply;
	long long size = 0;
	int utf8 = 0;

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	if (argv[0] != NULL)
		size = read_parameters(argv + 1, &utf8);
	message_mail(&session->message, config_get(), sender,
	    smfi_getsymval(ctx, answer_borrowed("{auth_authen}")), size);
	if (utf8)
		message_utf8(&session->message);
	session->message.can_hold = session->with_mta.can_hold;
	set_under_way(session, 1);
	if (session->with_mta.steps & SMFIP_NR_MAIL)
		return SMFIS_NOREPLY;
	if (decide_too_large(&session->message, &reply)) {
		set_under_way(session, 0);
		log_info(NULL, "refused at MAIL: from=%s reason=%s", sender,
		    reply.text);
		return answer_reply(ctx, &reply);
	}
	return SMFIS_CONTINUE;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **argv)
{
	struct session *session = smfi_getpriv(ctx);

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	message_rcpt(&session->message, argv[0] != NULL ? argv[0] : "");
	return no_answer(session, SMFIP_NR_RCPT);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *session = smfi_getpriv(ctx);

	if (session == NULL)
		return SMFIS_TEMPFAIL;
	message_header(&session->message, name, value);
	return no_answer(session, SMFIP_NR_HDR);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
	struct session *session = smfi_getpriv(ctx);

	(void)data;
	if (session == NULL)
		return SMFIS_TEMPFAIL;
	message_body(&session->message, len);
	return no_answer(session, SMFIP_NR_BODY);
}

/* --- its end ------------------------------------------------------------- */

static void
log_outcome(const char *id, const struct message *message,
    const struct verdict *verdict)
{
	const struct rewrite_result *rewrite = &verdict->rewrite;

	log_info(id,
	    "%s: account=%s by=%s from=%s to=%s sender=%s login=%s "
	    "client=%s recipients=%zu%s%s",
	    verdict->action, verdict->who[0] != '\0' ? verdict->who : "-",
	    verdict->by, rewrite->was[0] != '\0' ? rewrite->was : "-",
	    rewrite->now[0] != '\0' ? rewrite->now : "-",
	    message->sender[0] != '\0' ? message->sender : "<>",
	    message->login[0] != '\0' ? message->login : "-",
	    message->client_text[0] != '\0' ? message->client_text : "-",
	    message->recipients, verdict->reason[0] != '\0' ? " reason=" : "",
	    verdict->reason);
}

/*
 * The answer was written outside the gate, since an MTA may take its time. If
 * that has closed since, the store is going: what was counted stays counted.
 */
static void
undo(struct verdict *verdict, const char *id)
{
	int open = gate_decide();

	decide_undo(verdict, open ? store : NULL, id);
	if (open)
		gate_decided();
}

static sfsistat
on_end(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);
	struct verdict verdict;
	const char *id = smfi_getsymval(ctx, answer_borrowed("i"));
	sfsistat status;

	if (session == NULL || session->message.config == NULL)
		return answer_failure(ctx,
		    "this relay lost track of the message; "
		    "try again later");
	if (!gate_decide())
		return answer_failure(
		    ctx, "this relay is stopping; try again later");
	if (id == NULL)
		id = "";
	decide_message(&session->message, store, id, &verdict);
	gate_decided();
	status = answer_verdict(ctx, id, &verdict);
	if (status != SMFIS_CONTINUE)
		undo(&verdict, id);
	log_outcome(id[0] != '\0' ? id : NULL, &session->message, &verdict);
	decide_clear(&verdict);
	message_reset(&session->message);
	set_under_way(session, 0);
	return status;
}

/* Comes after every message, also after one that was answered. */
static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session != NULL) {
		message_reset(&session->message);
		set_under_way(session, 0);
	}
	return SMFIS_CONTINUE;
}

/* May come without connect. */
static sfsistat
on_close(SMFICTX *ctx)
{
	struct session *session = smfi_getpriv(ctx);

	if (session == NULL)
		return SMFIS_CONTINUE;
	set_under_way(session, 0);
	message_clear(&session->message);
	free(session);
	(void)smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

/* --- starting and stopping ----------------------------------------------- */

int
session_check_address(const char *address, struct err *err)
{
	return listen_check(address, err);
}

int
session_listen(const char *address, struct counters *counters, struct err *err)
{
	struct smfiDesc callbacks = {
	    .xxfi_name = answer_borrowed("postoak-milter"),
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = ALL_ACTIONS,
	    .xxfi_connect = on_connect,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_body = on_body,
	    .xxfi_eom = on_end,
	    .xxfi_abort = on_abort,
	    .xxfi_close = on_close,
	    .xxfi_negotiate = on_negotiate,
	};

	store = counters;
	(void)smfi_setmaxdatasize(PACKET_MAX);
	if (listen_prepare(&listening, address, err) < 0)
		return -1;
	if (smfi_register(callbacks) != MI_SUCCESS ||
	    smfi_setconn(listening.spec) != MI_SUCCESS)
		return err_set(err, ERR_BUG, "libmilter",
		    "libmilter does not take %s", listening.spec);
	if (smfi_opensocket(0) != MI_SUCCESS)
		return err_set(err, ERR_CONFIG, "listen",
		    "milter: listen = \"%s\": cannot listen there; the system "
		    "log has libmilter's reason",
		    address);
	return listen_made(&listening, err);
}

static void *
serve(void *arg)
{
	(void)arg;
	(void)smfi_main();
	(void)pthread_mutex_lock(&lock);
	ended = 1;
	(void)pthread_mutex_unlock(&lock);
	return NULL;
}

int
session_start(struct err *err)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, serve, NULL);

	if (rc != 0)
		return err_errno(
		    err, ERR_TEMPORARY, rc, "cannot start a thread");
	(void)pthread_detach(thread);
	return 0;
}

int
session_ended(void)
{
	int answer_now;

	(void)pthread_mutex_lock(&lock);
	answer_now = ended;
	(void)pthread_mutex_unlock(&lock);
	return answer_now;
}

void
session_stop(int timeout_ms)
{
	listen_remove(&listening);
	/* smfi_stop would wait for the listener, which looks up every five
	 * seconds; the process ends now, and with it all of libmilter. */
	gate_close(timeout_ms);
}
