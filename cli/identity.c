/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity - see identity.h.
 */
#define _GNU_SOURCE /* strcasestr */
#include "identity.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "conf_value.h"
#include "distance.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))
#define HEX_DIGITS 32
#define SECRET_MIN 16 /* Entra ID's have 40, older ones 32 or 44 */
#define EXCHANGE_APP "00000002-0000-0ff1-ce00-000000000000"
#define PERSONAL_TENANT "9188040d-6c67-4c5b-b112-36a304b66dad"

#define refuse(err, ...) err_set(err, ERR_CONFIG, "value", __VA_ARGS__)

/* --- what a value looks like --------------------------------------------- */

static int
is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
	       (c >= 'A' && c <= 'F');
}

/* What Entra ID makes has "Q~" behind its first four characters. */
static int
looks_secret(const char *text)
{
	return strlen(text) >= 34 && strncmp(text + 4, "Q~", 2) == 0;
}

/* The portal shows three characters and stars when the page was left. */
static int
is_masked(const char *text)
{
	return strstr(text, "***") != NULL ||
	       strstr(text, "\xe2\x80\xa6") != NULL || /* ... in one */
	       strstr(text, "\xe2\x80\xa2\xe2\x80\xa2") != NULL ||
	       strstr(text, "\xe2\x97\x8f\xe2\x97\x8f") != NULL;
}

/* --- IDs ------------------------------------------------------------------ */

static int
refuse_no_guid(const char *text, const char *what, size_t digits, char wrong,
    struct err *err)
{
	if (text[0] == '\0')
		return refuse(err, "%s is empty", what);
	if (looks_secret(text))
		return refuse(err,
		    "%s is given a secret's Value; the ID is 32 hexadecimal "
		    "digits in five groups",
		    what);
	if (strchr(text, '@') != NULL || strstr(text, "://") != NULL)
		return refuse(err,
		    "%s is given \"%.100s\"; the ID is 32 hexadecimal digits "
		    "in five groups, on the application's Overview page",
		    what, text);
	if (digits == HEX_DIGITS - 1 && wrong != '\0' &&
	    strchr("oOlI", wrong) != NULL)
		return refuse(err,
		    "%s \"%.100s\" has the letter %c, where only 0 to 9 and a "
		    "to f stand: is it a %c? Copy it with the button beside it",
		    what, text, wrong,
		    wrong == 'o' || wrong == 'O' ? '0' : '1');
	return refuse(err,
	    "%s \"%.100s\" is no GUID: it has %zu hexadecimal digits, not 32; "
	    "copy it again with the button beside it",
	    what, text, digits);
}

/* Digits of text in small letters, at most 32. 0, or the first character that
 * is neither a digit nor a dash or brace. */
static char
collect(const char *text, char digits[HEX_DIGITS + 1], size_t *count)
{
	char wrong = '\0';
	const char *p;

	*count = 0;
	for (p = text; *p != '\0'; p++) {
		if (is_hex(*p)) {
			if (*count < HEX_DIGITS)
				digits[*count] = *p >= 'A' && *p <= 'F'
						     ? (char)(*p - 'A' + 'a')
						     : *p;
			++*count;
		} else if (strchr("-{}() ", *p) == NULL && wrong == '\0') {
			wrong = *p;
		}
	}
	digits[HEX_DIGITS] = '\0';
	return wrong;
}

int
identity_guid(const char *text, const char *what, char out[IDENTITY_GUID_SIZE],
    struct err *err)
{
	char digits[HEX_DIGITS + 1] = "", wrong;
	size_t count;

	wrong = collect(text, digits, &count);
	if (wrong != '\0' || count != HEX_DIGITS)
		return refuse_no_guid(text, what, count, wrong, err);
	snprintf(out, IDENTITY_GUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", digits,
	    digits + 8, digits + 12, digits + 16, digits + 20);
	if (strspn(out, "0-") == strlen(out))
		return refuse(err,
		    "%s is all zeros, a placeholder; the real one stands on "
		    "the application's Overview page",
		    what);
	if (strcmp(out, EXCHANGE_APP) == 0)
		return refuse(err,
		    "%s is the ID of Exchange Online itself; your "
		    "application's own stands on its Overview page",
		    what);
	return 0;
}

int
identity_tenant(const char *text, char out[IDENTITY_NAME_SIZE], struct err *err)
{
	static const char *const shared[] = {
	    "common", "organizations", "consumers"};
	struct conf_value value = {.text = text};
	char guid[IDENTITY_GUID_SIZE];
	size_t i;

	for (i = 0; i < N_OF(shared); i++)
		if (strcasecmp(text, shared[i]) == 0)
			return refuse(err,
			    "Tenant ID is given \"%s\", which stands for every "
			    "tenant; yours is the Directory (tenant) ID on the "
			    "application's Overview page",
			    shared[i]);
	if (strchr(text, '.') != NULL && strlen(text) < IDENTITY_NAME_SIZE &&
	    strchr(text, '@') == NULL && conf_value_tenant(&value) == 0) {
		snprintf(out, IDENTITY_NAME_SIZE, "%s", text);
		return 0;
	}
	if (identity_guid(text, "Tenant ID", guid, err) == -1)
		return -1;
	if (strcmp(guid, PERSONAL_TENANT) == 0)
		return refuse(err,
		    "Tenant ID is that of personal Microsoft accounts, where "
		    "no application can be registered for a company; sign in "
		    "to the portal with a work account");
	snprintf(out, IDENTITY_NAME_SIZE, "%s", guid);
	return 0;
}

/* --- secrets -------------------------------------------------------------- */

static int
is_guid(const char *text)
{
	char out[IDENTITY_GUID_SIZE];

	return identity_guid(text, "", out, NULL) == 0;
}

int
identity_secret(const char *text, struct err *err)
{
	if (text[0] == '\0')
		return refuse(err, "the client secret is empty");
	if (is_guid(text))
		return refuse(err,
		    "that is the Secret ID, not the secret; the Value, in the "
		    "column beside it, is needed. It is shown only once: if it "
		    "was not noted, make a new client secret under "
		    "Certificates & secrets");
	if (is_masked(text))
		return refuse(err,
		    "that is what the portal shows of a secret later, with "
		    "stars; its Value is shown only once: make a new client "
		    "secret and copy its Value before leaving the page");
	if (strstr(text, "://") != NULL)
		return refuse(err, "that is an address, not a client secret");
	if (strncmp(text, "eyJ", 3) == 0 || strncmp(text, "-----", 5) == 0)
		return refuse(err,
		    "that is a token or a key, not a client secret; give the "
		    "secret's Value");
	if (strpbrk(text, " \t") != NULL)
		return refuse(err,
		    "the client secret has a blank in it, which none has; "
		    "copy the Value alone");
	if (strcasestr(text, "%7E") != NULL || strcasestr(text, "%2B") != NULL)
		return refuse(err,
		    "the client secret is percent-encoded (%%7E is ~); give it "
		    "as the portal shows it");
	if (strlen(text) < SECRET_MIN)
		return refuse(err,
		    "the client secret has %zu characters; a Value has about "
		    "40: copy it whole",
		    strlen(text));
	return 0;
}

int
identity_password(
    const char *text, const char *user, const char *secret, struct err *err)
{
	if (text[0] == '\0')
		return refuse(err, "the password is empty");
	if (is_masked(text))
		return refuse(err,
		    "the password is stars; somebody copied what a page shows "
		    "in its place");
	if (user != NULL && strcasecmp(text, user) == 0)
		return refuse(err, "the password is the user's own name");
	if (secret != NULL && strcmp(text, secret) == 0)
		return refuse(err,
		    "the password is the same as the client secret; the "
		    "mailbox has one of its own");
	return 0;
}

/* --- addresses ------------------------------------------------------------ */

static const char *
domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL ? at + 1 : address;
}

static int
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), cut = strlen(end);

	return len >= cut && strcasecmp(text + len - cut, end) == 0;
}

/* A domain that is probably another one, misspelt; NULL if it is not. */
static const char *
meant(const char *domain)
{
	static const char *const known[] = {"onmicrosoft.com", "outlook.com",
	    "hotmail.com", "gmail.com", "googlemail.com"};
	static const struct {
		const char *end, *right;
	} ends[] = {{".con", ".com"}, {".cmo", ".com"}, {".ocm", ".com"},
	    {".comm", ".com"}, {".vom", ".com"}};
	const char *part;
	size_t i, far;

	for (i = 0; i < N_OF(ends); i++)
		if (ends_with(domain, ends[i].end))
			return ends[i].right;
	for (i = 0; i < N_OF(known); i++) {
		/* of contoso.onmicrosft.com the end */
		part = domain;
		if (i == 0 && (part = strchr(domain, '.')) == NULL)
			continue;
		far = distance(part + (i == 0), known[i]);
		if (far > 0 && far <= (i < 3 ? 2u : 1u))
			return known[i];
	}
	return NULL;
}

static int
refuse_domain(
    const char *address, const char *what, const char *domain, struct err *err)
{
	static const char *const inside[] = {
	    ".local", ".lan", ".internal", ".localdomain", ".home", ".corp"};
	const char *right = meant(domain);
	size_t i;

	if (right != NULL)
		return refuse(err, "%s \"%.200s\": is \"%s\" meant?", what,
		    address, right);
	if (strchr(domain, '.') == NULL)
		return refuse(err,
		    "%s \"%.200s\" has no whole domain; write it like "
		    "relay@contoso.com",
		    what, address);
	for (i = 0; i < N_OF(inside); i++)
		if (ends_with(domain, inside[i]))
			return refuse(err,
			    "%s \"%.200s\" is of a domain that exists inside a "
			    "network only, where Exchange Online has no "
			    "mailbox; use the address with the public domain",
			    what, address);
	return 0;
}

static int
refuse_address(const char *address, const char *what, struct err *err)
{
	if (strchr(address, '\\') != NULL)
		return refuse(err,
		    "%s \"%.200s\" is a Windows login; the user principal name "
		    "is needed, which looks like an address",
		    what, address);
	if (strchr(address, '@') == NULL)
		return refuse(err,
		    "%s \"%.200s\" is no address; write it whole, like "
		    "relay@contoso.com",
		    what, address);
	return refuse(err,
	    "%s \"%.200s\" is no address; write name@domain and nothing else",
	    what, address);
}

int
identity_mailbox(const char *text, const char *what,
    char out[IDENTITY_NAME_SIZE], struct err *err)
{
	struct conf_value value = {.text = out};
	size_t len;
	char *p;

	if (*text == '<')
		text++;
	if (strncasecmp(text, "mailto:", 7) == 0)
		text += 7;
	else if (strncasecmp(text, "smtp:", 5) == 0)
		text += 5;
	len = strcspn(text, ">");
	if (len == 0)
		return refuse(err, "%s is empty", what);
	if (len >= IDENTITY_NAME_SIZE)
		return refuse(err, "%s is longer than any address", what);
	memcpy(out, text, len);
	out[len] = '\0';
	if (strcasestr(out, "#EXT#") != NULL)
		return refuse(err,
		    "%s \"%.200s\" is a guest of the tenant, who has no "
		    "mailbox there; use a mailbox of the tenant",
		    what, out);
	if (conf_value_address(&value) == -1)
		return refuse_address(out, what, err);
	for (p = strrchr(out, '@'); *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	return refuse_domain(out, what, domain_of(out), err);
}

/* hotmail.de, live.co.uk: a consumer's name below the end of a country. */
static int
is_family(const char *domain, const char *name)
{
	const char *end = domain + strlen(name);

	if (strncasecmp(domain, name, strlen(name)) != 0 || *end++ != '.')
		return 0;
	if (strncasecmp(end, "co.", 3) == 0)
		end += 3;
	else if (strncasecmp(end, "com.", 4) == 0)
		end += 4;
	return strlen(end) <= 3 && strchr(end, '.') == NULL;
}

enum identity_kind
identity_kind(const char *address)
{
	static const struct {
		const char *name;
		enum identity_kind kind;
	} names[] = {
	    {"outlook", IDENTITY_MICROSOFT},
	    {"hotmail", IDENTITY_MICROSOFT},
	    {"live", IDENTITY_MICROSOFT},
	    {"msn", IDENTITY_MICROSOFT},
	    {"passport", IDENTITY_MICROSOFT},
	    {"windowslive", IDENTITY_MICROSOFT},
	    {"gmail", IDENTITY_GOOGLE},
	    {"googlemail", IDENTITY_GOOGLE},
	    {"yahoo", IDENTITY_OTHER},
	    {"ymail", IDENTITY_OTHER},
	    {"aol", IDENTITY_OTHER},
	    {"icloud", IDENTITY_OTHER},
	    {"me", IDENTITY_OTHER},
	    {"gmx", IDENTITY_OTHER},
	    {"web", IDENTITY_OTHER},
	    {"mail", IDENTITY_OTHER},
	};
	const char *domain = domain_of(address);
	size_t i;

	for (i = 0; i < N_OF(names); i++)
		if (is_family(domain, names[i].name))
			return names[i].kind;
	return IDENTITY_WORK;
}

int
identity_is_foreign(const char *sender, const char *login, const char *tenant)
{
	const char *known[2] = {NULL, NULL}, *domain = domain_of(sender);
	int count = 0;
	size_t i;

	if (login != NULL)
		known[0] = domain_of(login);
	if (tenant != NULL && strchr(tenant, '.') != NULL)
		known[1] = tenant;
	for (i = 0; i < N_OF(known); i++) {
		if (known[i] == NULL || ends_with(known[i], ".onmicrosoft.com"))
			continue;
		if (strcasecmp(known[i], domain) == 0)
			return 0;
		count++;
	}
	return count > 0 && !ends_with(domain, ".onmicrosoft.com");
}

/* --- days ----------------------------------------------------------------- */

/* Year, month and day in which order? 0, or -1: it may be two days. */
static int
read_day(const char *text, int day[3])
{
	char sign = '\0';
	int a, b, c, used = 0, swap;

	if (sscanf(text, "%4d-%2d-%2d%n", &a, &b, &c, &used) == 3 && used > 0) {
		day[0] = a, day[1] = b, day[2] = c;
		return 0;
	}
	if (sscanf(text, "%2d%c%2d%*1[./-]%4d", &a, &sign, &b, &c) != 4 ||
	    strchr("./-", sign) == NULL)
		return -1;
	/* 31.10. is always day and month; of 10/31 the portal's language says
	 * it, or a number above 12. */
	if (sign != '.' && a <= 12 && b <= 12 && a != b)
		return -1;
	swap = sign != '.' && b > 12;
	day[0] = c;
	day[1] = swap ? a : b;
	day[2] = swap ? b : a;
	return 0;
}

int
identity_date(const char *text, int64_t now_s, char out[IDENTITY_DATE_SIZE],
    struct err *err)
{
	struct conf_value value = {.text = out};
	char today[IDENTITY_DATE_SIZE];
	time_t now = (time_t)now_s;
	struct tm tm;
	int day[3];

	if (read_day(text, day) == -1 || day[0] < 1000)
		return refuse(err,
		    "the day \"%.40s\" can be read in two ways, or none; write "
		    "it as year-month-day, like 2028-10-31",
		    text);
	snprintf(out, IDENTITY_DATE_SIZE, "%04u-%02u-%02u",
	    (unsigned)day[0] % 10000, (unsigned)day[1] % 100,
	    (unsigned)day[2] % 100);
	if (conf_value_date(&value) == -1)
		return refuse(err, "there is no day %s", out);
	gmtime_r(&now, &tm);
	strftime(today, sizeof(today), "%Y-%m-%d", &tm);
	if (strcmp(out, today) < 0)
		return refuse(err,
		    "the client secret expired on %s; make a new one under "
		    "Certificates & secrets",
		    out);
	return 0;
}
