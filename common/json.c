/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - the only door to json-c. See json.h.
 *
 * json-c is lenient where that hurts (NaN, 'single quotes', control characters
 * in strings, surrogates) and cuts keys and values at an escaped NUL, so a
 * small scanner goes over each document first. Documents carry tokens: strings
 * are wiped when a document is freed, and the writer below writes straight into
 * the caller's buffer, because json-c's own leaves copies in freed memory.
 */
#include "json.h"

/*
 * json-c has a type of the same name as our json_object(). Its macros use that
 * name, so it stays renamed up to the last function of this file.
 */
#define json_object jsonc_object
#include <json-c/json.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "utf8.h"

#define DOCUMENT_MAX (64 * 1024 * 1024)
#define INDENT 2
#define EXACT_DOUBLE 9007199254740992.0 /* 2^53 */

/* json-c takes non-const pointers where it only reads. */
static struct jsonc_object *
inner(const struct json *json)
{
	return (struct jsonc_object *)(uintptr_t)json;
}

static struct json *
outer(struct jsonc_object *object)
{
	return (struct json *)object;
}

/* The daemons' rule for memory: end and be started again. */
static void *
made(void *memory)
{
	if (memory == NULL) {
		log_warn(NULL, "out of memory for JSON: ending");
		abort();
	}
	return memory;
}

/* --- reading ------------------------------------------------------------- */

/*
 * The bytes of the string that opens at data: up to its closing quote. 0 if it
 * does not close, or holds a bare control character or an escaped NUL.
 */
static size_t
scan_string(const char *data, size_t len)
{
	size_t i;

	for (i = 1; i < len && data[i] != '"'; i++) {
		if ((unsigned char)data[i] < 0x20)
			return 0;
		if (data[i] != '\\')
			continue;
		if (len - i > 5 && memcmp(data + i, "\\u0000", 6) == 0)
			return 0;
		i++;
	}
	return i < len ? i : 0;
}

/*
 * What json-c would let pass: NUL, broken strings, NaN, Infinity, single
 * quotes, and more than JSON_DEPTH_MAX containers.
 */
static int
scan(const char *data, size_t len)
{
	int depth = 0;
	size_t i, skip;

	for (i = 0; i < len; i++) {
		if (data[i] == '"') {
			skip = scan_string(data + i, len - i);
			if (skip == 0)
				return -1;
			i += skip;
		} else if (data[i] == '[' || data[i] == '{') {
			if (++depth > JSON_DEPTH_MAX)
				return -1;
		} else if (data[i] == ']' || data[i] == '}') {
			depth--;
		} else if (strchr("NI'", data[i]) != NULL) {
			/* The list's own NUL matches a NUL. */
			return -1;
		}
	}
	return 0;
}

static struct jsonc_object *
parse(struct json_tokener *tokener, const char *data, int len)
{
	struct jsonc_object *object;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	object = json_tokener_parse_ex(tokener, data, len);
	/* A bare number ends only where the document is seen to end. */
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		object = json_tokener_parse_ex(tokener, "", 1);
	if (json_tokener_get_error(tokener) != json_tokener_success) {
		json_object_put(object);
		return NULL;
	}
	return object;
}

struct json *
json_parse(const char *data, size_t len, struct err *err)
{
	struct json_tokener *tokener;
	struct jsonc_object *object = NULL;

	if (len > 0 && len <= DOCUMENT_MAX && utf8_valid(data, len) &&
	    scan(data, len) == 0) {
		/* json-c counts the scalars inside as one level more. */
		tokener = made(json_tokener_new_ex(JSON_DEPTH_MAX + 1));
		object = parse(tokener, data, (int)len);
		if (tokener->pb != NULL && tokener->pb->buf != NULL)
			explicit_bzero(
			    tokener->pb->buf, (size_t)tokener->pb->size);
		json_tokener_free(tokener);
	}
	if (object == NULL)
		err_set(err, ERR_PROTOCOL, "json", "not a JSON document");
	return outer(object);
}

static void
wipe(struct jsonc_object *object)
{
	size_t i;

	if (json_object_get_type(object) == json_type_string) {
		explicit_bzero(
		    (char *)(uintptr_t)json_object_get_string(object),
		    (size_t)json_object_get_string_len(object));
	} else if (json_object_get_type(object) == json_type_array) {
		for (i = 0; i < json_object_array_length(object); i++)
			wipe(json_object_array_get_idx(object, i));
	} else if (json_object_get_type(object) == json_type_object) {
		json_object_object_foreach(object, key, value)
		{
			(void)key;
			wipe(value);
		}
	}
}

void
json_free(struct json *json)
{
	wipe(inner(json));
	json_object_put(inner(json));
}

static struct jsonc_object *
member(const struct json *json, const char *key)
{
	struct jsonc_object *value = NULL;

	if (json_object_get_type(inner(json)) == json_type_object)
		json_object_object_get_ex(inner(json), key, &value);
	return value;
}

static struct json *
member_of_type(const struct json *json, const char *key, enum json_type type)
{
	struct jsonc_object *value = member(json, key);

	return json_object_get_type(value) == type ? outer(value) : NULL;
}

const char *
json_get_string(const struct json *json, const char *key)
{
	struct json *value = member_of_type(json, key, json_type_string);

	return value != NULL ? json_object_get_string(inner(value)) : NULL;
}

struct json *
json_get_object(const struct json *json, const char *key)
{
	return member_of_type(json, key, json_type_object);
}

struct json *
json_get_array(const struct json *json, const char *key)
{
	return member_of_type(json, key, json_type_array);
}

static int
int_from_string(const char *text, int64_t *value)
{
	long long number;
	char *end;

	if (*text != '-' && (*text < '0' || *text > '9'))
		return 0;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0')
		return 0;
	*value = number;
	return 1;
}

static int
whole_number(struct jsonc_object *object, int64_t *value)
{
	double number;
	int64_t whole;

	switch (json_object_get_type(object)) {
	case json_type_string:
		return int_from_string(json_object_get_string(object), value);
	case json_type_int:
		whole = json_object_get_int64(object);
		/* json-c clamps what does not fit; the ends mean "too big". */
		if (whole == INT64_MAX || whole == INT64_MIN)
			return 0;
		*value = whole;
		return 1;
	case json_type_double:
		number = json_object_get_double(object);
		if (!(number >= -EXACT_DOUBLE && number <= EXACT_DOUBLE) ||
		    number != (double)(int64_t)number)
			return 0;
		*value = (int64_t)number;
		return 1;
	default:
		return 0;
	}
}

int
json_get_int(const struct json *json, const char *key, int64_t *value)
{
	return whole_number(member(json, key), value);
}

int
json_has(const struct json *json, const char *key)
{
	return member(json, key) != NULL;
}

int
json_get_bool(const struct json *json, const char *key, int otherwise)
{
	struct json *value = member_of_type(json, key, json_type_boolean);

	return value != NULL ? json_object_get_boolean(inner(value))
			     : otherwise;
}

size_t
json_length(const struct json *array)
{
	if (json_object_get_type(inner(array)) != json_type_array)
		return 0;
	return json_object_array_length(inner(array));
}

struct json *
json_at(const struct json *array, size_t index)
{
	if (index >= json_length(array))
		return NULL;
	return outer(json_object_array_get_idx(inner(array), index));
}

const char *
json_string_at(const struct json *array, size_t index)
{
	struct json *value = json_at(array, index);

	if (json_object_get_type(inner(value)) != json_type_string)
		return NULL;
	return json_object_get_string(inner(value));
}

int
json_int_at(const struct json *array, size_t index, int64_t *value)
{
	return whole_number(inner(json_at(array, index)), value);
}

void
json_each(const struct json *object,
    void (*visit)(const char *key, struct json *value, void *arg), void *arg)
{
	if (json_object_get_type(inner(object)) != json_type_object)
		return;
	json_object_object_foreach(inner(object), key, value)
	    visit(key, outer(value), arg);
}

/* --- building ------------------------------------------------------------ */

struct json *
json_array(void)
{
	return outer(made(json_object_new_array()));
}

static void
set(struct json *json, const char *key, struct jsonc_object *value)
{
	if (json_object_object_add(inner(json), key, value) != 0)
		made(NULL);
}

static struct jsonc_object *
new_string(const char *value)
{
	return value != NULL ? made(json_object_new_string(value)) : NULL;
}

void
json_set_string(struct json *json, const char *key, const char *value)
{
	set(json, key, new_string(value));
}

void
json_set_int(struct json *json, const char *key, int64_t value)
{
	set(json, key, made(json_object_new_int64(value)));
}

void
json_set_bool(struct json *json, const char *key, int value)
{
	set(json, key, made(json_object_new_boolean(value)));
}

void
json_set_null(struct json *json, const char *key)
{
	set(json, key, NULL);
}

void
json_set(struct json *json, const char *key, struct json *child)
{
	set(json, key, inner(child));
}

void
json_append(struct json *array, struct json *child)
{
	if (json_object_array_add(inner(array), inner(child)) != 0)
		made(NULL);
}

void
json_append_string(struct json *array, const char *value)
{
	json_append(array, outer(new_string(value)));
}

/* --- writing ------------------------------------------------------------- */

/* Texts come from log lines and providers: a broken byte becomes U+FFFD. */
static void
write_string(const char *string, struct buf *out)
{
	const char *p = string;
	size_t len;

	buf_add(out, "\"", 1);
	while (*p != '\0') {
		len = utf8_length(p);
		if (len == 0)
			buf_adds(out, "\\ufffd");
		else if (*p == '"' || *p == '\\')
			buf_addf(out, "\\%c", *p);
		else if ((unsigned char)*p < 0x20 || *p == 0x7f)
			buf_addf(out, "\\u%04x", *p);
		else
			buf_add(out, p, len);
		p += len > 0 ? len : 1;
	}
	buf_add(out, "\"", 1);
}

static void
new_line(struct buf *out, int pretty, int level)
{
	if (pretty)
		buf_addf(out, "\n%*s", level * INDENT, "");
}

static void write_value(
    struct jsonc_object *value, struct buf *out, int pretty, int level);

static void
write_object(
    struct jsonc_object *object, struct buf *out, int pretty, int level)
{
	const char *comma = "";

	buf_add(out, "{", 1);
	json_object_object_foreach(object, key, value)
	{
		buf_adds(out, comma);
		new_line(out, pretty, level + 1);
		write_string(key, out);
		buf_adds(out, pretty ? ": " : ":");
		write_value(value, out, pretty, level + 1);
		comma = ",";
	}
	if (*comma != '\0')
		new_line(out, pretty, level);
	buf_add(out, "}", 1);
}

static void
write_array(struct jsonc_object *array, struct buf *out, int pretty, int level)
{
	size_t count = json_object_array_length(array);
	size_t i;

	buf_add(out, "[", 1);
	for (i = 0; i < count; i++) {
		if (i > 0)
			buf_add(out, ",", 1);
		new_line(out, pretty, level + 1);
		write_value(json_object_array_get_idx(array, i), out, pretty,
		    level + 1);
	}
	if (count > 0)
		new_line(out, pretty, level);
	buf_add(out, "]", 1);
}

static void
write_value(struct jsonc_object *value, struct buf *out, int pretty, int level)
{
	switch (json_object_get_type(value)) {
	case json_type_object:
		write_object(value, out, pretty, level);
		break;
	case json_type_array:
		write_array(value, out, pretty, level);
		break;
	case json_type_string:
		write_string(json_object_get_string(value), out);
		break;
	default:
		/* null (no object at all), booleans and numbers */
		buf_adds(out,
		    made((char *)(uintptr_t)json_object_to_json_string(value)));
		break;
	}
}

int
json_write(const struct json *json, struct buf *out, int pretty)
{
	write_value(inner(json), out, pretty, 0);
	return out->truncated ? -1 : 0;
}

#undef json_object
struct json *
json_object(void)
{
	return outer(made(json_object_new_object()));
}
