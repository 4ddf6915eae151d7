# SPDX-License-Identifier: Apache-2.0
"""postoak-tokend by its sockets: what is answered, how often the provider is
asked, what survives."""
import os
import re
import socket

import pytest

from relay import wait_until
from relay.tokend import ACCOUNT

SECOND = "second@contoso.com"


def grants(entra):
    return [r.grant for r in entra.token_requests]


# --- answers ----------------------------------------------------------------

def test_password_grant(tokend, entra):
    answer = tokend.ask()
    assert answer["status"] == "ok" and answer["user"] == ACCOUNT
    assert re.fullmatch("[0-9a-f]{16}", answer["token_id"])
    assert 3590 <= int(answer["expires_in"]) <= 3600
    assert tokend.ask()["token"] == answer["token"]
    assert grants(entra) == ["password"]
    status = tokend.status()
    assert status["state"] == "ok" and status["refresh_token"] is True
    assert status["roles"] == ["SMTP.Send"] and status["last_error"] is None


def test_client_credentials_serve_a_whole_domain(tokend, entra):
    first = tokend.ask(account="any@example.org")
    second = tokend.ask(account="other@EXAMPLE.org")
    assert first["user"] == "any@example.org"
    assert second["user"] == "other@EXAMPLE.org"
    assert first["token"] == second["token"]
    assert grants(entra) == ["client_credentials"]


def test_second_secret_is_used_when_the_first_is_refused(make_tokend, entra):
    tokend = make_tokend(start=False)
    tokend.write_secret("client", "an-old-secret")
    tokend.write_secret("client2", entra.client_secret)
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert len(entra.token_requests) == 2


def test_second_secret_is_used_when_the_first_cannot_be_read(make_tokend, entra):
    tokend = make_tokend(start=False)
    tokend.write_secret("client", "a-lost-secret")
    tokend.write_secret("client2", entra.client_secret)
    tokend.start()
    os.unlink(tokend.secret("client"))
    assert tokend.ask()["status"] == "ok"
    assert len(entra.token_requests) == 1
    assert "client_secret_file cannot be used: " in tokend.read_log()
    assert tokend.secret("client") in tokend.read_log()
    # Without either, the error names the file.
    os.unlink(tokend.secret("client2"))
    answer = tokend.control("refresh", ACCOUNT)
    assert answer["status"] == "error" and tokend.secret("client2") in answer["text"]
    assert len(entra.token_requests) == 1


def test_requests_are_answered_in_order(tokend):
    with tokend.connect() as client:
        names = [ACCOUNT, "a@example.org", ACCOUNT, "nobody@nowhere.example",
                 SECOND, "b@example.org"] * 3
        client.send(*[tokend.request(account=name) for name in names])
        for name in names:
            answer = client.answer()
            if name.endswith("nowhere.example"):
                assert answer["code"] == "account"
            else:
                assert answer["user"] == name


def test_a_token_is_for_a_mailbox(tokend, entra):
    """A domain's account by its bare name is nobody's login."""
    for answer in (tokend.ask(account="@example.org"),
                   tokend.control("token", "@example.org")):
        assert answer["status"] == "error" and "user" not in answer
        assert (answer["kind"], answer["code"]) == ("config", "mailbox")
        assert "such as relay@example.org" in answer["text"]
    assert not entra.token_requests
    # Its token itself may be looked after by that name.
    assert tokend.control("refresh", "@example.org")["status"] == "ok"
    assert tokend.status("@example.org")["state"] == "ok"
    assert tokend.ask(account="@nowhere.example")["code"] == "account"


def test_half_closed_client_gets_its_answer(tokend, entra):
    entra.set(delay=0.3)
    with tokend.connect() as client:
        client.send(tokend.request())
        client.socket.shutdown(socket.SHUT_WR)
        assert client.answer()["status"] == "ok"
        assert client.socket.recv(1) == b""


@pytest.mark.parametrize("data, code", [
    (b"request=token\nrequest=token\n\n", "syntax"),
    (b"nonsense\n\n", "syntax"),
    (b"\n", "syntax"),
    (b"request=token\r\n\n", "value"),
    (b"request=token\nprotocol=2\naccount=a\n\n", "version"),
    (b"request=tokens\nprotocol=1\n\n", "request"),
    (b"request=token\nservice=smtp\naccount=a\n\n", "host"),
    (b"request=token\nservice=nntp\nhost=a\naccount=a\n\n", "service"),
    (b"request=token\nservice=smtp\nhost=localhost\n\n", "account"),
    (b"request=token\nwait_ms=60001\n\n", "value"),
    (b"x=" + b"y" * 4094, "size"),
], ids=["twice", "no pair", "empty", "CR", "version", "request", "host",
        "service", "account", "wait_ms", "too long"])
def test_what_is_no_request(tokend, data, code):
    with tokend.connect() as client:
        client.socket.sendall(data)
        answer = client.answer()
        assert (answer["kind"], answer["code"]) == ("protocol", code)
        assert client.socket.recv(1) == b""
    assert tokend.ask()["status"] == "ok"


# --- who, and whereto -------------------------------------------------------

def test_user_who_is_not_listed(make_tokend):
    tokend = make_tokend(allow="65534")
    accounts = [ACCOUNT, SECOND, "no@such.example", "x@example.org"]
    answers = tokend.ask_as(65533, accounts)
    texts = {a["text"].replace(name, "X") for a, name in zip(answers, accounts)}
    assert {a["kind"] for a in answers} == {"denied"} and len(texts) == 1
    # The user of one account is nobody for the others, and learns nothing.
    answers = tokend.ask_as(65534, accounts)
    assert [a["status"] for a in answers] == ["error", "ok", "error", "error"]
    assert {a["kind"] for a in answers if "kind" in a} == {"denied"}
    assert tokend.read_log().count("uid=65533") == 1


def test_foreign_host(tokend, entra):
    for host in ("evil.example", "localhost.evil.example", "xlocalhost"):
        answer = tokend.ask(host=host)
        assert answer["kind"] == "denied" and answer["code"] == "host"
        assert host in answer["text"] and "localhost" in answer["text"]
    assert not entra.token_requests
    for host in ("LOCALHOST", "localhost."):
        assert tokend.ask(host=host)["status"] == "ok"


# --- one exchange -----------------------------------------------------------

def test_single_flight(tokend, entra):
    clients = [tokend.connect() for _ in range(200)]
    with entra.gate():
        for client in clients:
            client.send(tokend.request(wait_ms=60000))
        wait_until(lambda: tokend.status()["waiters"] == 200, "200 waiters")
    assert len({client.answer()["token"] for client in clients}) == 1
    assert len(entra.token_requests) == 1
    for client in clients:
        client.close()


def test_waiting_holds_up_nobody_else(tokend, entra):
    assert tokend.ask(account="a@example.org")["status"] == "ok"
    entra.set(behaviour="silent")
    with tokend.connect() as waiting:
        waiting.send(tokend.request(wait_ms=60000))
        wait_until(lambda: tokend.status()["waiters"] == 1, "a waiter")
        assert tokend.ask(account="a@example.org")["status"] == "ok"
        answer = tokend.ask(wait_ms=200)
        assert (answer["kind"], answer["code"]) == ("temporary", "wait")
        assert int(answer["retry_ms"]) > 0 and ACCOUNT in answer["text"]
        # Gone means forgotten.
    wait_until(lambda: tokend.status()["waiters"] == 0, "no waiter")
    assert tokend.ask(wait_ms=0)["code"] == "wait"


def test_refresh_ahead(tokend, entra):
    """Between half and three quarters of its life, without being asked."""
    entra.set(lifetime=6)
    first = tokend.ask()
    requests = entra.wait_token_requests(2)
    assert 2.5 <= requests[1].time - requests[0].time < 6
    assert grants(entra) == ["password", "refresh_token"]
    wait_until(lambda: tokend.ask()["token"] != first["token"], "a new token")


def test_rejected_token_is_refreshed_once(tokend, entra):
    first = tokend.ask()
    with tokend.connect() as client:
        rejected = dict(request="rejected", protocol=1, account=ACCOUNT,
                        token_id=first["token_id"], challenge="e30=")
        client.send({**rejected, "token_id": "0123456789abcdef"}, rejected,
                    rejected)
        assert [client.answer()["status"] for _ in range(3)] == ["ok"] * 3
        client.send(tokend.request())
        second = client.answer()
        assert second["token"] != first["token"]
        # The next one within the minute is believed, but not fetched anew.
        client.send({**rejected, "token_id": second["token_id"]},
                    tokend.request())
        assert client.answer()["status"] == "ok"
        assert client.answer()["token"] == second["token"]
    assert len(entra.token_requests) == 2


# --- failures ---------------------------------------------------------------

@pytest.mark.parametrize("switches, words", [
    (dict(behaviour="refuse"), "connect"),
    (dict(behaviour="html200"), "web page"),
    (dict(behaviour="empty200"), "nothing"),
    (dict(behaviour="truncated"), "cut off"),
    (dict(behaviour="oversize"), "larger than"),
    (dict(behaviour="redirect"), "307"),
    (dict(behaviour="reset"), "token endpoint"),
    (dict(http=500), "500"),
    (dict(http=503), "503"),
])
def test_endpoint_is_ill(tokend, entra, switches, words):
    entra.set(**switches)
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("temporary", "endpoint")
    assert words in answer["text"] and ACCOUNT in answer["text"]
    assert 0 < int(answer["retry_ms"]) <= 2000
    assert entra.redirects_followed == 0
    assert tokend.status()["state"] == "retrying"
    entra.set(**{name: None for name in switches})
    wait_until(lambda: tokend.ask()["status"] == "ok", "recovery")
    assert tokend.status()["state"] == "ok"


def test_failing_is_answered_from_memory(tokend, entra):
    entra.set(http=503, retry_after=600)
    assert tokend.ask()["kind"] == "temporary"
    for _ in range(50):
        answer = tokend.ask()
    assert 590_000 < int(answer["retry_ms"]) <= 600_000
    assert len(entra.token_requests) == 1


def test_retry_after_is_obeyed(tokend, entra):
    entra.set(once=1, http=429, retry_after=3)
    assert "429" in tokend.ask()["text"]
    wait_until(lambda: tokend.ask()["status"] == "ok", "recovery")
    first, second = [r.time for r in entra.token_requests]
    assert second - first >= 2.9


def test_outage_is_served_to_the_end_of_the_token(tokend, entra):
    entra.set(lifetime=6)
    token = tokend.ask()
    entra.set(behaviour="refuse")
    wait_until(lambda: tokend.status()["state"] == "stale", "stale")
    served = []

    def ended():
        answer = tokend.ask()
        if answer["status"] == "ok":
            served.append(answer)
        return answer["status"] == "error"
    wait_until(ended, "the token's end")
    assert {a["token"] for a in served} == {token["token"]}
    assert int(served[-1]["expires_in"]) <= 1
    assert tokend.status()["state"] == "retrying"


def test_refused_password_is_shown_once(tokend, entra):
    tokend.write_secret("password", "wrong")
    for _ in range(20):
        answer = tokend.ask()
        assert (answer["kind"], answer["code"]) == ("config", "aadsts.50126")
    assert tokend.secret("password") in answer["text"]
    assert "correlation_id=" in answer["text"] and "retry_ms" not in answer
    tokend.reload()
    tokend.restart()
    assert tokend.ask()["text"] == answer["text"]
    assert tokend.status()["state"] == "needs_admin"
    tokend.write_secret("password", "wrong")  # written, but the same
    assert tokend.ask()["code"] == "aadsts.50126"
    assert len(entra.token_requests) == 1
    # An administrator may say so.
    assert tokend.control("refresh", ACCOUNT)["code"] == "aadsts.50126"
    assert len(entra.token_requests) == 2
    # Another one is tried without being told.
    tokend.write_secret("password", entra.password)
    assert tokend.ask()["status"] == "ok"
    assert entra.bad_attempts(ACCOUNT) == 0


def test_password_mended_while_it_is_being_refused(tokend, entra):
    tokend.write_secret("password", "wrong")
    with entra.gate() as gate, tokend.connect() as client:
        client.send(tokend.request())
        gate.wait_held(1)
        tokend.write_secret("password", entra.password)
        gate.release()
        assert client.answer()["code"] == "aadsts.50126"
    assert tokend.ask()["status"] == "ok"


def test_expired_secret_is_shown_once(tokend, entra):
    entra.set(error="7000222")
    for _ in range(5):
        answer = tokend.ask()
    assert answer["code"] == "aadsts.7000222" and "expired" in answer["text"]
    assert tokend.secret("client") in answer["text"]
    assert len(entra.token_requests) == 1


def test_revoked_refresh_token_falls_back_to_the_password(tokend, entra):
    assert tokend.ask()["status"] == "ok"
    entra.revoke_refresh_tokens()
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    assert grants(entra) == ["password", "refresh_token", "password"]


def test_lost_refresh_token_needs_a_login(make_tokend, entra):
    tokend = make_tokend(grant="refresh_token")
    answer = tokend.ask()
    assert (answer["kind"], answer["code"]) == ("login", "login_required")
    assert "postoak login" in answer["text"]
    assert tokend.status()["state"] == "needs_login"
    assert not entra.token_requests
    assert "no token until somebody logs in: code=login_required" in tokend.read_log()
    assert "retry_in_ms" not in tokend.read_log()


# --- the store --------------------------------------------------------------

def test_refresh_token_survives_a_restart(tokend, entra):
    tokend.ask()
    tokend.kill()
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert grants(entra) == ["password", "refresh_token"]


@pytest.mark.parametrize("call, count", [
    ("write", 1), ("linkat", 1), ("renameat", 1), ("renameat", 2),
    ("fsync", 1)])
def test_killed_while_saving(make_tokend, entra, call, count):
    """At each system call between the provider's answer and the end of the
    save: what is on disk afterwards works."""
    tokend = make_tokend(root=True)
    tokend.ask()
    tokend.stop()
    path = tokend.temp_file() if call == "write" else tokend.store
    trace = [f"--trace-path={path}", f"--trace={call}"]
    # What the start itself calls comes before.
    tokend.start(strace=trace)
    tokend.stop_traced()
    with open(f"{tokend.directory}/strace", encoding="ascii") as f:
        count += f.read().count(f"{call}(")
    tokend.start(strace=[f"--inject={call}:signal=SIGKILL:when={count}", *trace])
    assert tokend.ask(wait_ms=10000) == {}
    tokend.wait_dead()
    assert len(entra.token_requests) == 2
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert grants(entra) == ["password", "refresh_token", "refresh_token"]
    assert not [f for f in os.listdir(tokend.store) if f.startswith("tmp.")]


def test_full_disk(make_tokend, entra):
    tokend = make_tokend(start=False)
    with tokend.small_store():
        tokend.start()
        tokend.ask()
        tokend.fill_store()
        answer = tokend.control("refresh", ACCOUNT)
        assert answer["status"] == "ok"  # mail goes on
        status = tokend.status()
        assert "No space left" in status["unsaved"] and status["state"] == "ok"
        assert "not saved" in tokend.read_log()
        # The next one is won with the newer refresh token, from memory.
        assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
        shown = [r.refresh_token_id for r in entra.token_requests[1:]]
        assert len(set(shown)) == 2
        tokend.kill()
        # The last good one is on disk and works.
        tokend.start()
        assert tokend.ask()["status"] == "ok"
        assert entra.token_requests[-1].refresh_token_id == shown[0]
        # Room again: what is in memory is saved at the latest at the end.
        tokend.empty_store()
        assert tokend.stop() == 0
        assert "saved after all" in tokend.read_log()
        tokend.start()
        assert tokend.ask()["status"] == "ok"
        assert entra.token_requests[-1].refresh_token_id not in shown
    assert set(grants(entra)[1:]) == {"refresh_token"}
