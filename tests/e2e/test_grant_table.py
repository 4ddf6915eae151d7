# SPDX-License-Identifier: Apache-2.0
"""Each grant with each thing that goes wrong at the provider: state, sentence,
number of requests, and what survives.

Every row begins with a credential that has worked before: what it keeps on
disk is there, the access token is gone with a restart. A further grant is a
line in GRANTS and a column in the rows of TABLE.
"""
import json
import os
import subprocess
from dataclasses import dataclass

import pytest

from relay.tokend import ACCOUNT


@dataclass
class Grant:
    """How a grant is set up and what it asks with."""

    name: str
    asked: str            # the account in requests
    listed: str           # the account in the configuration
    subject: str          # begins every sentence
    keeps: bool           # a refresh token
    first: str            # grant_type with nothing but configuration
    then: str             # grant_type once it has worked


GRANTS = {grant.name: grant for grant in (
    Grant("password", ACCOUNT, ACCOUNT, f"account {ACCOUNT}", True,
          "password", "refresh_token"),
    Grant("refresh_token", ACCOUNT, ACCOUNT, f"account {ACCOUNT}", True,
          "password", "refresh_token"),
    Grant("client_credentials", "a@example.org", "@example.org",
          "application contoso", False,
          "client_credentials", "client_credentials"),
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


def wrong_secret(tokend, entra):
    tokend.write_secret("client", "not-the-secret")


def right_secret(tokend, entra):
    tokend.write_secret("client", entra.client_secret)


def switch(**values):
    return lambda tokend, entra: entra.set(**values)


def revoke(tokend, entra):
    entra.revoke_refresh_tokens()


def nothing(tokend, entra):
    pass


R, P, C = "refresh_token", "password", "client_credentials"
SECRET = ("the client secret of application contoso is wrong", "secrets/client",
          "not its Secret ID")
MFA = ("MFA required", "Sign in with authorization code or device code")
CONSENT = ("No consent for this app", "Grant admin consent")
AWAY = ("the token endpoint https://",)
BUSY = ("Tenant is throttled", "status 429")

# cause: how it comes, how it goes, and a row for each grant.
TABLE = {
    "success": (nothing, nothing, {
        P: ok(R), R: ok(R), C: ok(C)}),
    "wrong secret": (wrong_secret, right_secret, {
        P: admin("aadsts.7000215", SECRET, R, latched=True),
        R: admin("aadsts.7000215", SECRET, R, latched=True),
        C: admin("aadsts.7000215", SECRET, C, latched=True)}),
    "expired refresh token": (revoke, None, {
        P: ok(R, P),
        R: login("aadsts.50173", ("revoked", "Sign the sending user in"), R),
        C: ok(C)}),
    "MFA demanded": (switch(error="50076"), switch(error=None), {
        P: admin("aadsts.50076", MFA, R, P),
        R: login("aadsts.50076", MFA, R),
        C: admin("aadsts.50076", MFA, C)}),
    "consent missing": (switch(error="65001"), switch(error=None), {
        P: admin("aadsts.65001", CONSENT, R, P),
        R: login("aadsts.65001", CONSENT, R),
        C: admin("aadsts.65001", CONSENT, C)}),
    "provider away": (switch(behaviour="refuse"), switch(behaviour=None), {
        P: later("endpoint", AWAY), R: later("endpoint", AWAY),
        C: later("endpoint", AWAY)}),
    "provider throttling": (switch(http=429, retry_after=600),
                            switch(http=None, retry_after=None), {
        P: later("aadsts.90055", BUSY, R), R: later("aadsts.90055", BUSY, R),
        C: later("aadsts.90055", BUSY, C)}),
}
ROWS = [(cause, grant) for cause, (_, _, rows) in TABLE.items()
        for grant in rows]


def worked_before(make_tokend, entra, grant):
    """A daemon, just started, whose credential has been good."""
    tokend = make_tokend()
    assert tokend.ask(account=grant.asked)["status"] == "ok"
    assert entra.token_requests[-1].grant == grant.first
    tokend.stop()
    tokend.grant = grant.name if grant.asked == ACCOUNT else "password"
    tokend.write_config()
    tokend.start()
    return tokend


def explained(build, tokend, text):
    out = subprocess.run(
        [os.path.join(build, "postoak"), "-c", tokend.config, "explain",
         "--json", text], capture_output=True, text=True, timeout=20)
    return json.loads(out.stdout)["findings"][0]["sentence"]


def check_failure(tokend, entra, grant, row, sent):
    """The answer, status and the log say the same; nothing more is sent."""
    for _ in range(5):
        answer = tokend.ask(account=grant.asked)
        assert (answer["kind"], answer["code"]) == (row.kind, row.code)
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
    if row.latched:
        tokend.restart()
        assert tokend.ask(account=grant.asked)["text"] == text
    if row.code != "endpoint":
        assert len(entra.token_requests) - sent == len(row.requests)
    return text


@pytest.mark.parametrize("cause, name", ROWS,
                         ids=[f"{g}: {c}" for c, g in ROWS])
def test_grant(make_tokend, entra, build, cause, name):
    grant = GRANTS[name]
    begin, end, rows = TABLE[cause]
    row = rows[name]
    tokend = worked_before(make_tokend, entra, grant)
    sent = len(entra.token_requests)
    begin(tokend, entra)
    answer = tokend.ask(account=grant.asked)
    assert [r.grant for r in entra.token_requests[sent:]] == list(row.requests)
    if row.kind:
        text = check_failure(tokend, entra, grant, row, sent)
        if row.code.startswith("aadsts."):
            # The offline explanation has the same words.
            assert text.startswith(explained(build, tokend, text))
    else:
        assert answer["status"] == "ok"
    status = tokend.status(grant.listed)
    assert status["state"] == row.state
    # No answer costs what is kept.
    assert status["refresh_token"] is grant.keeps
    if end is None:
        return
    end(tokend, entra)
    sent = len(entra.token_requests)
    assert tokend.control("refresh", grant.asked)["status"] == "ok"
    assert [r.grant for r in entra.token_requests[sent:]] == [grant.then]
    assert tokend.status(grant.listed)["state"] == "ok"
    assert tokend.status(grant.listed)["last_error"] is None
