/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check - "postoak check", the doctor: the table of checks, and what is printed
 * of their findings. See check.h.
 */
#include "check.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "check_account.h"
#include "check_domain.h"
#include "check_host.h"
#include "check_jobs.h"
#include "check_mta.h"
#include "check_server.h"
#include "check_text.h"
#include "mem.h"
#include "show.h"
#include "verb.h"

#define TOTAL_S 120
#define LIMIT_S 45 /* of one check, unless the table says otherwise */

enum scope {
	WITHOUT_CONF, /* also without a configuration */
	ONCE,
	EACH_ACCOUNT, /* once for each account that is asked for */
};

/* The checks in the order of their output; those of an area stand together. */
static const struct entry {
	unsigned area;
	enum scope scope;
	const char *what;
	checkup_function run;
	int limit_s; /* 0: LIMIT_S */
} entries[] = {
    {CHECK_HOST, WITHOUT_CONF, "configuration", check_host_configuration, 0},
    {CHECK_HOST, ONCE, "postoak-tokend", check_host_tokend, 0},
    {CHECK_HOST, ONCE, "postoak-milter", check_host_milter, 0},
    {CHECK_HOST, ONCE, "files", check_host_files, 0},
    {CHECK_HOST, ONCE, "sockets", check_host_jail, 0},
    {CHECK_HOST, WITHOUT_CONF, "SASL plugin", check_host_plugin, 0},
    {CHECK_HOST, ONCE, "network", check_host_net, 40},
    {CHECK_HOST, WITHOUT_CONF, "AppArmor and SELinux", check_host_denials, 0},
    {CHECK_MTA, ONCE, "mail server", check_mta, 0},
    {CHECK_ACCOUNT, EACH_ACCOUNT, "account", check_account, 45},
    {CHECK_SERVER, EACH_ACCOUNT, "mail servers", check_server,
	CHECK_SERVER_LIMIT_S},
    {CHECK_DOMAIN, ONCE, "domains", check_domain, CHECK_DOMAIN_LIMIT_S},
};

#define N_ENTRIES (sizeof(entries) / sizeof(entries[0]))

static const struct area {
	unsigned bit;
	const char *word;
	const char *title;
} areas[] = {
    {CHECK_HOST, "host", "This host"},
    {CHECK_MTA, "mta", "Mail server"},
    {CHECK_ACCOUNT, "account", "Accounts"},
    {CHECK_SERVER, "server", "Microsoft's servers"},
    {CHECK_DOMAIN, "domain", "Domains"},
};

#define N_AREAS (sizeof(areas) / sizeof(areas[0]))

/* What is printed, and the sum of it. */
struct report {
	const struct entry **of_job; /* parallel to the jobs */
	struct check_job *jobs;
	struct json *list; /* NULL: text */
	unsigned titled;   /* areas whose title stands */
	size_t counts[FINDINGS_VERDICTS];
	int colours;
	int broken; /* standard output takes no more */
};

/* --- printing ------------------------------------------------------------- */

static const struct area *
area_of(unsigned bit)
{
	size_t i = 0;

	while (areas[i].bit != bit)
		i++;
	return &areas[i];
}

static void
put_title(struct report *report, struct buf *out, unsigned area)
{
	const char *title = area_of(area)->title;

	if (report->titled & area)
		return;
	buf_adds(out, report->titled != 0 ? "\n" : "");
	show_toned(out, title, strlen(title), SHOW_STRONG, report->colours);
	buf_adds(out, "\n");
	report->titled |= area;
}

static void
print_text(struct report *report, unsigned area, const struct findings *found)
{
	struct buf out;
	size_t i;

	if (found->count == 0)
		return;
	buf_init(&out, SHOW_MAX);
	put_title(report, &out, area);
	for (i = 0; i < found->count; i++)
		check_text_item(&out, &found->items[i], report->colours);
	if (!report->broken && show_out(&out) != 0)
		report->broken = 1;
	buf_clear(&out);
}

static void
take(struct check_job *job, void *arg)
{
	struct report *report = arg;
	unsigned area = report->of_job[job - report->jobs]->area;
	const struct findings *found = &job->findings;
	struct json *json;
	size_t i;

	for (i = 0; i < found->count; i++) {
		report->counts[found->items[i].verdict]++;
		if (report->list == NULL)
			continue;
		json = findings_to_json(&found->items[i]);
		json_set_string(json, "area", area_of(area)->word);
		json_append(report->list, json);
	}
	if (report->list == NULL)
		print_text(report, area, found);
}

static enum findings_verdict
worst(const struct report *report)
{
	if (report->counts[FINDINGS_FAIL] > 0)
		return FINDINGS_FAIL;
	return report->counts[FINDINGS_WARN] > 0 ? FINDINGS_WARN : FINDINGS_OK;
}

static int
print_json(struct report *report)
{
	struct json *json = json_object();
	int verdict;

	json_set_int(json, "version", 1);
	json_set_string(json, "worst", findings_word(worst(report)));
	for (verdict = 0; verdict < FINDINGS_VERDICTS; verdict++)
		json_set_int(json,
		    findings_word((enum findings_verdict)verdict),
		    (int64_t)report->counts[verdict]);
	json_set(json, "findings", report->list);
	return show_json(json);
}

static int
finish(struct report *report)
{
	struct buf out;

	if (report->list != NULL) {
		report->broken = print_json(report) != 0;
	} else if (!report->broken) {
		buf_init(&out, SHOW_MAX);
		check_text_summary(&out, report->counts, report->colours);
		report->broken = show_out(&out) != 0;
		buf_clear(&out);
	}
	if (report->broken)
		return EX_IOERR;
	return worst(report) == FINDINGS_FAIL ? EX_CONFIG : EX_OK;
}

/* --- which checks --------------------------------------------------------- */

/* The accounts asked for. NULL with *err if there is none of that name. */
static struct checkup_target *
find_targets(
    const struct conf *conf, const char *name, size_t *count, struct err *err)
{
	struct checkup_target *targets;
	size_t i;

	*count = name != NULL ? 1 : conf->account_count;
	targets = mem_zalloc(*count + 1, sizeof(*targets));
	for (i = 0; name == NULL && i < *count; i++) {
		targets[i].account = &conf->accounts[i];
		targets[i].name = conf->accounts[i].name;
	}
	if (name == NULL)
		return targets;
	targets[0].account = conf_account_find(conf, name);
	if (targets[0].account == NULL)
		targets[0].account = conf_account_for(conf, name);
	targets[0].name = name;
	if (targets[0].account != NULL)
		return targets;
	free(targets);
	err_set(err, ERR_CONFIG, "account",
	    "there is no account %s in %s; postoak status lists them", name,
	    conf->path);
	return NULL;
}

static void
add_job(struct report *report, size_t *count, const struct entry *entry,
    const struct checkup *checkup, const struct checkup_target *target)
{
	struct check_job *job;

	report->of_job =
	    mem_grow(report->of_job, *count + 1, sizeof(*report->of_job));
	report->jobs =
	    mem_grow(report->jobs, *count + 1, sizeof(*report->jobs));
	report->of_job[*count] = entry;
	job = &report->jobs[(*count)++];
	memset(job, 0, sizeof(*job));
	job->run = entry->run;
	job->what = entry->what;
	job->limit_s = entry->limit_s > 0 ? entry->limit_s : LIMIT_S;
	job->checkup = *checkup;
	job->checkup.target = target;
}

static size_t
plan(struct report *report, const struct checkup *checkup, unsigned wanted)
{
	size_t i, k, count = 0;

	for (i = 0; i < N_ENTRIES; i++) {
		if ((entries[i].area & wanted) == 0 ||
		    (checkup->conf == NULL && entries[i].scope != WITHOUT_CONF))
			continue;
		if (entries[i].scope != EACH_ACCOUNT)
			add_job(report, &count, &entries[i], checkup, NULL);
		else
			for (k = 0; k < checkup->target_count; k++)
				add_job(report, &count, &entries[i], checkup,
				    &checkup->targets[k]);
	}
	return count;
}

static int
run(const struct checkup *checkup, unsigned wanted, int as_json)
{
	struct report report = {.colours = show_colours()};
	size_t i, count;
	int rc;

	if (as_json)
		report.list = json_array();
	count = plan(&report, checkup, wanted);
	check_jobs_run(report.jobs, count, TOTAL_S, take, &report);
	rc = finish(&report);
	for (i = 0; i < count; i++)
		findings_clear(&report.jobs[i].findings);
	free(report.jobs);
	free(report.of_job);
	return rc;
}

int
check_run(const struct checkup_request *request, unsigned wanted, int as_json)
{
	struct checkup checkup = {.request = request};
	struct checkup_target *targets = NULL;
	struct conf *conf;
	struct err err;
	int rc;

	err_clear(&err);
	conf = conf_load(request->config_path, &err);
	checkup.conf = conf;
	checkup.conf_err = &err;
	if (conf != NULL) {
		targets = find_targets(
		    conf, request->account, &checkup.target_count, &err);
		if (targets == NULL) {
			conf_free(conf);
			verb_report(&err, as_json);
			return EX_NOINPUT;
		}
	}
	checkup.targets = targets;
	rc = run(&checkup, wanted, as_json);
	free(targets);
	conf_free(conf);
	return rc;
}

/* --- the verb ------------------------------------------------------------- */

enum { OPT_JSON = 256, OPT_SEND, OPT_AREA, OPT_CONFIG };

static const struct option options[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {"send", required_argument, NULL, OPT_SEND},
    {"area", required_argument, NULL, OPT_AREA},
    {"config-directory", required_argument, NULL, OPT_CONFIG},
    {NULL, 0, NULL, 0},
};

/* "host,mta"; 0 if one is none. */
static unsigned
parse_areas(const char *text)
{
	unsigned bits = 0;
	size_t len, i;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		for (i = 0; i < N_AREAS; i++)
			if (strlen(areas[i].word) == len &&
			    strncmp(areas[i].word, text, len) == 0)
				break;
		if (i == N_AREAS)
			return 0;
		bits |= areas[i].bit;
		if (text[len] == '\0')
			return bits;
	}
}

struct arguments {
	struct checkup_request request;
	unsigned areas;
	int json;
};

static int
take_option(void *arg, int option)
{
	struct arguments *arguments = arg;

	switch (option) {
	case OPT_JSON:
		arguments->json = 1;
		return EX_OK;
	case OPT_SEND:
		arguments->request.send_to = optarg;
		return EX_OK;
	case OPT_CONFIG:
		arguments->request.config_directory = optarg;
		return EX_OK;
	default: /* OPT_AREA */
		arguments->areas = parse_areas(optarg);
		if (arguments->areas != 0)
			return EX_OK;
		return verb_usage("check",
		    "--area takes host, mta, account, server and domain, "
		    "separated by commas, not \"%s\"",
		    optarg);
	}
}

static int
parse(struct arguments *arguments, int argc, char **argv)
{
	int rc;

	rc = verb_getopt(argc, argv, options, take_option, arguments);
	if (rc != EX_OK)
		return rc;
	if (optind < argc)
		arguments->request.account = argv[optind++];
	if (optind < argc)
		return verb_usage(
		    "check", "\"%s\" is one argument too many", argv[optind]);
	return EX_OK;
}

int
check_verb(const struct verb_context *context, int argc, char **argv)
{
	struct arguments arguments = {
	    .request = {.config_path = context->config_path},
	    .areas = CHECK_ALL,
	};
	int rc = parse(&arguments, argc, argv);

	if (rc != EX_OK)
		return rc;
	return check_run(&arguments.request, arguments.areas, arguments.json);
}
