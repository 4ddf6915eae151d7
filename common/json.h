/* SPDX-License-Identifier: Apache-2.0 */
#ifndef POSTOAK_JSON_H
#define POSTOAK_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/*
 * json - the only door to json-c. Documents are read with a bound on size and
 * depth, duplicate keys take the last value (RFC 8259 leaves it open), and
 * every getter checks the type.
 */

struct json; /* a document or a part of one */

#define JSON_DEPTH_MAX 16

/*
 * Parse exactly one document of len bytes (blanks around it allowed). NULL
 * with ERR_PROTOCOL code "json" if it is none, or deeper than JSON_DEPTH_MAX.
 * json_free gives it back; parts got from it are borrowed and live as long.
 */
struct json *json_parse(const char *data, size_t len, struct err *err);
void json_free(struct json *json);

struct json *json_object(void);
struct json *json_array(void);

/* Borrowed parts; NULL if absent or of another type. */
const char *json_get_string(const struct json *json, const char *key);
struct json *json_get_object(const struct json *json, const char *key);
struct json *json_get_array(const struct json *json, const char *key);

/* A number, or a string that is one (Entra v1 and IMDS send those):
 * 1 and *value set, else 0. */
int json_get_int(const struct json *json, const char *key, int64_t *value);

/* 1 if there is such a member, whatever it is, but null. */
int json_has(const struct json *json, const char *key);
int json_get_bool(const struct json *json, const char *key, int otherwise);

size_t json_length(const struct json *array);
struct json *json_at(const struct json *array, size_t index); /* borrowed */
const char *json_string_at(const struct json *array, size_t index);
int json_int_at(const struct json *array, size_t index, int64_t *value);

/* Visit the members of an object in order. */
void json_each(const struct json *object,
    void (*visit)(const char *key, struct json *value, void *arg), void *arg);

/* Build. A NULL string becomes null. json_set and json_append take child. */
void json_set_string(struct json *json, const char *key, const char *value);
void json_set_int(struct json *json, const char *key, int64_t value);
void json_set_bool(struct json *json, const char *key, int value);
void json_set_null(struct json *json, const char *key);
void json_set(struct json *json, const char *key, struct json *child);
void json_append(struct json *array, struct json *child);
void json_append_string(struct json *array, const char *value);

/* Append the document to out: one line, or indented for people. 0 or -1. */
int json_write(const struct json *json, struct buf *out, int pretty);

#endif
