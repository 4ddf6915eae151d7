# SPDX-License-Identifier: Apache-2.0
"""postoak check, the mail server: each planted fault is found, with its remedy,
and nothing else is called a fault."""
import os

import pytest

from relay.postfix import Postfix
from relay.printed import shell

OURS = "unix:run/postoak-milter/milter.sock"
SIGNER = "inet:127.0.0.1:8891"


@pytest.fixture
def healed(checked_alone):
    yield checked_alone
    checked_alone.restore()


def test_what_postoak_mta_prints_has_no_fault(healed):
    findings = healed.check("mta")
    assert {f["verdict"] for f in findings} == {"ok"}
    assert {"postfix_running", "transport", "milters"} <= \
        {f["id"] for f in findings}


def main(*settings):
    return lambda place: place.main(*settings)


def option(name, value):
    return lambda place: place.option(name, value)


def no_service(place):
    place.postfix.command("postconf", "-MX", "postoak_relay/unix")


def other_ca(place):
    path = os.path.join(place.relay.directory, "other.pem")
    with open(place.relay.office.ca_file, encoding="utf-8") as source, \
            open(path, "w", encoding="utf-8") as f:
        f.write(source.read())
    place.option("smtp_tls_CAfile", path)


def policy(place):
    host = place.postfix.command("postconf", "-h", "relayhost").strip()
    place.main("policies=inline:{ { %s = may } }" % host)
    place.option("smtp_tls_policy_maps", "$policies")


def own_milters(place):
    place.postfix.command("postconf", "-P",
                          f"127.0.0.1:{place.postfix.port}/inet/smtpd_milters=")


# What is planted, the finding it makes, and words of the remedy.
FAULTS = {
    "opportunistic TLS": (
        option("smtp_tls_security_level", "may"),
        "FAIL", "tls_level", "smtp_tls_security_level=secure'"),
    "encrypted, not verified": (
        option("smtp_tls_security_level", "encrypt"),
        "FAIL", "tls_level", "smtp_tls_security_level=secure'"),
    "policy weakens TLS": (
        policy, "FAIL", "tls_policy", "smtp_tls_policy_maps='"),
    "no CA file": (
        option("smtp_tls_CAfile", "/nonexistent/ca.pem"),
        "FAIL", "tls_ca", "smtp_tls_CAfile="),
    "another CA": (other_ca, "FAIL", "tls_ca", "ca.pem"),
    "no login": (
        option("smtp_sasl_auth_enable", "no"),
        "FAIL", "sasl_auth", "smtp_sasl_auth_enable=yes"),
    "another SASL": (
        option("smtp_sasl_type", "dovecot"),
        "FAIL", "sasl_type", "smtp_sasl_type=cyrus"),
    "mechanism left out": (
        option("smtp_sasl_mechanism_filter", "plain,login"),
        "FAIL", "sasl_mechanism", "smtp_sasl_mechanism_filter=xoauth2"),
    "any mechanism": (
        option("smtp_sasl_mechanism_filter", ""),
        "warn", "sasl_mechanism", "smtp_sasl_mechanism_filter=xoauth2"),
    "no plain text at all": (
        option("smtp_sasl_tls_verified_security_options",
               "noplaintext,noanonymous"),
        "FAIL", "sasl_options", "verified_security_options=noanonymous"),
    "no soft bounce": (
        option("smtp_sasl_auth_soft_bounce", "no"),
        "FAIL", "soft_bounce", "smtp_sasl_auth_soft_bounce=yes"),
    "logins are remembered": (
        option("smtp_sasl_auth_cache_name", "btree:/var/lib/postfix/cache"),
        "warn", "auth_cache", "smtp_sasl_auth_cache_name='"),
    "TLS from the first byte": (
        option("smtp_tls_wrappermode", "yes"),
        "FAIL", "tls_wrapper", "smtp_tls_wrappermode=no"),
    "password table lacks it": (
        main("postoak_relay_password_maps=inline:{ { other = a:b } }"),
        "FAIL", "password_table", "relay@contoso.com:-"),
    "logs in as another": (
        option("smtp_sasl_password_maps", "static:sales@contoso.com:x"),
        "FAIL", "password_table", "relay@contoso.com:-"),
    "password table was not made": (
        option("smtp_sasl_password_maps", "hash:/nonexistent/sasl_passwd"),
        "FAIL", "password_table", "run postmap"),
    "relay is no host of the application": (
        main("relayhost=[smtp.example.net]:587",
             "postoak_relay_password_maps=static:relay@contoso.com:-"),
        "FAIL", "relay_host", "correct relayhost"),
    "no relay host": (
        main("relayhost="), "FAIL", "no_relay", "postoak mta postfix"),
    "transport is gone": (
        no_service, "FAIL", "no_transport", "postoak mta postfix"),
    "no reply filter": (
        option("smtp_reply_filter", ""),
        "warn", "reply_filter", "postoak mta postfix prints"),
    "many sessions": (
        main("postoak_relay_destination_concurrency_limit=20"),
        "warn", "concurrency", "destination_concurrency_limit=2"),
    "many recipients": (
        main("postoak_relay_destination_recipient_limit=5000"),
        "warn", "recipients", "destination_recipient_limit="),
    "milter behind the signer": (
        main(f"smtpd_milters={SIGNER}, {OURS}"),
        "FAIL", "milter_order", f"'smtpd_milters={OURS}, {SIGNER}'"),
    "milter not asked": (
        main(f"smtpd_milters={SIGNER}"),
        "FAIL", "milter_smtpd", f"'smtpd_milters={OURS}, {SIGNER}'"),
    "milter not asked for local mail": (
        main("non_smtpd_milters="),
        "FAIL", "milter_local", f"'non_smtpd_milters={OURS}'"),
    "a service without the milter": (
        own_milters, "warn", "milter_smtpd", f"smtpd_milters={OURS}"),
    "mail passes without the milter": (
        main("milter_default_action=accept"),
        "FAIL", "milter_action", "milter_default_action=tempfail"),
    "an entry's own action": (
        main("smtpd_milters={ %s, default_action=reject }" % OURS),
        "FAIL", "milter_action", "milter_default_action=tempfail"),
    "short queue ids": (
        main("enable_long_queue_ids=no"),
        "warn", "long_queue_ids", "enable_long_queue_ids=yes"),
    "bounces are not seen": (
        main("internal_mail_filter_classes="),
        "warn", "bounces", "internal_mail_filter_classes=bounce"),
    "larger than the server takes": (
        main("message_size_limit=100000000"),
        "warn", "message_size", "message_size_limit="),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_nothing_else(healed, fault):
    plant, verdict, name, remedy = FAULTS[fault]
    plant(healed)
    troubles = healed.troubles("mta")
    assert set(troubles) == {name}, [f["seen"] for f in troubles.values()]
    assert troubles[name]["verdict"] == verdict
    assert remedy in troubles[name]["remedy"]


def test_the_remedy_mends_it(healed):
    """What is printed can be pasted into a shell."""
    for plant in (main("non_smtpd_milters="), own_milters):
        plant(healed)
        trouble, = healed.troubles("mta").values()
        healed.run_remedy(trouble["remedy"])
        assert "FAIL" not in {f["verdict"] for f in healed.check("mta")}
        assert trouble["id"] not in healed.troubles("mta")


def test_the_account_is_named_and_others_are_not_looked_at(healed):
    healed.option("smtp_sasl_auth_enable", "no")
    assert healed.troubles("mta", "relay@contoso.com")["sasl_auth"]["account"] \
        == "relay@contoso.com"


MANY = """
application "contoso" {
    provider           = "office365"
    tenant_id          = "11111111-2222-3333-4444-555555555555"
    client_id          = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "secrets/contoso.client"
}
account "@contoso.com" { application = "contoso" grant = "client_credentials" }
account "relay@contoso.com" {
    application = "contoso" grant = "client_credentials"
    send_as = { "@a.contoso.com" }
}
account "Erp+x@fabrikam.com" {
    application = "contoso" grant = "client_credentials"
}
"""


def test_domains_and_several_accounts_and_one_that_has_no_way(healed, directory):
    """Another Postfix, which does not run."""
    config = os.path.join(directory, "postoak.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(MANY)
    postfix = Postfix(directory)
    postfix.write()
    where = ("--config-directory", postfix.config)
    shell(healed.relay.postoak(
        "-c", config, "mta", "postfix", "--commands", *where,
        "--queue-directory", postfix.spool))
    for one in ((), ("some.one@contoso.com",)):
        troubles = healed.troubles("mta", *one, config=config,
                                  directory=postfix.config)
        assert set(troubles) == {"postfix_running"}
        assert f"postfix -c {postfix.config} start" in \
            troubles["postfix_running"]["remedy"]
    with open(config, "a", encoding="utf-8") as f:
        f.write('account "late@fabrikam.com" { application = "contoso"\n'
                'grant = "client_credentials" }\n')
    troubles = healed.troubles("mta", config=config, directory=postfix.config)
    assert set(troubles) == {"postfix_running", "no_relay"}
    assert troubles["no_relay"]["account"] == "late@fabrikam.com"


def test_accounts_that_share_a_transport(healed, directory):
    """More than a hundred: what postoak mta sets for them is no fault, and a
    transport by which they cannot log in as themselves is one."""
    config = os.path.join(directory, "postoak.conf")
    with open(config, "w", encoding="utf-8") as f:
        f.write(MANY)
        for number in range(100):
            f.write(f'account "user{number}@contoso.com" {{ application = '
                    '"contoso" grant = "client_credentials" }\n')
    postfix = Postfix(directory)
    postfix.write()
    shell(healed.relay.postoak(
        "-c", config, "mta", "postfix", "--commands", "--config-directory",
        postfix.config, "--queue-directory", postfix.spool))
    troubles = healed.troubles("mta", config=config, directory=postfix.config)
    assert set(troubles) == {"postfix_running"}
    postfix.command("postconf", "-P", "postoak_contoso/unix/"
                    "smtp_sender_dependent_authentication=no")
    troubles = healed.troubles("mta", "user7@contoso.com", config=config,
                               directory=postfix.config)
    assert set(troubles) == {"postfix_running", "password_table", "concurrency"}


def test_without_a_postfix_it_says_so(healed):
    (finding,) = healed.check("mta", "--config-directory", "/nonexistent")
    assert (finding["verdict"], finding["id"]) == ("FAIL", "postfix")
    assert "/nonexistent/main.cf" in finding["seen"]
