# SPDX-License-Identifier: Apache-2.0
"""postoak-tokend: configuration, start, reload, end, and what it costs."""
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from relay import wait_until
from relay.tokend import ACCOUNT


# --- configuration ----------------------------------------------------------

def test_bad_file_on_reload_changes_nothing(tokend, entra):
    token = tokend.ask()
    tokend.write_config(extra="\nnonsense = 5\n")
    line = tokend.config_lines()
    tokend.reload()
    where = f"{tokend.config}:{line}"
    assert where in tokend.read_log() and "nonsense" in tokend.read_log()
    assert tokend.ask()["token"] == token["token"]
    answer = tokend.control("reload")
    assert answer["kind"] == "config" and where in answer["text"]
    tokend.write_config()
    assert tokend.control("reload") == {
        "version": 1, "status": "ok", "accounts": 3}
    assert tokend.ask()["token"] == token["token"]
    assert len(entra.token_requests) == 1


def test_reload_takes_changes(tokend, entra):
    tokend.ask()
    tokend.write_config(hosts='"elsewhere.example"', listen="other.sock")
    tokend.reload()
    assert not os.path.exists(tokend.socket)
    tokend.socket = os.path.join(tokend.directory, "other.sock")
    assert tokend.ask()["code"] == "host"
    assert tokend.ask(host="elsewhere.example")["status"] == "ok"
    assert len(entra.token_requests) == 1
    tokend.write_config(accounts="", listen="other.sock")
    tokend.reload()
    assert tokend.ask()["code"] == "account"


@pytest.mark.parametrize("harm, words", [
    (lambda t: os.chmod(t.secret("password"), 0o644), "chmod 0600"),
    (lambda t: os.remove(t.secret("client")), "there is no file"),
    (lambda t: t.write_secret("client", ""), "empty"),
    (lambda t: os.makedirs(t.store, 0o755), "chmod 0700"),
    (lambda t: t.write_config(extra="\nx\n"), "postoak.conf:"),
])
def test_check(make_tokend, harm, words):
    tokend = make_tokend(start=False)
    good = tokend.check()
    assert (good.returncode, good.stderr) == (0, "")
    assert not os.path.exists(tokend.store)
    harm(tokend)
    bad = tokend.check()
    assert bad.returncode == 78 and words in bad.stderr
    assert re.match(r"/\S+", bad.stderr) or tokend.store in bad.stderr


def test_background(make_tokend):
    """Without -f the command returns when tokend answers, or with its error."""
    tokend = make_tokend(start=False)
    tokend.write_config(extra="\nx\n")
    argv = [tokend.program, "-c", tokend.config]
    assert subprocess.run(argv, stderr=subprocess.PIPE).returncode == 78
    tokend.write_config()
    assert subprocess.run(argv, timeout=60).returncode == 0
    pid = tokend.control("status")["program"]["pid"]
    try:
        assert tokend.ask()["status"] == "ok"
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not os.path.exists(tokend.socket), "its end")


def test_second_daemon_is_refused(tokend, make_tokend):
    out = subprocess.run([tokend.program, "-f", "-c", tokend.config],
                         capture_output=True, text=True, timeout=60)
    assert out.returncode == 78 and "another" in out.stderr
    assert tokend.ask()["status"] == "ok"


# --- life -------------------------------------------------------------------

def test_socket_activation(make_tokend):
    """The manager's sockets are used, and left behind for the next one."""
    tokend = make_tokend(start=False)
    listeners = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for listener, path in zip(listeners, (tokend.control_path, tokend.socket)):
        listener.bind(path)
        listener.listen(5)
    # Who connects before it runs is served when it does.
    with tokend.connect() as client:
        client.send(tokend.request())
        tokend.start(pass_sockets=listeners)
        assert client.answer()["status"] == "ok"
    assert tokend.status()["state"] == "ok"
    tokend.stop()
    assert os.path.exists(tokend.socket)
    with tokend.connect() as client:
        client.send(tokend.request())
        tokend.start(pass_sockets=listeners)
        assert client.answer()["status"] == "ok"


def test_stop_tells_those_who_wait(tokend, entra):
    entra.set(behaviour="silent")
    with tokend.connect() as client:
        client.send(tokend.request(wait_ms=60000))
        wait_until(lambda: tokend.status()["waiters"] == 1, "a waiter")
        tokend.signal(signal.SIGTERM)
        answer = client.answer()
        assert (answer["kind"], answer["code"]) == ("temporary", "stopping")
    assert tokend.stop() == 0
    assert not os.path.exists(tokend.socket)
    assert not os.path.exists(tokend.control_path)


def test_answer_on_its_way_is_saved_at_the_end(tokend, entra):
    tokend.ask()
    with entra.gate() as gate:
        done = threading.Thread(
            target=tokend.control, args=("refresh", ACCOUNT))
        done.start()
        gate.wait_held(1)
        tokend.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in tokend.read_log(), "the end's begin")
        gate.release()
    assert tokend.stop() == 0
    done.join()
    saved = entra.token_requests[-1].new_refresh_token_id
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert entra.token_requests[-1].refresh_token_id == saved


def test_one_user_cannot_take_all_places(make_tokend):
    tokend = make_tokend(open_files=700)
    sockets = [tokend.connect() for _ in range(3)]
    assert tokend.crowd_as(65534, 600) < 100
    for client in sockets:
        client.send(tokend.request())
        assert client.answer()["status"] == "ok"
        client.close()


def test_nothing_wakes_it_while_nothing_is_due(tokend):
    tokend.ask()
    tokend.status()

    def asleep():
        with open(f"/proc/{tokend.pid}/stat", encoding="ascii") as f:
            return f.read().rpartition(")")[2].split()[0] == "S"

    def switches():
        with open(f"/proc/{tokend.pid}/status", encoding="ascii") as f:
            return sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)",
                                                  f.read()))
    seen = [0]

    def settled():
        """It has gone back to sleep after its last answer."""
        seen.append(switches())
        return seen[-1] == seen[-2] and asleep()
    # A second after the first token it writes its notes, for good.
    wait_until(lambda: os.path.exists(os.path.join(tokend.store, ".notes")),
               "the notes")
    wait_until(settled, "tokend to go to sleep")
    before = switches()
    threading.Event().wait(2)  # the time that is measured
    assert switches() == before


def test_no_secret_is_logged(tokend, entra):
    token = tokend.ask()["token"]
    tokend.control("refresh", ACCOUNT)
    tokend.write_secret("password", "another-wrong-one")
    entra.revoke_refresh_tokens()
    tokend.control("refresh", ACCOUNT)
    log = tokend.read_log()
    assert "token obtained" in log and "token refused" in log
    # Refresh tokens and access tokens begin like this in the stand-in.
    for secret in (entra.client_secret, entra.password, "another-wrong-one",
                   token, "1.AX0A", "eyJ"):
        assert secret not in log


# --- many accounts ----------------------------------------------------------

CROWD = "".join(f"""
account "user{i}@contoso.com" {{{{
    application   = "contoso"
    grant         = "password"
    password_file = "secrets/password"
}}}}""" for i in range(40))


def test_a_crowd_takes_turns(make_tokend, entra):
    """So many exchanges with one provider at a time, and all get their turn;
    the end does not wait for those who have none yet."""
    for i in range(40):
        entra.add_user(f"user{i}@contoso.com", entra.password)
    tokend = make_tokend(start=False)
    tokend.write_config(accounts=CROWD)
    tokend.start()
    clients = []
    with entra.gate() as gate:
        for i in range(40):
            clients.append(tokend.connect())
            clients[-1].send(tokend.request(
                account=f"user{i}@contoso.com", wait_ms=30000))
        wait_until(lambda: sum(a["waiters"] for a in tokend.control("status")
                               ["accounts"]) == 40, "40 waiters")
        gate.wait_held(16)
        assert len(entra.token_requests) == 16
        gate.release()
    assert {c.answer()["status"] for c in clients} == {"ok"}
    assert len(entra.token_requests) == 40
    with entra.gate() as gate:
        tokend.restart()
        for i in range(40):
            clients[i].close()
            clients[i] = tokend.connect()
            clients[i].send(tokend.request(
                account=f"user{i}@contoso.com", wait_ms=30000))
        gate.wait_held(16)
        tokend.signal(signal.SIGTERM)
        assert {c.answer()["code"] for c in clients} == {"stopping"}
        gate.release()
    assert tokend.stop() == 0
    assert len(entra.token_requests) == 56
    for client in clients:
        client.close()
