/* SPDX-License-Identifier: Apache-2.0 */
/*
 * landing - the pages a browser sees after a sign-in. See landing.h.
 */
#include "landing.h"

#include <string.h>

#include "utf8.h"

/*
 * As text and in an attribute; control characters have no place in HTML, nor
 * has what is no UTF-8: an address may be made of any bytes.
 */
static void
put(struct buf *page, const char *text)
{
	size_t len;

	for (; text != NULL && *text != '\0'; text += len) {
		len = utf8_length(text);
		if (len == 0) {
			buf_adds(page, "?");
			len = 1;
			continue;
		}
		if (*text == '&')
			buf_adds(page, "&amp;");
		else if (*text == '<')
			buf_adds(page, "&lt;");
		else if (*text == '>')
			buf_adds(page, "&gt;");
		else if (*text == '"')
			buf_adds(page, "&quot;");
		else if (*text == '\'')
			buf_adds(page, "&#39;");
		else if ((unsigned char)*text < 0x20 || *text == 0x7f)
			buf_adds(page, " ");
		else
			buf_add(page, text, len);
	}
}

static void
begin(struct buf *page, const char *title, int refresh_s)
{
	buf_adds(page, "<!DOCTYPE html>\n<html lang=\"en\"><head>"
		       "<meta charset=\"utf-8\">");
	if (refresh_s > 0)
		buf_addf(page, "<meta http-equiv=\"refresh\" content=\"%d\">",
		    refresh_s);
	buf_adds(page, "<meta name=\"viewport\" content=\"width=device-width\">"
		       "<title>");
	put(page, title);
	buf_adds(page, "</title></head><body>\n<h1>");
	put(page, title);
	buf_adds(page, "</h1>\n");
}

static void
paragraph(struct buf *page, const char *text)
{
	buf_adds(page, "<p>");
	put(page, text);
	buf_adds(page, "</p>\n");
}

static void
end(struct buf *page)
{
	buf_adds(page, "</body></html>\n");
}

void
landing_page(
    struct buf *page, const char *title, const char *text, int refresh_s)
{
	begin(page, title, refresh_s);
	paragraph(page, text);
	end(page);
}

/* --- the outcome -----------------------------------------------------------
 */

static void
item(struct buf *page, const char *text, size_t len)
{
	char word[256];

	if (len == 0)
		return;
	if (len >= sizeof(word))
		len = sizeof(word) - 1;
	memcpy(word, text, len);
	word[len] = '\0';
	buf_adds(page, "<li>");
	put(page, word);
	buf_adds(page, "</li>");
}

static void
list_permissions(struct buf *page, const struct json *answer)
{
	const char *scope = json_get_string(answer, "scope");

	if (scope == NULL || *scope == '\0') {
		paragraph(page, "The provider does not say which permissions "
				"were granted.");
		return;
	}
	buf_adds(page, "<p>Permissions granted:</p>\n<ul>");
	while (*scope != '\0') {
		item(page, scope, strcspn(scope, " "));
		scope += strcspn(scope, " ");
		scope += strspn(scope, " ");
	}
	buf_adds(page, "</ul>\n");
}

static const char *
level_of(const struct json *finding)
{
	const char *level = json_get_string(finding, "level");

	return level != NULL ? level : "";
}

static int
has_failure(const struct json *findings)
{
	size_t i;

	for (i = 0; findings != NULL && i < json_length(findings); i++)
		if (strcmp(level_of(json_at(findings, i)), "fail") == 0)
			return 1;
	return 0;
}

static void
list_findings(struct buf *page, const struct json *findings)
{
	const struct json *finding;
	size_t i;

	if (findings == NULL || json_length(findings) == 0)
		return;
	buf_adds(page, "<p>To be looked at:</p>\n<ul>");
	for (i = 0; i < json_length(findings); i++) {
		finding = json_at(findings, i);
		buf_adds(page, "<li>");
		put(page, json_get_string(finding, "text"));
		buf_adds(page, "</li>");
	}
	buf_adds(page, "</ul>\n");
}

void
landing_done(struct buf *page, const struct json *answer)
{
	const struct json *findings = json_get_array(answer, "findings");
	int failed = has_failure(findings);

	begin(page,
	    failed ? "Signed in, but mail cannot be sent yet"
		   : "Signed in; mail can be sent now",
	    0);
	buf_adds(page, "<p>postoak has a token for the account <b>");
	put(page, json_get_string(answer, "account"));
	buf_adds(page, "</b>");
	if (json_get_string(answer, "token_user") != NULL) {
		buf_adds(page, ", won by the sign-in of <b>");
		put(page, json_get_string(answer, "token_user"));
		buf_adds(page, "</b>");
	}
	buf_adds(page, ".</p>\n");
	list_permissions(page, answer);
	list_findings(page, findings);
	paragraph(page, "You can close this window.");
	end(page);
}
