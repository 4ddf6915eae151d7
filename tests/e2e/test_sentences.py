# SPDX-License-Identifier: Apache-2.0
"""What a provider refuses is said in the same sentence everywhere: in the mail
log, in "postoak status", in "postoak explain"; and whatever the provider says
goes through all of them as mere text."""
import json
import os
import re
import subprocess

import pytest

from login_tool import Terminal
from office365.google import ServiceAccount
from relay import wait_until
from relay.tokend import ACCOUNT
from test_grants_identity import GMAIL, service_relay
from test_grants_app import make
from test_warnings import Told, configure

__all__ = ["make"]

TABLE = os.path.join(os.path.dirname(__file__), "../../common/aadsts.tsv")
# What stands behind the sentence.
IDS = re.compile(
    r"(; the answer has status \d+)?; trace_id=\S+ correlation_id=\S+\Z")


def numbers():
    with open(TABLE, encoding="utf-8") as f:
        return [line.split("\t")[0] for line in f if line[0].isdigit()]


def tool(build, tokend, *argv, stdin=None):
    return subprocess.run(
        [os.path.join(build, "postoak"), "-c", tokend.config, *argv],
        input=stdin, capture_output=True, text=True, timeout=60)


def explained(build, tokend, text):
    """The sentence "postoak explain" has for a text."""
    out = tool(build, tokend, "explain", "--json", "-", stdin=text)
    finding, = json.loads(out.stdout)["findings"]
    return finding["sentence"]


def words_of(text):
    return " ".join(text.split())


def check_everywhere(build, tokend, text, listed, details=IDS):
    """One refusal, as it came from the token socket."""
    sentence = details.sub("", text)
    assert sentence != text, text
    error = tokend.status(listed)["last_error"]
    assert error["text"] == text
    assert f": code={error['code']}" in tokend.read_log()
    assert text + "\n" in tokend.read_log()
    assert explained(build, tokend, text) == sentence
    return sentence


@pytest.mark.parametrize("asked, listed, subject", [
    (ACCOUNT, ACCOUNT, f"account {ACCOUNT}: "),
    ("a@example.org", "@example.org", "application contoso: ")])
def test_each_number(tokend, entra, build, asked, listed, subject):
    seen = set()
    for number in numbers():
        entra.set(error=number)
        tokend.control("refresh", asked)
        text = tokend.ask(account=asked)["text"]
        sentence = check_everywhere(build, tokend, text, listed)
        assert sentence.startswith(subject)
        assert f"(AADSTS{number}); " in sentence
        # The whole line of the log, and a person who names the account.
        line = [x for x in tokend.read_log().splitlines() if text in x][-1]
        assert explained(build, tokend, line) == sentence
        assert explained(
            build, tokend, f"{asked} AADSTS{number}") == sentence
        seen.add(sentence)
    assert len(seen) == len(numbers()) > 200


@pytest.mark.parametrize("number", ["7000222", "50076"])
def test_mail_log(relay, office, build, number):
    """The line of smtp(8), whatever Postfix puts around it."""
    office.set(error=number)
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}: .*status=deferred")
    text = relay.status()["last_error"]["text"]
    sentence = IDS.sub("", text)
    assert text in relay.postfix.log()
    line = [x for x in relay.postfix.log().splitlines()
            if sentence in x][-1]
    assert explained(build, relay, line) == sentence
    for argv in ("status", ACCOUNT), ("explain", text):
        shown = relay.postoak(*argv, check=False).stdout
        assert words_of(sentence) in words_of(shown)


@pytest.mark.parametrize("error, words", [
    ("invalid_grant", "the right password into"),
    ("invalid_client", "not its Secret ID"),
    ("unauthorized_client", "check client_id"),
    ("access_denied", "have the policy allow application contoso"),
    ("admin_policy_enforced", "App access control"),
    ("disabled_client", "enabled again"),
    ("deleted_client", "restore its app registration"),
    ("org_internal", "user type"),
    ("rate_limit_exceeded", "tried again"),
    ("invalid_scope", "correct scope"),
    ("temporarily_unavailable", "tried again"),
])
def test_words(tokend, entra, build, error, words):
    """Providers that have no numbers: Google, and what RFC 6749 names."""
    entra.set(answer=(400, {"error": error, "error_description":
                            "Words of the provider."}))
    text = tokend.ask()["text"]
    sentence = check_everywhere(
        build, tokend, text, ACCOUNT,
        re.compile("; the provider says: Words of the provider.$"))
    assert words in sentence and f"({error}); " in sentence


def test_refresh_token_revoked(make_tokend, entra, build):
    """Google's answer to a refresh token, its session control's too."""
    tokend = make_tokend()
    assert tokend.ask()["status"] == "ok"
    tokend.stop()
    tokend.grant = "refresh_token"
    tokend.write_config()
    tokend.start()
    for fields, words in (
            ({"error_description": "Token has been expired or revoked."},
             "from Testing to In production"),
            ({"error_description": "reauth related error (invalid_rapt)",
              "error_subtype": "invalid_rapt"}, "session control")):
        entra.set(answer=(400, {"error": "invalid_grant", **fields}))
        tokend.control("refresh", ACCOUNT)
        answer = tokend.ask()
        assert answer["kind"] == "login", answer
        sentence = check_everywhere(
            build, tokend, answer["text"], ACCOUNT,
            re.compile("; the provider says: .*$"))
        assert words in sentence
        assert f"postoak login {ACCOUNT} --import" in sentence


@pytest.mark.parametrize("scopes, wrong_key, words", [
    ((), False, "Domain-wide delegation"),
    ((GMAIL,), True, "secrets/service.json was not deleted or disabled"),
])
def test_service_account(make, entra, build, scopes, wrong_key, words):
    account = ServiceAccount(scopes)
    entra.add_service_account(account)
    tokend = service_relay(
        make, ServiceAccount(scopes) if wrong_key else account)
    sentence = check_everywhere(
        build, tokend, tokend.ask()["text"], ACCOUNT,
        re.compile("; the provider says: .*$"))
    assert words in sentence and f"for user {ACCOUNT}" in sentence


def test_unknown_codes_are_temporary_and_slow(tokend, entra, build):
    entra.set(answer=(400, {"error": "brand_new", "error_codes": [4242424],
                            "error_description": "AADSTS4242424: Words."}))
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("temporary", "aadsts.4242424")
    assert "AADSTS4242424: Words." in answer["text"]
    assert 290000 < int(answer["retry_ms"]) <= 300000
    status = tokend.status()
    assert status["state"] == "retrying"
    assert status["last_error"]["text"] == answer["text"]
    out = tool(build, tokend, "explain", answer["text"])
    assert out.returncode == 65
    assert "AADSTS4242424 is not in the tables" in words_of(out.stderr)
    assert len(entra.token_requests) == 1


# --- hostile words ------------------------------------------------------------

HOSTILE = ("AADSTS4242424: %s%n%x \x1b[2J\x1b]0;owned\x07 \x9b31m \x7f \"'`id`"
           " $(touch {d}/owned) ;|& \\ \r\nstatus=ok\r\ntoken=abc\r\n\r\n"
           "\x00 \u202e <b> \ud800 end")
# The direction of writing, too: a text must not look like another.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]")
COLOUR = re.compile("\x1b\\[[0-9;]*m")


def test_hostile_words(make_tokend, entra, build):
    tokend = make_tokend(start=False)
    told = Told(tokend)
    configure(tokend, told.option())
    tokend.start()
    words = HOSTILE.replace("{d}", tokend.directory)
    body = json.dumps({
        "error": "invalid_request\x1b[31m%n", "error_description": words,
        "trace_id": "t\x1b[31m%n\r\n", "correlation_id": "c\"\r\nkind=ok"})
    for answer in (body, body.replace("\\ud800", "\\ufffd")
                   .replace("\\u0000", " ")):
        entra.set(answer=(400, answer))
        tokend.control("refresh", ACCOUNT)
        given = tokend.ask()
        assert (given["status"], given["kind"]) == ("error", "temporary")
        assert "token" not in given
        assert not CONTROL.search(given["text"])
        assert not CONTROL.search(given["code"])
    assert "%s%n%x" in given["text"] and \
        "status=ok  token=abc" in given["text"]
    # Each is read again as it was written.
    assert tokend.status()["last_error"]["text"] == given["text"]
    one = told.wait(1)[-1]["environment"]
    assert not CONTROL.search(one["POSTOAK_TEXT"])
    out = tool(build, tokend, "status", "--json")
    text = json.loads(out.stdout)["accounts"][0]["last_error"]["text"]
    assert text == given["text"] and not CONTROL.search(out.stdout)
    assert not CONTROL.search(tokend.read_log())
    assert tool(build, tokend, "explain", given["text"]).returncode == 65
    check_terminal(build, tokend, "status", ACCOUNT)
    check_terminal(build, tokend, "status")
    check_terminal(build, tokend, "refresh", ACCOUNT)
    check_terminal(build, tokend, "explain", words.replace("\x00", "")
                   .replace("\ud800", ""))
    check_terminal(build, tokend, "explain", "invalid_grant\x1b[2J account \x07"
                   "relay@contoso.com\x9b2J")
    assert not os.path.exists(os.path.join(tokend.directory, "owned"))


def check_terminal(build, tokend, *argv):
    """Nothing but colours of our own reaches the terminal."""
    terminal = Terminal(os.path.join(build, "postoak"), "-c", tokend.config,
                        *argv)
    try:
        terminal.wait()
        text = terminal.text.replace("\0end of text\0", "")
        assert text.strip()
        assert not CONTROL.search(COLOUR.sub("", text.replace("\r\n", "\n")))
        assert "\x1b[31m%n" not in text
    finally:
        terminal.close()


def test_hostile_words_in_the_mail_log(relay, office):
    office.set(answer=(400, {
        "error": "x%n", "error_description": HOSTILE.replace("\x00", "")
        .replace("\ud800", "")}))
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}: .*status=deferred")
    assert not CONTROL.search(relay.postfix.log())
    wait_until(lambda: "%s%n%x" in relay.postfix.log(), "the words")
