/* SPDX-License-Identifier: Apache-2.0 */
/*
 * milter_nothing - what libmilter itself costs: a milter with the negotiation
 * of postoak-milter that decides nothing, counts nothing, logs nothing and
 * sends CHGFROM, CHGHEADER and ADDHEADER for every message.
 *
 * libs: milter
 *
 * usage: milter_nothing unix:/path
 */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <stdlib.h>

#define ACTIONS                                                                \
	(SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGFROM | SMFIF_DELRCPT |       \
	    SMFIF_ADDRCPT_PAR)

/* One of each for the headers' sake: literals are not "char *". */
static char nothing[] = "", on_mail_macros[] = "{auth_authen}", id[] = "i";
static char sender[] = "<relay@contoso.com>";
static char from[] = "From", from_value[] = "ERP <relay@contoso.com>";
static char original[] = "X-Original-From";
static char original_value[] = "ERP <erp@app.example>";
static char program[] = "milter_nothing";

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long f2, unsigned long f3, unsigned long *want_actions,
    unsigned long *want_steps, unsigned long *want_f2, unsigned long *want_f3)
{
	(void)actions;
	(void)f2;
	(void)f3;
	(void)smfi_setsymlist(ctx, SMFIM_CONNECT, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_HELO, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_ENVFROM, on_mail_macros);
	(void)smfi_setsymlist(ctx, SMFIM_ENVRCPT, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_DATA, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_EOH, nothing);
	(void)smfi_setsymlist(ctx, SMFIM_EOM, id);
	*want_actions = ACTIONS;
	*want_steps =
	    steps & (SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOEOH |
			SMFIP_NOUNKNOWN | SMFIP_NOBODY | SMFIP_NR_CONN |
			SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR);
	*want_f2 = 0;
	*want_f3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return SMFIS_NOREPLY;
}

/* MAIL and RCPT. */
static sfsistat
on_address(SMFICTX *ctx, char **argv)
{
	(void)ctx;
	(void)argv;
	return SMFIS_NOREPLY;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return SMFIS_NOREPLY;
}

static sfsistat
on_end(SMFICTX *ctx)
{
	if (smfi_chgfrom(ctx, sender, NULL) != MI_SUCCESS ||
	    smfi_chgheader(ctx, from, 1, from_value) != MI_SUCCESS ||
	    smfi_addheader(ctx, original, original_value) != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return SMFIS_CONTINUE;
}

static sfsistat
on_rest(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

int
main(int argc, char **argv)
{
	struct smfiDesc callbacks = {
	    .xxfi_name = program,
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_flags = ACTIONS,
	    .xxfi_connect = on_connect,
	    .xxfi_envfrom = on_address,
	    .xxfi_envrcpt = on_address,
	    .xxfi_header = on_header,
	    .xxfi_eom = on_end,
	    .xxfi_abort = on_rest,
	    .xxfi_close = on_rest,
	    .xxfi_negotiate = on_negotiate,
	};

	if (argc != 2 || smfi_setconn(argv[1]) != MI_SUCCESS ||
	    smfi_register(callbacks) != MI_SUCCESS) {
		fprintf(stderr, "usage: milter_nothing unix:/path\n");
		return EXIT_FAILURE;
	}
	return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EXIT_FAILURE;
}
