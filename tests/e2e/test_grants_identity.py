# SPDX-License-Identifier: Apache-2.0
"""Managed identities and service accounts, likewise: what is asked, what is
said when it is refused, how often."""
import pytest

from office365.assertions import Federated
from office365.google import ServiceAccount
from office365.metadata import Metadata
from relay import wait_until
from test_grants_app import deliver, make, put, relay_settings

__all__ = ["make"]

# --- managed identity -------------------------------------------------------

IDENTITY = "77777777-8888-9999-aaaa-bbbbbbbbbbbb"


@pytest.fixture
def metadata(entra):
    with Metadata(entra, ("system", IDENTITY)) as m:
        yield m


def identity(metadata, name):
    return (f'managed_identity = "{name}" '
            f'metadata_endpoint = "{metadata.endpoint}"')


def test_identity_delivers(make_relay, office):
    with Metadata(office) as metadata:
        relay = make_relay(start=False)
        application, accounts = relay_settings(identity(metadata, "system"))
        application = application.replace('client_id      = "{client_id}"', "")
        relay.write_config(accounts, application)
        for part in (relay.tokend, relay.milter, relay.postfix):
            part.start()
        relay.send()
        assert len(office.wait_messages(1, 60)) == 1
        assert not office.token_requests
        assert len(metadata.requests.items()) == 1


def test_identity_stands_for_the_application_and_delivers(make_relay, office):
    with Metadata(office, (IDENTITY,)) as metadata:
        office.add_federated(Federated(
            metadata.issuer, metadata.principal(IDENTITY)))
        deliver(make_relay, office, identity(metadata, IDENTITY), {})
        assert len(metadata.requests.items()) == 1


@pytest.mark.parametrize("name", ["system", IDENTITY])
def test_question_to_the_metadata_service(make, entra, metadata, name):
    tokend = make(identity(metadata, name)
                  + ' proxy = "http://127.0.0.1:1"', client_id=False)
    answer = tokend.ask()
    assert answer["status"] == "ok"
    assert 3590 <= int(answer["expires_in"]) <= 3600
    assert tokend.ask(account="a@example.org")["token"] == answer["token"]
    [(path, headers)] = metadata.requests.items()
    assert headers["Metadata"] == "true"
    assert "resource=https%3A%2F%2Foutlook.office365.com" in path
    assert ".default" not in path
    assert ("client_id=" + IDENTITY in path) == (name != "system")
    assert not entra.token_requests


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
def test_metadata_service_is_busy(make, entra, metadata, status):
    tokend = make(identity(metadata, "system"), client_id=False)
    metadata.statuses = [status]
    answer = tokend.ask()
    assert len(metadata.requests.items()) == 1
    assert (answer["kind"], answer["code"]) == ("temporary", "metadata")
    assert str(status) in answer["text"] and metadata.endpoint in answer["text"]
    assert tokend.status()["state"] == "retrying"
    # It is tried again by itself.
    wait_until(lambda: tokend.ask()["status"] == "ok", "recovery")
    assert len(metadata.requests.items()) == 2


def test_metadata_service_is_away(make, metadata):
    tokend = make(identity(metadata, "system"), client_id=False)
    metadata.pause()
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("temporary", "metadata")
    assert "in Azure only" in answer["text"]
    metadata.resume()
    wait_until(lambda: tokend.ask()["status"] == "ok", "recovery")


def test_identity_is_not_assigned(make, metadata):
    metadata.identities.clear()
    tokend = make(identity(metadata, IDENTITY), client_id=False)
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("config", "metadata")
    assert "Identity not found" in answer["text"] and IDENTITY in answer["text"]
    assert tokend.status()["state"] == "needs_admin"
    assert tokend.ask()["kind"] == "config"
    assert len(metadata.requests.items()) == 1


def test_identity_that_does_not_match(make, entra, metadata):
    entra.add_federated(Federated(metadata.issuer, "another subject"))
    tokend = make(identity(metadata, IDENTITY))
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("config", "aadsts.700213")
    assert metadata.principal(IDENTITY) in answer["text"]
    assert [r.outcome for r in entra.token_requests] == ["700213"]
    assert len(metadata.requests.items()) == 1
    entra.add_federated(Federated(
        metadata.issuer, metadata.principal(IDENTITY)))
    assert tokend.control("refresh", "relay@contoso.com")["status"] == "ok"


def test_identity_for_another_cloud(make, entra, metadata):
    entra.add_federated(Federated(
        metadata.issuer, metadata.principal(IDENTITY),
        "api://AzureADTokenExchangeUSGov"))
    tokend = make(identity(metadata, IDENTITY) + ' federated_audience = '
                  '"api://AzureADTokenExchangeUSGov"')
    assert tokend.ask()["status"] == "ok"


# --- Google's service accounts ----------------------------------------------

GMAIL = "https://mail.google.com/"
SERVICE = 'service_account_file = "secrets/service.json" scope = "%s"' % GMAIL


def service_relay(make, account, start=True):
    tokend = make(SERVICE, start=False, client_id=False)
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    head, tail = text.split('account "@example.org"')
    tail = tail[tail.index('account "relay'):]
    with open(tokend.config, "w", encoding="utf-8") as f:
        f.write(head + tail.replace("client_credentials", "jwt_bearer"))
    put(tokend, "service.json", account.json)
    return tokend.start() if start else tokend


def test_service_account_delivers(make_relay, office):
    account = ServiceAccount([GMAIL])
    office.add_service_account(account)
    relay = make_relay(start=False)
    application, accounts = relay_settings(SERVICE)
    application = application.replace('client_id      = "{client_id}"', "")
    put(relay, "service.json", account.json)
    relay.write_config(
        accounts.replace("client_credentials", "jwt_bearer"), application)
    for part in (relay.tokend, relay.milter, relay.postfix):
        part.start()
    relay.send()
    assert len(office.wait_messages(1, 60)) == 1
    [request] = office.token_requests
    assert request.parameters == ["assertion", "grant_type"]
    assert relay.status()["state"] == "ok"


@pytest.mark.parametrize("scopes, wrong_key, code, words", [
    ((), False, "oauth.unauthorized_client", "not authorized"),
    ((GMAIL,), True, "oauth.invalid_grant", "Invalid JWT Signature"),
])
def test_service_account_is_refused(
        make, entra, scopes, wrong_key, code, words):
    account = ServiceAccount(scopes)
    entra.add_service_account(account)
    tokend = service_relay(
        make, ServiceAccount(scopes) if wrong_key else account)
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("config", code)
    assert words in answer["text"]
    assert tokend.status()["state"] == "needs_admin"
    assert tokend.ask()["code"] == code
    assert len(entra.token_requests) == 1
    if wrong_key:
        put(tokend, "service.json", account.json)
    account.scopes.add(GMAIL)
    assert tokend.control("refresh", "relay@contoso.com")["status"] == "ok"


def test_check_of_a_service_account(make):
    tokend = service_relay(make, ServiceAccount(), start=False)
    assert tokend.check().returncode == 0
    for data, words in (("{", "is no JSON"), ("{}", "lacks private_key")):
        put(tokend, "service.json", data)
        out = tokend.check()
        assert out.returncode == 78 and words in out.stderr
        assert "service_account_file: " in out.stderr
