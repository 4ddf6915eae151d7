/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_GATE_H
#define POSTOAK_GATE_H

/*
 * gate - counts the messages under way, so that a milter that is told to stop
 * lets them end first. libmilter itself would drop them: its workers leave
 * between two commands. Thread-safe.
 */

/* A message begins, ends. */
void gate_begin(void);
void gate_end(void);

/*
 * A message is to be decided: 1 if it may be (gate_decided must follow), 0 if
 * the gate is closed.
 */
int gate_decide(void);
void gate_decided(void);

/*
 * Wait at most timeout_ms until no message is under way, then close the gate
 * and wait for the decisions being made, which are short.
 */
void gate_close(int timeout_ms);

#endif
