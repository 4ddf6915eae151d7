/* SPDX-License-Identifier: Apache-2.0 */
/*
 * findings - what "postoak check" has found. See findings.h.
 */
#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

#define TEXT_MAX 8192 /* bytes of one text; a longer one is cut */

static const char *const words[] = {
    [FINDINGS_OK] = "ok",
    [FINDINGS_NOTE] = "note",
    [FINDINGS_WARN] = "warn",
    [FINDINGS_FAIL] = "FAIL",
};

void
findings_init(struct findings *findings,
    void (*whole)(const struct findings_item *item, void *arg), void *arg)
{
	memset(findings, 0, sizeof(*findings));
	findings->whole = whole;
	findings->arg = arg;
}

static char *format(const char *fmt, va_list ap)
    __attribute__((format(printf, 1, 0)));

static char *
format(const char *fmt, va_list ap)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof(text), fmt, ap);
	return mem_strdup(text);
}

static struct findings_item *
append(struct findings *findings)
{
	struct findings_item *item;

	findings->items = mem_grow(
	    findings->items, findings->count + 1, sizeof(*findings->items));
	item = &findings->items[findings->count++];
	memset(item, 0, sizeof(*item));
	return item;
}

void
findings_end(struct findings *findings)
{
	for (; findings->told < findings->count; findings->told++)
		if (findings->whole != NULL)
			findings->whole(
			    &findings->items[findings->told], findings->arg);
}

void
findings_add(struct findings *findings, enum findings_verdict verdict,
    const char *id, const char *account, const char *fmt, ...)
{
	struct findings_item *item;
	va_list ap;

	findings_end(findings);
	item = append(findings);
	item->verdict = verdict;
	item->id = mem_strdup(id);
	item->account = mem_strdup(account);
	va_start(ap, fmt);
	item->seen = format(fmt, ap);
	va_end(ap);
}

void
findings_remedy(struct findings *findings, const char *fmt, ...)
{
	struct findings_item *item;
	va_list ap;

	if (findings->count == 0)
		return;
	item = &findings->items[findings->count - 1];
	free(item->remedy);
	va_start(ap, fmt);
	item->remedy = format(fmt, ap);
	va_end(ap);
}

/* Behind "account NAME: ", if the sentence begins so. */
static const char *
skip_subject(const char *sentence, const char *account)
{
	static const char word[] = "account ";
	size_t len = account != NULL ? strlen(account) : 0;

	if (len > 0 && strncmp(sentence, word, strlen(word)) == 0 &&
	    strncmp(sentence + strlen(word), account, len) == 0 &&
	    strncmp(sentence + strlen(word) + len, ": ", 2) == 0)
		return sentence + strlen(word) + len + 2;
	return sentence;
}

void
findings_add_text(struct findings *findings, enum findings_verdict verdict,
    const char *id, const char *account, const char *text,
    const char *otherwise)
{
	const char *what = skip_subject(text, account);
	const char *end = strstr(what, "; ");

	findings_add(findings, verdict, id, account, "%.*s",
	    end != NULL ? (int)(end - what) : (int)strlen(what), what);
	if (end != NULL || otherwise != NULL)
		findings_remedy(
		    findings, "%s", end != NULL ? end + 2 : otherwise);
}

const char *
findings_word(enum findings_verdict verdict)
{
	return words[verdict];
}

struct json *
findings_to_json(const struct findings_item *item)
{
	struct json *json = json_object();

	json_set_string(json, "verdict", words[item->verdict]);
	json_set_string(json, "id", item->id);
	json_set_string(json, "account", item->account);
	json_set_string(json, "seen", item->seen);
	json_set_string(json, "remedy", item->remedy);
	return json;
}

void
findings_from_json(struct findings *findings, const struct json *json)
{
	const char *word = json_get_string(json, "verdict");
	const char *id = json_get_string(json, "id");
	const char *seen = json_get_string(json, "seen");
	struct findings_item *item;
	int verdict;

	if (word == NULL || id == NULL || seen == NULL)
		return;
	for (verdict = 0; verdict < FINDINGS_VERDICTS; verdict++)
		if (strcmp(words[verdict], word) == 0)
			break;
	if (verdict == FINDINGS_VERDICTS)
		return;
	item = append(findings);
	item->verdict = (enum findings_verdict)verdict;
	item->id = mem_strdup(id);
	item->account = mem_strdup(json_get_string(json, "account"));
	item->seen = mem_strdup(seen);
	item->remedy = mem_strdup(json_get_string(json, "remedy"));
}

void
findings_clear(struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->count; i++) {
		free(findings->items[i].id);
		free(findings->items[i].account);
		free(findings->items[i].seen);
		free(findings->items[i].remedy);
	}
	free(findings->items);
	findings_init(findings, findings->whole, findings->arg);
}
