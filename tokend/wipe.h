/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_WIPE_H
#define POSTOAK_WIPE_H

/*
 * wipe - what is freed is wiped first, whoever frees it.
 *
 * libcurl, OpenSSL, json-c and libevent hold pieces of a token, a secret or a
 * key for a while, each in memory of its own, and leave them behind when they
 * free it. The program's free, realloc and reallocarray take the place of the C
 * library's in all of them; malloc and calloc stay as they are. Nothing calls
 * this by name: it is linked with tokend, and with no other program.
 */

/* A sanitizer has taken the places of these functions already. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WIPE_ACTIVE 0
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WIPE_ACTIVE 0
#endif
#ifndef WIPE_ACTIVE
#define WIPE_ACTIVE 1
#endif

#endif
