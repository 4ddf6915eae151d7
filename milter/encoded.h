/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_ENCODED_H
#define POSTOAK_ENCODED_H

#include <stddef.h>

/*
 * encoded - encoded words (RFC 2047), as far as one has to know what a reader
 * will see. Pure and bounded.
 */

#define ENCODED_WORD_MAX 75   /* bytes of a word; RFC 2047 section 2 */
#define ENCODED_LOOSE_MAX 512 /* of one that readers take all the same */
#define ENCODED_TEXT_MAX (2 * ENCODED_LOOSE_MAX) /* of one made UTF-8 */

/* 1 for "=?charset?b?text?=" that may stand in a phrase (section 5 (3)). */
int encoded_is_word(const char *data, size_t len);

/*
 * Where data holds the first thing that some readers decode though it is no
 * word by the letter: in quotes, within other text, too long, with blanks. Its
 * length, and where it begins in *start; 0 if there is none.
 */
size_t encoded_find(const char *data, size_t len, size_t *start);

/*
 * What a word shows, in UTF-8, when that has to be written differently: its
 * text has a character that makes an address of a name, or a control character,
 * or cannot be decoded. Returns 0 when the word may stand as it is; else 1 and
 * the text in out without those characters (*out_len 0: nothing is left of it,
 * as of all words in charsets that cannot be made UTF-8 here).
 */
int encoded_disarm(
    const char *word, size_t len, char out[ENCODED_TEXT_MAX], size_t *out_len);

#endif
