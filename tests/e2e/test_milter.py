# SPDX-License-Identifier: Apache-2.0
"""The milter by its own protocol: any message, also those no MTA would send.

What comes with a real Postfix is in test_relay.py."""
import concurrent.futures
import email.header
import os
import re
import signal
import stat
import subprocess
import threading
import time

import pytest

from milter_client import (ADD_FIELD, ADD_RECIPIENT, CHANGE_FIELD,
                           CHANGE_SENDER, DELETE_RECIPIENT, NO_BODY,
                           NO_DATA, NO_EOH, NO_HELO, NO_UNKNOWN, NR_BODY,
                           NR_CONNECT, NR_HEADER, NR_MAIL, NR_RCPT, Milter,
                           Result)
from milter_server import DOMAIN, OWN, UNLIMITED, account, promise
from relay import wait_until
from relay.process import free_port


LEAN = (NO_HELO | NO_DATA | NO_EOH | NO_UNKNOWN | NO_BODY
        | NR_CONNECT | NR_MAIL | NR_RCPT | NR_HEADER)


@pytest.mark.parametrize("more, steps", [
    ("", LEAN),
    ('max_message_size = "1M"', LEAN & ~NR_MAIL),
    ('limits = { "1G bytes / 1h" }', LEAN & ~NO_BODY | NR_BODY)])
def test_negotiates_lean(serve, more, steps):
    """Exactly what is needed, and no macro that is not."""
    with serve(account(more)).client() as client:
        assert client.steps == steps
        assert client.actions == (ADD_FIELD | CHANGE_FIELD | CHANGE_SENDER
                                  | DELETE_RECIPIENT | ADD_RECIPIENT)
        assert client.macros_wanted == {
            "connect": "", "helo": "", "mail": "{auth_authen}", "rcpt": "",
            "data": "", "eoh": "", "end": "i"}


def test_an_mta_without_the_new_steps(serve):
    """sendmail of old: every stage is answered."""
    server = serve()
    with server.client(steps=0x7F) as client:
        result = client.send("<erp@app.example>", ["a@example.net"],
                             [("From", "erp@app.example")])
        promise(result)


def test_sender_and_from_are_rewritten(serve):
    result = serve().send("<erp@app.example>", headers=[
        ("Received", "from x by y; date"),
        ("From", "ERP Büro <erp@app.example>"),
        ("Sender", "root@app.example"),
        ("Bcc", "secret@example.net"),
        ("Subject", "Invoice")], queue_id="4ABC")
    promise(result)
    assert result.sender == b"<relay@contoso.com>"
    name = email.header.make_header(email.header.decode_header(
        result.fields("From")[0].decode()))
    assert str(name).startswith("ERP Büro ")
    assert not result.fields("Sender") and not result.fields("Bcc")
    assert b"erp@app.example" in result.fields("Reply-To")[0]
    assert result.fields("Subject") == [b"Invoice"]


def test_allowed_message_is_not_touched(serve):
    result = serve().send(headers=[("From", f"Relay <{OWN}>"), ("To", "x")])
    assert result.action == "continue" and result.edits == []


def test_null_sender(serve):
    result = serve().send("<>", headers=[
        ("From", "MAILER-DAEMON@host.example"), ("Subject", "Undelivered")])
    promise(result)
    assert result.sender == b"<relay@contoso.com>"
    assert result.fields("Auto-Submitted") == [b"auto-generated"]


def test_local_mail_has_bare_addresses(serve):
    """non_smtpd_milters: no angle brackets, no AUTH, empty null sender."""
    server = serve()
    promise(server.send("root@host.example", ["a@example.net"],
                        [("From", "root@host.example (root)")]))
    promise(server.send("", ["a@example.net"], [("From", "x@host.example")]))


@pytest.mark.parametrize("headers", [
    [],
    [("From", "")],
    [("From", "Only A Name")],
    [("From", OWN), ("From", "evil@example.com")],
    [("FROM", "evil@example.com"), ("from", OWN), ("From", OWN)],
    [("From ", "evil@example.com"), ("From", OWN)],
    [("From", f"{OWN}, evil@example.com")],
    [("From", f"evil@example.com <{OWN}>")],
    [("From", f"<{OWN}>(<evil@example.com>)")],
    [("From", f"\n {OWN}\n <evil@example.com>")],
    [("From", b"\xff\xfe <evil@example.com>")],
    [("From", f'"{OWN}" <evil@example.com>')],
    [("From", "=?utf-8?q?" + OWN.replace("@", "=40") + "?= <evil@example.com>")],
    [("From", f"G: {OWN}, evil@example.com;")],
    [("From", f"{OWN}\r")],
    [("From", "x" * 100000 + f" <{OWN}>")],
    [("From", "(" * 50000 + f" {OWN}")],
])
def test_hostile_from(serve, headers):
    result = serve().send("<evil@example.com>", headers=headers)
    promise(result)


@pytest.mark.parametrize("local", [
    '"evil@x.example"', '"x>,<evil@x.example"', "=?utf-8?q?evil=40x.example=3E?="])
def test_a_domain_does_not_mean_every_spelling(serve, local):
    """Some readers take another address out of these."""
    alias = f"<{local}@alias.contoso.com>"
    server = serve(account('send_as = { "@alias.contoso.com" }\n'
                           'senders = { "@alias.contoso.com" }')
                   + DOMAIN.format(more=UNLIMITED))
    promise(server.send(headers=[("From", alias)]))
    result = server.send(alias, headers=[("From", OWN)])
    assert result.sender == f"<{OWN}>".encode()
    result = server.send(f"<{local}@fabrikam.com>", headers=[("From", OWN)])
    assert result.reply.startswith(b"550 5.7.1 neither "), result.reply


def test_ten_thousand_fields(serve):
    """Other fields do not matter; a sender field without end is refused."""
    server = serve()
    fields = [(f"X-{i}", "v") for i in range(10000)]
    promise(server.send("<erp@app.example>",
                        headers=fields + [("From", "erp@app.example")]))
    result = server.send(headers=[("From", OWN)] * 10000)
    assert result.action == "reply" and result.reply.startswith(b"550 5.7.1 ")


def test_reject_names_what_is_allowed(serve):
    server = serve(account('on_sender = "reject" send_as = { "sales@contoso.com" }'))
    result = server.send("<erp@app.example>", headers=[("From", OWN)])
    assert result.reply == (
        b"550 5.7.1 the envelope sender <erp@app.example> is not this "
        b"account's; send as relay@contoso.com, sales@contoso.com")
    assert server.send(headers=[("From", OWN)]).edits == []
    # A percent sign is one, and nothing of the sender's breaks the reply.
    result = server.send(b"<100%\xc3\xbc@app.example>")
    assert b"<100%%??@app.example>" in result.reply or b"<100%??@app.example>" in result.reply


def test_whose_mail(serve):
    accounts = (account('logins = { "magma" }') +
                account('senders = { "@app.example" }', "b@contoso.com") +
                account('clients = { "10.1.0.0/16" }', "c@contoso.com") +
                DOMAIN.format(more=""))
    server = serve(accounts, unmatched="reject")

    def becomes(sender, login=None, address="192.0.2.1"):
        with Milter(server.socket) as client:
            client.connect(address)
            result = client.send(sender, ["x@y.example"], [("From", "f@g.h")],
                                 login=login)
            return result.sender or result.reply
    assert becomes("<x@app.example>", login="magma") == b"<relay@contoso.com>"
    assert becomes("<x@app.example>") == b"<b@contoso.com>"
    assert becomes("<x@y.example>", address="10.1.2.3") == b"<c@contoso.com>"
    assert becomes("<x@y.example>").startswith(b"550 5.7.1 ")
    with server.client() as client:
        result = client.send("<ann@fabrikam.com>", ["x@y.example"],
                             [("From", "bob@fabrikam.com")])
        promise(result, ("ann@fabrikam.com",))


def test_domain_account_has_a_limit_per_mailbox(serve):
    server = serve(DOMAIN.format(more='limits = { "1 messages / 1h" }'))

    def send(mailbox):
        return server.send(f"<{mailbox}>", headers=[("From", mailbox)])
    assert send("ann@fabrikam.com").action == "continue"
    assert send("bob@fabrikam.com").action == "continue"
    assert send("Ann@Fabrikam.com").reply.startswith(
        b"451 4.7.1 account Ann@Fabrikam.com has sent 1 of 1 messages in the "
        b"last hour; try again in ")
    assert send("ann@elsewhere.example").reply.startswith(b"550 5.7.1 ")
    used = server.limits("ann@fabrikam.com")[0]["limits"][0]
    assert used["used"] == 1 and used["max"] == 1


def test_limit_says_how_long_to_wait(serve):
    server = serve(account('limits = { "3 messages / 1m", "10 recipients / 24h" }'))
    for _ in range(3):
        assert server.send().action == "continue"
    result = server.send(queue_id="4DEF")
    assert re.fullmatch(
        rb"451 4\.7\.1 account relay@contoso\.com has sent 3 of 3 messages in "
        rb"the last minute; try again in (\d\d) seconds", result.reply), result.reply
    assert "4DEF: limited: account=relay@contoso.com" in server.log()
    messages, recipients = server.limits()[0]["limits"]
    assert (messages["used"], messages["unit"], messages["window_s"]) == (3, "messages", 60)
    assert 0 < messages["frees_at"] - time.time() <= 62
    assert (recipients["used"], recipients["max"]) == (3, 10)


def test_more_recipients_than_ever_fit(serve):
    server = serve(account('limits = { "5 recipients / 24h" }'))
    result = server.send(recipients=["a@example.net"] * 6)
    assert result.reply == (
        b"550 5.7.1 account relay@contoso.com may send 5 recipients in 1 "
        b"day and this message alone has 6")
    assert server.send(recipients=["a@example.net"] * 5).action == "continue"
    assert b"and this message has 2" in server.send(recipients=["a@b.example"] * 2).reply


def test_external_recipients(serve):
    server = serve(account('internal_domains = { "contoso.com" } '
                           'limits = { "2 external_recipients / 1h" }'))
    for _ in range(3):
        assert server.send(recipients=["a@Contoso.com", "b@contoso.com"]).action == "continue"
    assert server.send(recipients=["a@contoso.com", "x@y.example", "local"]).action == "continue"
    result = server.send(recipients=["x@y.example"])
    assert b"2 of 2 external recipients in the last hour" in result.reply


def test_bytes_and_scopes(serve):
    server = serve(account('limits = { "login 2 messages / 1h", "5000 bytes / 1h" }'))
    assert server.send(login="a").action == "continue"
    assert server.send(login="a").action == "continue"
    assert b"login a has sent 2 of 2" in server.send(login="a").reply
    assert server.send(login="b").action == "continue"
    result = server.send(login="c", body=b"x" * 4900)
    assert b"bytes in the last hour" in result.reply


def test_a_sender_is_one_however_it_is_written(serve):
    server = serve(account('limits = { "sender 1 messages / 1h" }'))
    assert server.send("<a@b.example>").action == "continue"
    for sender in ("a@b.example", '<"a"@b.example>', "<@c.example:A@B.example>"):
        assert b"1 of 1" in server.send(sender).reply, sender


@pytest.mark.parametrize("actions,expected", [
    ('"hold", "tempfail"', b"451 4.7.1 "),
    ('"hold"', b"451 4.7.1 "),
    ('"reject"', b"550 5.7.1 "),
    ('"hold", "reject"', b"550 5.7.1 "),
])
def test_on_limit(serve, actions, expected):
    server = serve(account(f'limits = {{ "1 messages / 1h" }} on_limit = {{ {actions} }}'))
    assert server.send().action == "continue"
    assert server.send().reply.startswith(expected)


def test_observe_only_logs(serve):
    server = serve(account('limits = { "1 messages / 1h" } on_limit = { "observe" }'))
    for _ in range(3):
        assert server.send(queue_id="Q").action == "continue"
    assert server.send(queue_id="R").action == "continue"
    assert "R: passed: " in server.log()
    assert "only observed: account relay@contoso.com has sent" in server.log()


def test_refused_and_aborted_messages_cost_nothing(serve):
    server = serve(account('limits = { "2 messages / 1h" } on_sender = "reject"'))
    for _ in range(5):
        assert server.send("<x@y.example>").reply.startswith(b"550")
    with server.client() as client:
        client._packet(b"M", b"<relay@contoso.com>\0")
        client._packet(b"R", b"<a@b.example>\0")
        client.abort()
    assert server.limits()[0]["limits"][0]["used"] == 0


def test_sizes(serve):
    server = serve(account('max_message_size = "1M" max_recipients = 3'))
    with server.client() as client:
        assert not client.steps & NR_MAIL
        result = client.send("<erp@app.example>", ["a@b.example"],
                             [("From", OWN)], size=1048577)
        assert result.stage == "M" and result.reply.startswith(b"552 5.3.4 ")
        assert client.send("<erp@app.example>", ["a@b.example"],
                           [("From", OWN)], size=1048576).action == "continue"
    result = server.send(recipients=["a@b.example"] * 4)
    assert result.reply.startswith(b"550 5.5.3 ")
    assert b"smtp_destination_recipient_limit = 3" in result.reply


def test_a_size_not_declared_is_seen_with_a_limit_of_bytes_only(serve):
    body = 12000 * b"x"
    result = serve(account('max_message_size = "10K"')).send(body=body)
    assert result.action == "continue"
    server = serve(account('max_message_size = "10K" limits = { "1G bytes / 1h" }'))
    assert server.send(body=body).reply.startswith(b"552 5.3.4 ")
    assert server.send().action == "continue"


def test_counters_survive_kill(serve):
    server = serve(account('limits = { "50 messages / 1h" }'))
    counted = 0
    for _ in range(3):
        with server.client() as client:
            for i in range(13):
                assert client.send(f"<{OWN}>", ["a@b.example"],
                                   [("From", OWN)]).action == "continue"
                counted += 1
        server.daemon.kill()
        server.start()  # over the stale sockets
        assert server.limits()[0]["limits"][0]["used"] == counted


def test_a_repeated_queue_id_counts_once(serve):
    server = serve(account('limits = { "2 messages / 1h" }'))
    for _ in range(5):
        assert server.send(queue_id="4XYZ").action == "continue"
    assert server.limits()[0]["limits"][0]["used"] == 1


def test_a_reused_queue_id_counts_again(serve):
    """Postfix gives a queue id to another message soon after."""
    server = serve(account('limits = { "4 messages / 1h" }'))
    for to, more in (("a@x.example", []), ("b@x.example", []),
                     ("a@x.example", [("Subject", "x")]),
                     ("a@x.example", [("Subjec", "tx")])):
        promise(server.send("<a@b.example>", [to], [("From", OWN)] + more, queue_id="4X"))
    assert b"4 of 4" in server.send(queue_id="4Y").reply


def test_many_sessions_never_exceed(serve):
    server = serve(account('limits = { "100 messages / 1h" }'))

    def session(number):
        granted = 0
        with server.client() as client:
            for i in range(20):
                result = client.send("<erp@app.example>", ["a@b.example"],
                                     [("From", "erp@app.example")],
                                     queue_id=f"{number}-{i}")
                granted += result.action == "continue"
        return granted
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(session, range(20))) == 100


def test_reload(serve):
    server = serve(account('limits = { "5 messages / 1h" }'))
    assert server.send().action == "continue"
    server.write(account('limits = { "1 messages / 1h" } send_as = { "x@y.example" }'))
    answer, = server.control({"version": 1, "verb": "reload"})
    assert answer == {"version": 1, "status": "ok", "accounts": 1}
    # Changing the number keeps what was counted.
    assert b"1 of 1" in server.send().reply
    server.write(account('limits = { "0x7 lemons / 1h" }'))
    answer, = server.control({"version": 1, "verb": "reload"})
    assert answer["status"] == "error" and answer["kind"] == "config"
    assert f"{server.config}:" in answer["text"]
    server.daemon.signal(signal.SIGHUP)
    wait_until(lambda: server.log().count("the running one stays") == 2, "the line")
    assert b"1 of 1" in server.send().reply
    server.write(account('limits = { "3 messages / 1h" }'))
    server.daemon.reload()
    assert server.send().action == "continue"


def test_a_storm_of_signals_only_reloads(serve):
    """However they fall together, libmilter's own thread gets none of them,
    and the last one is obeyed."""
    server = serve()
    stop = threading.Event()

    def storm():
        while not stop.is_set():
            server.daemon.signal(signal.SIGHUP)
    threads = [threading.Thread(target=storm) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(100):
            assert server.send("<erp@app.example>").action == "continue"
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    server.daemon.signal(signal.SIGHUP)
    server.daemon.signal(signal.SIGTERM)
    assert server.daemon.process.wait(60) == 0
    assert server.log().rstrip().endswith("stopped")


def test_a_message_keeps_its_configuration(serve):
    server = serve(account('max_message_size = "1M"'))
    with server.client() as client:
        result = Result([(b"From", b"erp@app.example")])
        assert client.mail(result, "<erp@app.example>")
        server.write(account("", "other@contoso.com"))
        server.control({"version": 1, "verb": "reload"})
        client.rcpt(result, "<a@b.example>")
        client.header(result, *result.headers[0])
        promise(client.end(result))
        result = client.send("<erp@app.example>", ["a@b.example"], [("From", "e@a.example")])
        promise(result, ("other@contoso.com",))


def test_stop_lets_a_message_end(serve):
    server = serve(account('max_message_size = "1M"'))
    with server.client() as client:
        result = Result([(b"From", b"erp@app.example")])
        assert client.mail(result, "<erp@app.example>")
        server.daemon.signal(signal.SIGTERM)
        wait_until(lambda: not os.path.exists(server.socket), "no new connections")
        client.rcpt(result, "<a@b.example>")
        client.header(result, *result.headers[0])
        promise(client.end(result))
    assert server.daemon.stop() == 0


def test_socket_file(serve, directory):
    server = serve()
    mode = os.stat(server.socket).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o660
    # A second one is refused, the first one undisturbed.
    second = os.path.join(directory, "second.conf")
    os.mkdir(os.path.join(directory, "counters"), 0o700)
    for there, said in (server.directory, "counts in"), (directory, "answers on"):
        with open(server.config) as old, open(second, "w") as new:
            new.write(old.read().replace(f"{server.directory}/counters",
                                         f"{there}/counters"))
        out = subprocess.run([server.program, "-f", "-c", second],
                             capture_output=True, text=True, timeout=60)
        assert out.returncode == 78 and said in out.stderr
    assert server.send().action == "continue"
    assert server.daemon.stop() == 0
    assert not os.path.exists(server.socket)


def test_tcp(serve):
    port = free_port()
    server = serve(listen=f"inet:{port}@127.0.0.1")
    server.socket = ("127.0.0.1", port)
    promise(server.send("<erp@app.example>"))


def test_control_socket_takes_no_nonsense(serve):
    server = serve()
    answers = server.control(
        b"nonsense\n", b'{"version":2,"verb":"limits"}\n', b"{}\n",
        {"version": 1, "verb": "dance"},
        {"version": 1, "verb": "limits", "account": "x@y.example"},
        {"version": 1, "verb": "limits"})
    assert [a["status"] for a in answers] == ["error"] * 5 + ["ok"]
    assert answers[3]["code"] == "verb" and answers[4]["code"] == "account"
