/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_PROCESS_H
#define POSTOAK_PROCESS_H

/*
 * process - is this still the process that did something, or a child of it?
 * getpid tells, for a system call each time; this one reads memory that the
 * kernel empties in a child. Called by client. Threads may call it at once.
 */

/* A number that no parent or child has: of the kernel's process ids, where the
 * kernel does not empty memory, else above them. Costs nothing but the first
 * time. */
unsigned long process_number(void);

/* Give the memory back, before the plugin is unloaded. */
void process_forget(void);

#endif
