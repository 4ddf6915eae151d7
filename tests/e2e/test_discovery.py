# SPDX-License-Identifier: Apache-2.0
"""Provider "custom" with a discovery document in place of endpoints."""
import subprocess

import pytest

from login_tool import ACCOUNT, accounts, login
from person import arrive, sign_in
from relay import wait_until

EX_OK, EX_TEMPFAIL, EX_CONFIG = 0, 75, 78


def found(text, office, *kept):
    """Without endpoints, but for those that are kept."""
    lines = [line for line in text.splitlines()
             if "_endpoint " not in line or line.split()[0] in kept]
    place = next(i for i, l in enumerate(lines) if "tenant_id" in l)
    url = office.discovery_endpoint.replace(office.tenant, "{tenant}")
    lines.insert(place, f'    discovery_endpoint = "{url}"')
    return "\n".join(lines) + "\n"


@pytest.fixture
def make(make_tokend, entra):
    """tokend, its application with the document's address only."""
    def made(*kept, change=lambda text: text, start=True):
        tokend = make_tokend(start=False)
        with open(tokend.config, encoding="utf-8") as f:
            text = f.read()
        with open(tokend.config, "w", encoding="utf-8") as f:
            f.write(change(found(text, entra, *kept)))
        return tokend.start() if start else tokend
    return made


def grants(office):
    return [r.grant for r in office.token_requests]


# --- through -----------------------------------------------------------------

@pytest.mark.parametrize("grant", ["authorization_code", "device_code"])
def test_a_person_signs_in_and_mail_goes(make_relay, office, grant):
    office.set(device_interval=1)
    relay = make_relay(accounts=found(accounts(office, grant), office))
    relay.send()
    assert not office.discoveries, "nothing is read before it is needed"
    with login(relay) as terminal:
        if grant == "device_code":
            device = office.sign_ins.wait_device()
            office.sign_ins.approve(device.user_code, ACCOUNT)
        else:
            address = terminal.wait_text(
                r"(https://\S+/authorize\?\S+)\r\n(?s:.*)Ctrl-C").group(1)
            assert "mail can be sent now" in arrive(sign_in(office, address))
        assert terminal.wait() == EX_OK
    message, = office.wait_messages(1, 60)
    assert message.auth_user == ACCOUNT
    assert office.discoveries == 1


def test_read_once_for_all(make, entra):
    tokend = make()
    accounts_ = [ACCOUNT, "second@contoso.com", "a@example.org"]
    for account in accounts_:
        assert tokend.ask(account=account)["status"] == "ok"
    assert entra.discoveries == 1
    tokend.reload()
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    assert entra.discoveries == 2, "read again after a reload"
    assert {r.path for r in entra.token_requests} == {
        entra.token_endpoint[len(entra.authority):]}


def test_what_is_configured_goes_before(make, entra):
    entra.set(discovery={"status": 500})
    tokend = make("token_endpoint")
    assert tokend.ask()["status"] == "ok"
    assert not entra.discoveries


# --- failures ----------------------------------------------------------------

def test_its_retry_after_is_obeyed(make, entra):
    entra.set(discovery={"status": 429, "retry_after": "120"})
    tokend = make()
    assert tokend.ask(wait_ms=5000)["code"] == "discovery"
    error = tokend.status()["last_error"]
    assert error["retry_at"] - error["at"] >= 119


@pytest.mark.parametrize("changes, words", [
    ({"status": 500}, "answers with status 500"),
    ({"issuer": "https://evil.example"}, "names another issuer"),
    ({"issuer": None}, "it is no JSON with an issuer"),
    ({"token_endpoint": None}, "names no token_endpoint"),
    ({"token_endpoint": "http://evil.example/token"},
     "names an endpoint that is no https:// address"),
    ({"token_endpoint": "https://evil.example/\x1b[2J"},
     "names an endpoint that is no https:// address"),
    ({"token_endpoint": "https://evil.example/ a"},
     "names an endpoint that is no https:// address")])
def test_a_bad_document_is_temporary(make, entra, changes, words):
    entra.set(discovery=changes)
    tokend = make()
    answer = tokend.ask(wait_ms=5000)
    assert (answer["kind"], answer["code"]) == ("temporary", "discovery")
    assert answer["text"].startswith(f"account {ACCOUNT}: the discovery "
                                     f"document {entra.discovery_endpoint}")
    assert words in answer["text"] and answer["text"] in tokend.read_log()
    status = tokend.status()
    assert status["state"] == "retrying"
    assert status["last_error"]["text"] == answer["text"]
    assert not entra.token_requests, "no secret went anywhere"
    entra.set(discovery=None)
    # By itself.
    wait_until(lambda: tokend.ask(wait_ms=5000)["status"] == "ok", "a token")


def test_the_document_cannot_be_reached(make, entra):
    entra.set(behaviour="refuse")
    tokend = make()
    answer = tokend.ask(wait_ms=5000)
    assert (answer["kind"], answer["code"]) == ("temporary", "discovery")
    entra.set(behaviour=None)
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"


def test_an_endpoint_that_has_moved(make, entra):
    """An endpoint that answers no more is looked up again."""
    gone = entra.authority + "/gone"
    entra.set(discovery={"token_endpoint": gone})
    tokend = make()
    answer = tokend.ask(wait_ms=5000)
    assert (answer["kind"], answer["code"]) == ("temporary", "endpoint")
    assert gone in answer["text"]
    entra.set(discovery=None)
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    assert entra.discoveries == 2


def test_what_was_found_outlives_its_document(make, entra):
    """The token endpoint fails once, and then the document is away."""
    tokend = make()
    assert tokend.ask()["status"] == "ok"
    entra.set(http=503, once=1)
    assert tokend.control("refresh", ACCOUNT)["code"] == "endpoint"
    for changes in ({"status": 500}, {"issuer": "https://evil.example"}):
        entra.set(discovery=changes)
        assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    assert entra.discoveries == 2
    assert "endpoints as found before" in tokend.read_log()


def test_a_login_says_why(make_relay, office):
    relay = make_relay(accounts=found(
        accounts(office, "authorization_code"), office))
    office.set(discovery={"issuer": "https://evil.example"})
    out = relay.postoak("login", ACCOUNT, check=False)
    assert out.returncode == EX_TEMPFAIL
    assert "names another issuer" in " ".join(out.stderr.split())
    office.set(discovery={"authorization_endpoint": None})
    out = relay.postoak("login", ACCOUNT, check=False)
    assert out.returncode == EX_CONFIG
    assert "has no authorization_endpoint" in " ".join(out.stderr.split())
    # And nothing of it is "under way" afterwards.
    office.set(discovery=None)
    with login(relay) as terminal:
        terminal.wait_text("Ctrl-C gives it up")
        terminal.interrupt()


@pytest.mark.parametrize("old, new, words", [
    ("/.well-known/openid-configuration", "", "is no discovery document"),
    ("https://", "http://evil.example/", "write https://"),
    ('"custom"', '"office365"', 'is for provider "custom"'),
    ('    tenant_id ', '    # ', "is missing; an endpoint has {tenant}")])
def test_mistakes_in_the_configuration(make, old, new, words):
    tokend = make(start=False, change=lambda text: text.replace(old, new, 1))
    out = subprocess.run([tokend.program, "-t", "-c", tokend.config],
                         capture_output=True, text=True, timeout=60,
                         user=tokend.uid, group=tokend.uid)
    assert out.returncode == EX_CONFIG
    assert words in out.stderr and f"{tokend.config}:" in out.stderr
