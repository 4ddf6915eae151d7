# SPDX-License-Identifier: Apache-2.0
"""The grants that need no password: a refresh token that is brought in, the
application's own secret. And what bringing one in does to what was there."""
import json
import os
import pty
import subprocess
import termios

import pytest

from relay import wait_until
from relay.tokend import ACCOUNT

EX_OK, EX_USAGE, EX_PROTOCOL, EX_NOPERM, EX_CONFIG = 0, 64, 76, 77, 78

IMPORTED = """
account "relay@contoso.com" {
    application = "contoso"
    grant       = "refresh_token"
}
"""
APPLICATION_ONLY = """
application "own" {{
    provider           = "custom"
    tenant_id          = "{o.tenant}"
    client_id          = "{o.client_id}"
    client_secret_file = "secrets/contoso.client"
    token_endpoint     = "{o.token_endpoint}"
    app_scope          = "https://outlook.office365.com/.default"
    hosts              = {{ "localhost" }}
    ca_file            = "{o.ca_file}"
}}
account "relay@contoso.com" {{
    application = "own"
    grant       = "client_credentials"
}}
"""


def login(relay, stdin, *argv, account=ACCOUNT):
    return subprocess.run(
        [relay.program("postoak"), "-c", relay.config, "login", account,
         *argv], input=stdin, capture_output=True, text=True, timeout=60)


def grants(office):
    return [r.grant for r in office.token_requests]


def revoked(entra):
    """A refresh token that is refused, as all that were issued before it."""
    token = entra.issue_refresh_token(ACCOUNT)
    entra.revoke_refresh_tokens()
    return token


def stored(tokend):
    """Name and content of each file in the store."""
    found = {}
    for name in os.listdir(tokend.store):
        with open(f"{tokend.store}/{name}", "rb") as f:
            found[name] = f.read()
    found.pop(".notes", None)
    return found


def delivered(relay, office, count=1):
    messages = office.wait_messages(count, 60)
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")
    return messages


# --- through Postfix ----------------------------------------------------------

def test_mail_with_an_imported_refresh_token(make_relay, office):
    relay = make_relay(accounts=IMPORTED)
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}: .*status=deferred")
    assert "postoak login relay@contoso.com --import" in relay.postfix.log()
    token = office.issue_refresh_token(ACCOUNT)
    out = login(relay, f"\n  {token}\r\n", "--import")
    assert out.returncode == EX_OK, out.stderr
    assert "good for" in out.stdout and token not in out.stdout + out.stderr
    message, = delivered(relay, office)
    assert (message.auth_user, message.mail_from) == (ACCOUNT, ACCOUNT)
    assert set(grants(office)) == {"refresh_token"}
    # It lives on without anybody: the next one was stored.
    relay.tokend.kill()
    relay.tokend.start()
    relay.send()
    delivered(relay, office, 2)
    assert set(grants(office)) == {"refresh_token"}
    logs = relay.tokend.read_log() + relay.postfix.log()
    assert token not in logs and "1.AX0A" not in logs


def test_mail_with_client_credentials(make_relay, office):
    relay = make_relay(accounts=APPLICATION_ONLY.format(o=office))
    relay.send()
    message, = delivered(relay, office)
    assert (message.auth_user, message.mail_from) == (ACCOUNT, ACCOUNT)
    assert grants(office) == ["client_credentials"]
    # A refresh token is nothing for this grant, and is not sent anywhere.
    out = login(relay, office.issue_refresh_token(ACCOUNT), "--import")
    assert out.returncode == EX_CONFIG and "client_credentials" in out.stderr
    assert grants(office) == ["client_credentials"]


# --- the tool -----------------------------------------------------------------

def test_what_the_tool_refuses(make_relay, office):
    relay = make_relay(accounts=IMPORTED)
    for stdin in ("", " \n\t", "a\0b", "x" * 16385, "one\ntwo\n", "y" * 8193):
        out = login(relay, stdin, "--import")
        assert (out.returncode, out.stdout) == (EX_PROTOCOL, ""), stdin[:9]
        assert out.stderr
    out = login(relay, "", "--device")
    assert out.returncode == EX_CONFIG
    assert "no device_authorization_endpoint" in " ".join(out.stderr.split())
    for argv in ((), ("--browser",)):
        out = login(relay, "", *argv)
        assert out.returncode == EX_CONFIG
        words = " ".join(out.stderr.split())
        assert "no authorization_endpoint" in words
    # A token among the arguments would be seen by all.
    assert login(relay, "", "--import", "1.AX0A").returncode == EX_USAGE
    out = login(relay, "token", "--import", account="nobody@else.example")
    assert out.returncode == EX_CONFIG and "no account" in out.stderr
    assert relay.status()["refresh_token"] is False
    assert not office.token_requests


def test_typed_on_a_terminal(make_relay, office):
    """Not shown, longer than a terminal's own line, and the terminal is as
    before afterwards."""
    relay = make_relay(accounts=IMPORTED)
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    with subprocess.Popen(
            [relay.program("postoak"), "-c", relay.config, "login", ACCOUNT,
             "--import"], stdin=theirs, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE) as tool:
        prompt = tool.stderr.read(len("Refresh token"))
        assert prompt == b"Refresh token"
        os.write(ours, b"mistyped\x15" + b"z" * 5000 + b"x\x7f\n")
        out, err = tool.communicate(timeout=60)
    assert tool.returncode != EX_OK and out == b""
    assert termios.tcgetattr(theirs) == before
    os.set_blocking(ours, False)
    with pytest.raises(BlockingIOError):
        os.read(ours, 1)  # nothing was echoed
    shown, = office.token_requests
    assert shown.grant == "refresh_token" and b"zzz" not in err
    os.close(ours)
    os.close(theirs)


# --- tokend -------------------------------------------------------------------

def test_import_replaces_state_and_keeps_the_generation_before(
        make_tokend, entra):
    tokend = make_tokend(grant="refresh_token")
    assert tokend.ask()["code"] == "login_required"
    first, second = (entra.issue_refresh_token(ACCOUNT) for _ in range(2))
    answer = tokend.control("import", ACCOUNT, refresh_token=first)
    assert answer["status"] == "ok" and answer["expires_in"] > 3000
    assert "token" not in answer and "refresh_token" not in answer
    assert tokend.status()["state"] == "ok"
    before = entra.token_requests[-1].new_refresh_token_id
    assert tokend.control("import", ACCOUNT,
                          refresh_token=second)["status"] == "ok"
    tokend.stop()
    name = os.path.basename(tokend.temp_file())[len("tmp."):]
    os.replace(f"{tokend.store}/{name}.prev", f"{tokend.store}/{name}")
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert entra.token_requests[-1].refresh_token_id == before


def test_an_imported_token_is_looked_at(make_relay, office):
    """As after a sign-in: what it lacks is named, and is no success."""
    relay = make_relay(accounts=IMPORTED)
    out = login(relay, office.issue_refresh_token(ACCOUNT), "--import")
    assert out.returncode == EX_OK and "FAIL" not in out.stdout
    token = office.issue_refresh_token(ACCOUNT)
    office.set(answer=(200, {
        "token_type": "Bearer", "expires_in": 3600, "refresh_token": token,
        "access_token": office.mint_token(scopes=["POP.AccessAsUser.All"])}))
    out = login(relay, token, "--import")
    assert out.returncode == EX_CONFIG
    words = " ".join(out.stdout.split())
    assert "FAIL the token lacks the permission SMTP.Send" in words
    out = login(relay, token, "--import", "--json")
    assert out.returncode == EX_CONFIG
    assert {f["code"] for f in json.loads(out.stdout)["findings"]} == {
        "permission"}


def test_a_refused_import_changes_nothing(make_tokend, entra):
    """Neither on disk nor in memory: a token that works is not given up for
    one that does not."""
    tokend = make_tokend(grant="refresh_token")
    bad = revoked(entra)
    answer = tokend.control("import", ACCOUNT, refresh_token=bad)
    assert (answer["status"], answer["kind"]) == ("error", "login")
    assert "not kept: " in answer["text"] and not os.listdir(tokend.store)
    assert tokend.ask()["code"] == "login_required"
    good = entra.issue_refresh_token(ACCOUNT)
    tokend.control("import", ACCOUNT, refresh_token=good)
    newest = entra.token_requests[-1].new_refresh_token_id
    token, files = tokend.ask()["token"], stored(tokend)
    answer = tokend.control("import", ACCOUNT, refresh_token=bad)
    assert (answer["status"], answer["kind"]) == ("error", "login")
    assert "the one before is" in answer["text"]
    assert stored(tokend) == files and tokend.ask()["token"] == token
    status = tokend.status()
    assert (status["state"], status["last_error"]) == ("ok", None)
    tokend.restart()
    assert tokend.ask()["status"] == "ok"
    assert entra.token_requests[-1].refresh_token_id == newest


def test_an_import_without_verdict_spares_a_token_that_works(
        make_tokend, entra):
    tokend = make_tokend(grant="refresh_token")
    first, second = (entra.issue_refresh_token(ACCOUNT) for _ in range(2))
    tokend.control("import", ACCOUNT, refresh_token=first)
    files = stored(tokend)
    entra.set(http=503)
    answer = tokend.control("import", ACCOUNT, refresh_token=second)
    assert answer["kind"] == "temporary" and "bring it in again" in answer["text"]
    assert stored(tokend) == files and tokend.status()["state"] == "ok"
    # The one that is kept turns out dead: now there is nothing to be lost.
    entra.set(http=None)
    entra.revoke_refresh_tokens()
    third = entra.issue_refresh_token(ACCOUNT)
    assert tokend.control("refresh", ACCOUNT)["kind"] == "login"
    entra.set(http=503)
    answer = tokend.control("import", ACCOUNT, refresh_token=third)
    assert answer["kind"] == "temporary"
    assert stored(tokend) != files
    entra.set(http=None)
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"


@pytest.mark.parametrize("value", [
    None, 5, "", "a\rb", "a\x7fb", "a\0b", "x" * 8193], ids=repr)
def test_what_is_no_refresh_token(make_tokend, entra, value):
    tokend = make_tokend(grant="refresh_token")
    answer = tokend.control("import", ACCOUNT, refresh_token=value)
    assert answer["kind"] == "protocol"
    assert answer["code"] == ("json" if value == "a\0b" else "value")
    assert not entra.token_requests and not os.listdir(tokend.store)


def test_import_on_a_full_disk(make_tokend, entra):
    """It counts and is kept in memory; the one before is still on disk."""
    tokend = make_tokend(start=False, grant="refresh_token")
    with tokend.small_store():
        tokend.start()
        first, second = (entra.issue_refresh_token(ACCOUNT) for _ in range(2))
        tokend.control("import", ACCOUNT, refresh_token=first)
        before = tokend.ask()["token"]
        kept = entra.token_requests[-1].new_refresh_token_id
        tokend.fill_store()
        answer = tokend.control("import", ACCOUNT, refresh_token=second)
        assert answer["status"] == "ok"
        assert "No space left" in tokend.status()["unsaved"]
        assert tokend.ask()["token"] != before
        tokend.kill()
        tokend.start()
        assert tokend.ask()["status"] == "ok"
        assert entra.token_requests[-1].refresh_token_id == kept


def test_a_refusal_on_a_full_disk_is_saved_when_there_is_room(
        make_tokend, entra):
    """A password that was refused is not shown again, although the disk was
    full at the moment: it is kept in memory and saved later."""
    tokend = make_tokend(start=False)
    with tokend.small_store():
        tokend.start()
        tokend.write_secret("password", "wrong")
        tokend.fill_store()
        assert tokend.ask()["code"] == "aadsts.50126"
        assert "No space left" in tokend.status()["unsaved"]
        assert not any(name[0] != "." for name in os.listdir(tokend.store))
        assert grants(entra) == ["password"]
        tokend.empty_store()
        tokend.restart()  # the end is a chance to save, too
        assert tokend.status()["state"] == "needs_admin"
        assert tokend.ask()["code"] == "aadsts.50126"
        assert grants(entra) == ["password"]
        assert tokend.status()["unsaved"] is None


def test_a_refusal_is_saved_as_soon_as_there_is_room(make_tokend, entra):
    """By itself, within half a minute: who kills it then forgets nothing."""
    tokend = make_tokend(start=False)
    with tokend.small_store():
        tokend.start()
        tokend.write_secret("password", "wrong")
        tokend.fill_store()
        assert tokend.ask()["code"] == "aadsts.50126"
        tokend.empty_store()
        wait_until(lambda: tokend.status()["unsaved"] is None,
                   "the refusal on disk", 60)
        tokend.kill()
        tokend.start()
        assert tokend.ask()["code"] == "aadsts.50126"
        assert grants(entra) == ["password"]


def test_import_wins_over_an_exchange_under_way(make_tokend, entra):
    """An answer to the older refresh token must not be stored over it; who
    waits for that answer is served by the new one."""
    tokend = make_tokend(grant="refresh_token")
    old, new = (entra.issue_refresh_token(ACCOUNT) for _ in range(2))
    tokend.control("import", ACCOUNT, refresh_token=old)
    tokend.restart()
    with entra.gate() as gate, tokend.connect() as client:
        client.send(tokend.request(wait_ms=30000))
        gate.wait_held(1)
        with tokend.control_later("import", ACCOUNT,
                                  refresh_token=new) as answer:
            gate.wait_held(2)
            gate.release()
            assert answer()["status"] == "ok"
        assert client.answer()["status"] == "ok"
    newest = entra.token_requests[-1].new_refresh_token_id
    tokend.restart()
    tokend.ask()
    assert entra.token_requests[-1].refresh_token_id == newest


def test_refused_password_is_not_shown_for_an_imported_token(tokend, entra):
    tokend.write_secret("password", "wrong")
    assert tokend.ask()["code"] == "aadsts.50126"
    answer = tokend.control("import", ACCOUNT, refresh_token=revoked(entra))
    assert answer["status"] == "error" and "50126" not in answer["code"]
    assert grants(entra) == ["password", "refresh_token"]
    assert tokend.ask()["code"] == "aadsts.50126"
    tokend.restart()
    assert tokend.ask()["code"] == "aadsts.50126"
    assert grants(entra).count("password") == 1
    # A good one needs no password, also not after a restart.
    good = entra.issue_refresh_token(ACCOUNT)
    assert tokend.control("import", ACCOUNT,
                          refresh_token=good)["status"] == "ok"
    tokend.restart()
    assert tokend.ask()["status"] == "ok"
    assert grants(entra).count("password") == 1


def test_imported_while_the_provider_is_away(tokend, entra):
    """After a restart, too, it is tried, although the password was refused."""
    tokend.write_secret("password", "wrong")
    assert tokend.ask()["code"] == "aadsts.50126"
    entra.set(http=503)
    good = entra.issue_refresh_token(ACCOUNT)
    answer = tokend.control("import", ACCOUNT, refresh_token=good)
    assert answer["kind"] == "temporary" and "503" in answer["text"]
    tokend.restart()
    entra.set(http=None)
    assert tokend.ask()["status"] == "ok"
    assert grants(entra).count("password") == 1
