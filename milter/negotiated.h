/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_NEGOTIATED_H
#define POSTOAK_NEGOTIATED_H

/*
 * negotiated - what an MTA agreed to, by connection. It outlives the session:
 * an MTA may keep its connection for its next client (SMFIC_QUIT_NC), which
 * libmilter tells by a close and another connect, without negotiating again.
 * Thread-safe. Called by session.
 */
struct negotiated {
	unsigned long steps; /* SMFIP_* */
	int can_hold;	     /* the MTA has a hold queue */
};

/* Note it for the connection, in place of what is known of it. */
void negotiated_keep(
    const void *connection, const struct negotiated *negotiated);

/*
 * What was noted: 1, or 0 with all of it 0, if another connection has taken the
 * place since. To answer every step then does no harm: libmilter leaves out
 * what the MTA does not expect.
 */
int negotiated_find(const void *connection, struct negotiated *negotiated);

#endif
