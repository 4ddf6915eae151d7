# SPDX-License-Identifier: Apache-2.0
"""Each grant with each thing that goes wrong at the provider: state, sentence,
number of requests, and what survives.

Every row begins with a credential that has worked before: what it keeps on
disk is there, the access token is gone with a restart. A further grant is a
line in GRANTS, how it is set up, and a column in the rows of TABLE.
"""
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from office365.assertions import AppCertificate, Federated, Issuer
from office365.google import ServiceAccount
from office365.metadata import Metadata
from person import arrive, sign_in
from relay.tokend import ACCOUNT
from test_grants_app import FEDERATED, PEM, SUBJECT, make, put
from test_grants_identity import (
    GMAIL, IDENTITY, identity, metadata, service_relay)
from test_warnings import configure

__all__ = ["make", "metadata"]


@dataclass
class Setup:
    """What a grant is set up with; what it is set up to goes in here, too."""

    make_tokend: Callable
    make: Callable        # of a daemon whose application proves itself so
    entra: object
    metadata: Metadata
    tokend: object = None
    good: object = None   # certificate, issuer, or service account

    def write_certificate(self, certificate):
        put(self.tokend, "app.crt", certificate.pem, 0o644)
        put(self.tokend, "app.key", certificate.key_pem)

    def write_token(self, subject):
        put(self.tokend, "token", self.good.token(subject))

    def requests(self):
        """What was sent: to the metadata service, then to the provider."""
        return [I] * len(self.metadata.requests.items()) + [
            r.grant.rpartition(":")[2] for r in self.entra.token_requests]

    def sent_since(self, before):
        now = self.requests()
        for grant in before:
            now.remove(grant)
        return now


def by_password(setup, grant):
    """A refresh token of the first password; from then on as configured."""
    tokend = setup.make_tokend()
    assert tokend.ask(account=grant.asked)["status"] == "ok"
    tokend.stop()
    tokend.grant = grant.name if grant.asked == ACCOUNT else "password"
    tokend.write_config()
    return tokend


def by_device(setup, grant):
    tokend = setup.make_tokend(start=False, grant="device_code")
    configure(tokend, "", "device_authorization_endpoint = "
              f'"{setup.entra.device_endpoint}"')
    tokend.start()
    setup.entra.set(device_interval=1)
    with tokend.control_later("login", ACCOUNT, method="device") as answer:
        device = setup.entra.sign_ins.wait_device(polls=1)
        setup.entra.sign_ins.approve(device.user_code, ACCOUNT)
        step = answer()
        while step["status"] == "progress":
            step = answer()
        assert step["status"] == "ok"
    tokend.stop()
    return tokend


def by_browser(setup, grant):
    tokend = setup.make_tokend(start=False, grant="authorization_code")
    configure(tokend, "", "authorization_endpoint = "
              f'"{setup.entra.authorization_endpoint}"')
    tokend.start()
    with tokend.control_later("login", ACCOUNT, method="browser") as answer:
        arrive(sign_in(setup.entra, answer()["address"]))
        assert answer()["status"] == "ok"
    tokend.stop()
    return tokend


def by_certificate(setup, grant):
    setup.good = AppCertificate()
    setup.entra.add_certificate(setup.good)
    setup.tokend = setup.make(PEM, start=False)
    setup.write_certificate(setup.good)
    return setup.tokend


def by_federated_file(setup, grant):
    setup.good = Issuer()
    setup.entra.add_federated(Federated(setup.good, SUBJECT))
    setup.tokend = setup.make(FEDERATED, start=False)
    setup.write_token(SUBJECT)
    return setup.tokend


def by_identity(setup, grant):
    return setup.make(identity(setup.metadata, IDENTITY), start=False,
                      client_id=False)


def trust_identity(setup):
    setup.entra.remove_federated()
    setup.entra.add_federated(Federated(
        setup.metadata.issuer, setup.metadata.principal(IDENTITY)))


def by_identity_assertion(setup, grant):
    trust_identity(setup)
    return setup.make(identity(setup.metadata, IDENTITY), start=False)


def by_service_account(setup, grant):
    setup.good = ServiceAccount([GMAIL])
    setup.entra.add_service_account(setup.good)
    return service_relay(setup.make, setup.good, start=False)


@dataclass
class Grant:
    """How a grant is set up and what it asks with."""

    name: str
    asked: str            # the account in requests
    listed: str           # the account in the configuration
    subject: str          # begins every sentence
    keeps: bool           # a refresh token
    first: list           # sent with nothing but configuration, and a person
    then: list            # sent once it has worked
    set_up: Callable      # the daemon, stopped; it has worked, or can


R, P, C = "refresh_token", "password", "client_credentials"
D, J, I = "device_code", "jwt-bearer", "identity"
B = "authorization_code"
X, F, A = "certificate", "federated_token_file", "identity_assertion"
USER = (ACCOUNT, ACCOUNT, f"account {ACCOUNT}")
SHARED = ("a@example.org", "@example.org", "application contoso", False)

GRANTS = {grant.name: grant for grant in (
    Grant(P, *USER, True, [P], [R], by_password),
    Grant(R, *USER, True, [P], [R], by_password),
    Grant(D, *USER, True, [D], [R], by_device),
    Grant(B, *USER, True, [B], [R], by_browser),
    Grant(C, *SHARED, [C], [C], by_password),
    Grant(X, *SHARED, [C], [C], by_certificate),
    Grant(F, *SHARED, [C], [C], by_federated_file),
    Grant(I, *SHARED, [I], [I], by_identity),
    Grant(A, *SHARED, [I, C], [I, C], by_identity_assertion),
    Grant(J, *USER, False, [J], [J], by_service_account),
)}


@dataclass
class Row:
    """What is to be seen after one cause, for one grant."""

    state: str
    kind: str             # of the answer; "" for a token
    code: str
    words: tuple          # in the sentence, beside the subject
    requests: tuple       # grant_types sent
    latched: bool = False  # nothing more is sent, not after a restart either


def ok(*requests):
    return Row("ok", "", "", (), requests)


def admin(code, words, *requests, latched=False):
    return Row("needs_admin", "config", code, words, requests, latched)


def login(code, words, *requests):
    return Row("needs_login", "login", code, words, requests)


def later(code, words, *requests):
    return Row("retrying", "temporary", code, words, requests)


def switch(**values):
    return lambda setup: setup.entra.set(**values)


def revoke(setup):
    setup.entra.revoke_refresh_tokens()


def nothing(setup):
    pass


SECRET = ("the client secret of application contoso is wrong", "secrets/client",
          "not its Secret ID")
MFA = ("MFA required", "Sign in with authorization code or device code")
CONSENT = ("No consent for this app", "Grant admin consent")
AWAY = ("the token endpoint https://",)
BUSY = ("Tenant is throttled", "status 429")
NO_IDENTITY = ("gives no token for managed_identity", "assign that identity")
DELEGATION = ("domain-wide delegation is missing", "Google Admin console")

# cause: how it comes, how it goes, and a row for each grant. What another
# provider is asked for, or in another way, comes and goes as OTHERS says.
TABLE = {
    "success": (nothing, nothing, {
        P: ok(R), R: ok(R), D: ok(R), C: ok(C), X: ok(C), F: ok(C),
        I: ok(I), A: ok(I, C), J: ok(J)}),
    "wrong secret": (
        lambda setup: setup.tokend.write_secret("client", "not-the-secret"),
        lambda setup: setup.tokend.write_secret(
            "client", setup.entra.client_secret), {
        P: admin("aadsts.7000215", SECRET, R, latched=True),
        R: admin("aadsts.7000215", SECRET, R, latched=True),
        D: admin("aadsts.7000215", SECRET, R, latched=True),
        C: admin("aadsts.7000215", SECRET, C, latched=True),
        # What mends these is often done at the provider.
        X: admin("aadsts.700027", ("re-upload", "app.crt"), C),
        F: admin("aadsts.700213", ("subject does not match", "token"), C),
        I: admin("metadata", NO_IDENTITY, I),
        A: admin("aadsts.700213", ("subject does not match",), I, C),
        J: admin("oauth.invalid_grant", ("the service account signed",
                                         "secrets/service.json"), J)}),
    "expired refresh token": (revoke, None, {
        P: ok(R, P),
        R: login("aadsts.50173", ("revoked", "Sign the sending user in"), R),
        D: login("aadsts.50173", ("revoked", "Sign the sending user in"), R),
        C: ok(C), X: ok(C), F: ok(C), I: ok(I), A: ok(I, C), J: ok(J)}),
    "MFA demanded": (switch(error="50076"), switch(error=None), {
        P: admin("aadsts.50076", MFA, R, P),
        R: login("aadsts.50076", MFA, R), D: login("aadsts.50076", MFA, R),
        C: admin("aadsts.50076", MFA, C), X: admin("aadsts.50076", MFA, C),
        F: admin("aadsts.50076", MFA, C),
        # It is not Entra ID's token endpoint that is asked.
        I: ok(I),
        A: admin("aadsts.50076", MFA, I, C),
        J: admin("oauth.invalid_rapt", ("session control",), J)}),
    "consent missing": (switch(error="65001"), switch(error=None), {
        P: admin("aadsts.65001", CONSENT, R, P),
        R: login("aadsts.65001", CONSENT, R),
        D: login("aadsts.65001", CONSENT, R),
        C: admin("aadsts.65001", CONSENT, C),
        X: admin("aadsts.65001", CONSENT, C),
        F: admin("aadsts.65001", CONSENT, C),
        # Its token says what it may; that is the mail server's to judge.
        I: ok(I),
        A: admin("aadsts.65001", CONSENT, I, C),
        J: admin("oauth.unauthorized_client", DELEGATION, J)}),
    "provider away": (switch(behaviour="refuse"), switch(behaviour=None), {
        P: later("endpoint", AWAY), R: later("endpoint", AWAY),
        D: later("endpoint", AWAY), C: later("endpoint", AWAY),
        X: later("endpoint", AWAY), F: later("endpoint", AWAY),
        I: later("metadata", ("in Azure only",)),
        A: later("endpoint", AWAY, I), J: later("endpoint", AWAY)}),
    "provider throttling": (switch(http=429, retry_after=600),
                            switch(http=None, retry_after=None), {
        P: later("aadsts.90055", BUSY, R), R: later("aadsts.90055", BUSY, R),
        D: later("aadsts.90055", BUSY, R), C: later("aadsts.90055", BUSY, C),
        X: later("aadsts.90055", BUSY, C), F: later("aadsts.90055", BUSY, C),
        I: later("metadata", ("is busy", "status 429"), I),
        A: later("aadsts.90055", BUSY, I, C),
        J: later("endpoint", ("status 429",), J)}),
}
# Once somebody has signed in, it is the same whichever way that was.
for _, _, columns in TABLE.values():
    columns[B] = columns[D]
SOMETHING = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}
OTHERS = {
    ("wrong secret", X): (
        lambda setup: setup.write_certificate(AppCertificate()),
        lambda setup: setup.write_certificate(setup.good)),
    ("wrong secret", F): (
        lambda setup: setup.write_token(SUBJECT.upper()),
        lambda setup: setup.write_token(SUBJECT)),
    ("wrong secret", I): (
        lambda setup: setup.metadata.identities.clear(),
        lambda setup: setup.metadata.identities.add(IDENTITY)),
    ("wrong secret", A): (
        lambda setup: (setup.entra.remove_federated(),
                       setup.entra.add_federated(Federated(
                           setup.metadata.issuer, "another subject"))),
        trust_identity),
    ("wrong secret", J): (
        lambda setup: put(setup.tokend, "service.json",
                          ServiceAccount([GMAIL]).json),
        lambda setup: put(setup.tokend, "service.json", setup.good.json)),
    ("MFA demanded", J): (
        switch(answer=(400, {"error": "invalid_grant",
                             "error_subtype": "invalid_rapt"})),
        switch(answer=None)),
    ("consent missing", J): (
        lambda setup: setup.good.scopes.clear(),
        lambda setup: setup.good.scopes.add(GMAIL)),
    ("provider away", I): (
        lambda setup: setup.metadata.pause(),
        lambda setup: setup.metadata.resume()),
    ("provider throttling", I): (
        lambda setup: setup.metadata.statuses.extend([429] * 20),
        lambda setup: setup.metadata.statuses.clear()),
    ("provider throttling", J): (
        switch(answer=(429, SOMETHING)), switch(answer=None)),
}
ROWS = [(cause, grant) for cause, (_, _, rows) in TABLE.items()
        for grant in rows]


@pytest.fixture
def setup(make_tokend, make, entra, metadata):
    return Setup(make_tokend, make, entra, metadata)


def worked_before(setup, grant):
    """A daemon, just started, whose credential has been good."""
    setup.tokend = tokend = grant.set_up(setup, grant)
    if not setup.requests():
        tokend.start()
        assert tokend.ask(account=grant.asked)["status"] == "ok"
        tokend.stop()
    assert setup.requests()[-len(grant.first):] == grant.first
    return tokend.start()


def explained(build, tokend, text):
    out = subprocess.run(
        [os.path.join(build, "postoak"), "-c", tokend.config, "explain",
         "--json", text], capture_output=True, text=True, timeout=60)
    return json.loads(out.stdout)["findings"][0]["sentence"]


def stored(tokend):
    """The records, byte by byte."""
    files = {}
    for name in os.listdir(tokend.store):
        if not name.endswith("notes"):
            with open(os.path.join(tokend.store, name), "rb") as f:
                files[name] = f.read()
    return files


def check_failure(setup, grant, row):
    """The answer, status and the log say the same; nothing more is sent."""
    tokend = setup.tokend
    for _ in range(5):
        answer = tokend.ask(account=grant.asked)
        assert (answer["kind"], answer["code"]) == (row.kind, row.code), answer["text"]
    text = answer["text"]
    assert text.startswith(grant.subject + ": ")
    for words in row.words:
        assert words in text
    status = tokend.status(grant.listed)
    assert status["last_error"]["text"] == text
    assert status["last_error"]["code"] == row.code
    assert (status["last_error"]["retry_at"] is None) == row.latched
    assert text in tokend.read_log()
    assert ("retry_ms" in answer) == (not row.latched)
    return text


def check_restart(setup, grant, row, text):
    """What waits for a person is still known; what was refused and would do
    harm is not shown again."""
    tokend = setup.tokend
    tokend.restart()
    status = tokend.status(grant.listed)
    if row.state == "retrying":
        return
    assert (status["state"], status["last_error"]["text"]) == (row.state, text)
    assert status["last_error"]["code"] == row.code
    if row.latched:
        assert tokend.ask(account=grant.asked)["text"] == text


@pytest.mark.parametrize("cause, name", ROWS,
                         ids=[f"{g}: {c}" for c, g in ROWS])
def test_grant(setup, build, cause, name):
    grant = GRANTS[name]
    begin, end, rows = TABLE[cause]
    begin, end = OTHERS.get((cause, name), (begin, end))
    row = rows[name]
    tokend = worked_before(setup, grant)
    before, files = setup.requests(), stored(tokend)
    begin(setup)
    answer = tokend.ask(account=grant.asked)
    assert setup.sent_since(before) == list(row.requests)
    if row.kind:
        text = check_failure(setup, grant, row)
        if row.code.startswith(("aadsts.", "oauth.")):
            # The offline explanation has the same words.
            assert text.startswith(explained(build, tokend, text))
        assert row.latched or stored(tokend) == files
    else:
        assert answer["status"] == "ok"
    status = tokend.status(grant.listed)
    assert status["state"] == row.state
    if row.kind:
        check_restart(setup, grant, row, text)
        assert setup.sent_since(before) == list(row.requests)
    # No answer costs what is kept.
    assert tokend.status(grant.listed)["refresh_token"] is grant.keeps
    if end is None:
        return
    end(setup)
    before = setup.requests()
    assert tokend.control("refresh", grant.asked)["status"] == "ok"
    assert setup.sent_since(before) == grant.then
    assert tokend.status(grant.listed)["state"] == "ok"
    assert tokend.status(grant.listed)["last_error"] is None
