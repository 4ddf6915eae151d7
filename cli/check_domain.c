/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_domain - SPF, DKIM and DMARC of the sending domains. See
 * check_domain.h.
 *
 * The milter makes the envelope sender and the From field addresses of one
 * domain, so SPF that passes is aligned, and so is a signature of that domain.
 */
#include "check_domain.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dmarc.h"
#include "dns.h"
#include "domains.h"
#include "spf.h"

#define NAME_MAX_LEN 300

enum answer { NO, YES, NOT_KNOWN };

struct domain {
	const struct checkup *checkup;
	const struct domains_sender *sender;
	const char *name;
	struct dns *dns;
	struct dns_answer answer; /* of the last question */
	enum answer spf, dkim;	  /* does mail pass by it? */
};

static void add(const struct domain *domain, enum findings_verdict verdict,
    const char *id, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void
add(const struct domain *domain, enum findings_verdict verdict, const char *id,
    const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	findings_add(domain->checkup->findings, verdict, id, NULL, "%s: %s",
	    domain->name, text);
}

static void remedy(const struct domain *domain, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
remedy(const struct domain *domain, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	findings_remedy(domain->checkup->findings, "%s", text);
}

/* Keep those texts of the answer that are records of a kind. */
static size_t
keep_records(struct dns_answer *answer, int (*is_record)(const char *text))
{
	size_t i, kept = 0;

	for (i = 0; i < answer->count; i++) {
		if (is_record(answer->texts[i]))
			answer->texts[kept++] = answer->texts[i];
		else
			free(answer->texts[i]);
	}
	answer->count = kept;
	return kept;
}

/* --- SPF ------------------------------------------------------------------ */

static enum spf_found
find_spf(void *arg, const char *name, const char **record, size_t *count)
{
	struct domain *domain = arg;
	enum dns_status status;

	dns_clear(&domain->answer);
	status = dns_txt(domain->dns, name, &domain->answer);
	if (status != DNS_FOUND)
		return status == DNS_NONE ? SPF_ABSENT : SPF_TROUBLE;
	*count = keep_records(&domain->answer, spf_is_record);
	if (*count > 0)
		*record = domain->answer.texts[0];
	return SPF_FOUND;
}

static void
tell_spf_pass(const struct domain *domain, const struct spf_result *result)
{
	if (result->takes_all) {
		add(domain, FINDINGS_FAIL, "domain_spf",
		    "SPF has +all: anybody may send in its name, and receivers "
		    "take that for a sign of spam");
		remedy(domain, "end the record with -all%s%s",
		    domain->sender->spf != NULL ? ", behind include:" : "",
		    domain->sender->spf != NULL ? domain->sender->spf : "");
		return;
	}
	add(domain, FINDINGS_OK, "domain_spf", "SPF %s, %d of %d look-ups",
	    domain->sender->spf != NULL ? "lets the provider's servers send"
					: "is sound",
	    result->lookups, SPF_LOOKUPS_MAX);
}

static void
tell_spf(const struct domain *domain, const struct spf_result *result)
{
	const char *include = domain->sender->spf;

	switch (result->verdict) {
	case SPF_PASS:
		tell_spf_pass(domain, result);
		break;
	case SPF_NEUTRAL:
		add(domain, FINDINGS_WARN, "domain_spf",
		    "SPF says neither yes nor no to %s", domain->sender->who);
		remedy(domain, "write include:%s without the question mark",
		    include);
		break;
	case SPF_FAIL:
		add(domain, FINDINGS_FAIL, "domain_spf",
		    "SPF does not let %s send", domain->sender->who);
		remedy(domain,
		    "add include:%s to the domain's SPF record, before its "
		    "closing all; the address of this host is not needed there",
		    include);
		break;
	case SPF_NONE:
		add(domain, FINDINGS_WARN, "domain_spf",
		    "there is no SPF record");
		remedy(domain,
		    "publish a TXT record for %s: \"v=spf1 %s%s -all\", with "
		    "whoever else sends in its name before -all",
		    domain->name, include != NULL ? "include:" : "",
		    include != NULL ? include : "");
		break;
	case SPF_PERMERROR:
		add(domain, FINDINGS_FAIL, "domain_spf",
		    "receivers cannot use its SPF record: %s", result->why);
		remedy(domain,
		    "publish one TXT record for %s that begins with v=spf1, "
		    "with at most %d look-ups and known terms",
		    domain->name, SPF_LOOKUPS_MAX);
		break;
	case SPF_UNKNOWN:
		add(domain, FINDINGS_NOTE, "domain_spf",
		    "SPF could not be judged: %s", result->why);
	}
}

static void
look_at_spf(struct domain *domain)
{
	struct spf_result result;

	spf_judge(domain->name, domain->sender->spf, find_spf, domain, &result);
	domain->spf = result.verdict == SPF_PASS      ? YES
		      : result.verdict == SPF_UNKNOWN ? NOT_KNOWN
						      : NO;
	tell_spf(domain, &result);
}

/* --- DKIM ----------------------------------------------------------------- */

static int
is_key(const char *text)
{
	const char *p = strstr(text, "p=");

	return p != NULL && p[2 + strspn(p + 2, " ")] != '\0' && p[2] != ';';
}

struct selectors {
	int wanted, named, keys, failed;
	const char *missing;
};

static void
look_at_selector(
    struct domain *domain, const char *selector, struct selectors *found)
{
	char name[NAME_MAX_LEN];
	enum dns_status alias, key;
	size_t keys = 0;

	snprintf(
	    name, sizeof(name), "%s._domainkey.%s", selector, domain->name);
	dns_clear(&domain->answer);
	alias = dns_cname(domain->dns, name, &domain->answer);
	dns_clear(&domain->answer);
	key = dns_txt(domain->dns, name, &domain->answer);
	if (key == DNS_FOUND)
		keys = keep_records(&domain->answer, is_key);
	found->wanted++;
	found->failed += alias == DNS_FAILED || key == DNS_FAILED;
	found->keys += keys > 0;
	if (alias == DNS_FOUND || keys > 0)
		found->named++;
	else
		found->missing = selector;
}

static void
look_at_dkim(struct domain *domain)
{
	const struct domains_sender *sender = domain->sender;
	struct selectors found = {0};
	int i;

	for (i = 0; i < DOMAINS_SELECTORS && sender->selectors[i] != NULL; i++)
		look_at_selector(domain, sender->selectors[i], &found);
	domain->dkim = NOT_KNOWN;
	if (found.wanted == 0)
		return;
	if (found.failed > 0) {
		add(domain, FINDINGS_NOTE, "domain_dkim",
		    "DKIM could not be looked at: its name servers do not "
		    "answer");
		return;
	}
	domain->dkim = found.keys > 0 ? YES : NO;
	if (found.named == 0) {
		add(domain, FINDINGS_WARN, "domain_dkim",
		    "there is no DKIM key of %s, so mail is not signed by this "
		    "domain",
		    sender->who);
		remedy(domain, "publish %s, and switch DKIM on there",
		    sender->dkim);
	} else if (found.named < found.wanted) {
		add(domain, FINDINGS_FAIL, "domain_dkim",
		    "DKIM lacks %s._domainkey: signatures stop being good when "
		    "the provider changes its keys",
		    found.missing);
		remedy(domain, "publish %s", sender->dkim);
	} else if (found.keys == 0) {
		add(domain, FINDINGS_FAIL, "domain_dkim",
		    "its DKIM names lead to no key");
		remedy(domain,
		    "compare them with %s, letter by letter, and switch DKIM "
		    "on there",
		    sender->dkim);
	} else {
		add(domain, FINDINGS_OK, "domain_dkim",
		    "DKIM has the provider's key%s",
		    found.wanted > 1 ? "s" : "");
	}
}

/* --- DMARC ---------------------------------------------------------------- */

/* The name whose record counts: the domain itself, else the nearest above it
 * that has one, down to two labels. NULL: none; *failed: not known. */
static const char *
find_dmarc(struct domain *domain, int *failed)
{
	const char *name = domain->name;
	char question[NAME_MAX_LEN];
	enum dns_status status;

	*failed = 0;
	for (;;) {
		snprintf(question, sizeof(question), "_dmarc.%s", name);
		dns_clear(&domain->answer);
		status = dns_txt(domain->dns, question, &domain->answer);
		if (status == DNS_FAILED) {
			*failed = 1;
			return NULL;
		}
		if (keep_records(&domain->answer, dmarc_is_record) > 0)
			return name;
		name = strchr(name, '.');
		if (name == NULL || strchr(name + 1, '.') == NULL)
			return NULL;
		name++;
	}
}

static const char *
word_of(enum answer answer)
{
	return answer == YES ? "passes" : answer == NO ? "does not" : "?";
}

static void
judge_dmarc(struct domain *domain, enum dmarc_policy policy, int percent)
{
	const char *name = dmarc_policy_name(policy);

	if (domain->spf == YES || domain->dkim == YES) {
		add(domain, FINDINGS_OK, "domain_dmarc",
		    "DMARC (p=%s) is met by %s", name,
		    domain->spf != YES	  ? "DKIM"
		    : domain->dkim != YES ? "SPF"
					  : "SPF and DKIM");
	} else if (domain->spf == NOT_KNOWN || domain->dkim == NOT_KNOWN) {
		add(domain, FINDINGS_NOTE, "domain_dmarc",
		    "DMARC (p=%s) could not be judged without SPF and DKIM",
		    name);
	} else if (policy == DMARC_NO_POLICY || percent == 0) {
		add(domain, FINDINGS_WARN, "domain_dmarc",
		    "DMARC fails for all mail, for SPF %s and DKIM %s; "
		    "receivers "
		    "are asked to take it nevertheless (p=%s)",
		    word_of(domain->spf), word_of(domain->dkim), name);
		remedy(domain, "mend SPF or DKIM of %s, better both",
		    domain->name);
	} else {
		add(domain, FINDINGS_FAIL, "domain_dmarc",
		    "DMARC has receivers %s all mail from here: neither SPF "
		    "nor DKIM of this domain passes",
		    policy == DMARC_REJECT ? "refuse" : "take for spam");
		remedy(domain,
		    "let %s send by SPF (%s%s), or publish %s; until then set "
		    "p=none in _dmarc.%s",
		    domain->sender->who,
		    domain->sender->spf != NULL ? "include:" : "its include",
		    domain->sender->spf != NULL ? domain->sender->spf : "",
		    domain->sender->dkim != NULL ? domain->sender->dkim
						 : "its DKIM key",
		    domain->name);
	}
}

static void
look_at_dmarc(struct domain *domain)
{
	struct dmarc dmarc;
	const char *name;
	int failed;

	name = find_dmarc(domain, &failed);
	if (failed) {
		add(domain, FINDINGS_NOTE, "domain_dmarc",
		    "DMARC could not be looked at: its name servers do not "
		    "answer");
	} else if (name == NULL) {
		add(domain, FINDINGS_WARN, "domain_dmarc",
		    "there is no DMARC record, which large receivers ask for");
		remedy(domain,
		    "publish a TXT record for _dmarc.%s: \"v=DMARC1; p=none; "
		    "rua=mailto:ADDRESS\"",
		    domain->name);
	} else if (domain->answer.count > 1 ||
		   dmarc_read(&dmarc, domain->answer.texts[0]) == -1) {
		add(domain, FINDINGS_WARN, "domain_dmarc",
		    "receivers ignore the DMARC record of %s: %s", name,
		    domain->answer.count > 1
			? "there are several, and there may be one"
			: "it has no p=none, p=quarantine or p=reject");
		remedy(domain,
		    "publish one TXT record for _dmarc.%s, \"v=DMARC1; "
		    "p=none; ...\"",
		    name);
	} else {
		judge_dmarc(domain,
		    name == domain->name ? dmarc.policy : dmarc.subdomains,
		    dmarc.percent);
	}
}

/* --- all together --------------------------------------------------------- */

static int
is_ascii(const char *name)
{
	for (; *name != '\0'; name++)
		if ((unsigned char)*name >= 0x80)
			return 0;
	return 1;
}

static void
look_at(struct domain *domain)
{
	if (!is_ascii(domain->name)) {
		add(domain, FINDINGS_NOTE, "domain_dns",
		    "not looked at; the DNS knows it by its ASCII name only "
		    "(xn--...)");
		return;
	}
	look_at_spf(domain);
	look_at_dkim(domain);
	look_at_dmarc(domain);
	dns_clear(&domain->answer);
}

void
check_domain(const struct checkup *checkup)
{
	struct domain domain = {.checkup = checkup};
	struct domains domains;
	struct err err;
	size_t i;

	err_clear(&err);
	domain.dns = dns_open(&err);
	if (domain.dns == NULL) {
		findings_add_text(checkup->findings, FINDINGS_FAIL,
		    "domain_dns", NULL, err.text, NULL);
		return;
	}
	domains_find(&domains, checkup->targets, checkup->target_count);
	for (i = 0; i < domains.count; i++) {
		domain.name = domains.items[i].name;
		domain.sender = domains.items[i].sender;
		look_at(&domain);
	}
	dns_close(domain.dns);
}
