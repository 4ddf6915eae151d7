/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_RECORD_H
#define POSTOAK_RECORD_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "secret.h"

/*
 * record - what is kept of a credential, and its form in the sealed file: the
 * blocks of the token socket (wire.h), because that encoder and decoder exist
 * and leave no copies behind. Pure.
 */

#define RECORD_MAX 65536 /* bytes of an encoded record */

enum record_refused {
	RECORD_REFUSED_NOTHING,
	RECORD_REFUSED_PASSWORD,
	RECORD_REFUSED_SECRET
};

struct record {
	struct secret refresh_token; /* empty: none */
	int64_t obtained_at_s;	     /* of the refresh token, wall clock */
	char *scope;		     /* as granted, or NULL */
	/* What the provider refused and must not be shown again. */
	enum record_refused refused;
	char *refused_id; /* fingerprint, or NULL */
	int64_t refused_at_s;
	struct err refusal; /* why */
};

void record_init(struct record *record);
void record_clear(struct record *record);

/* to is overwritten, to be cleared. 0, or -1: no memory for a secret. */
int record_copy(struct record *to, const struct record *from);

/* Note what the provider refused, why, and when. */
void record_refuse(struct record *record, enum record_refused what,
    const char *id, int64_t at_s, const struct err *why);

/* The name goes in, too: a file that was renamed is found out. */
int record_encode(const struct record *record, const char *kind,
    const char *name, struct buf *out, struct err *err);

/*
 * The reverse; data is cut up. A record of another kind or name, or none at
 * all, is ERR_CONFIG.
 */
int record_decode(struct record *record, const char *kind, const char *name,
    struct buf *data, struct err *err);

#endif
