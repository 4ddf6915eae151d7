# SPDX-License-Identifier: Apache-2.0
"""The milter is killed (SIGKILL) at each callback under a real Postfix and a real
sendmail: nothing passes that is not rewritten, nothing is lost, nothing comes
twice."""
import json
import os
import signal
import smtplib
import socket

import pytest

from milter_proxy import Proxy
from relay import wait_until
from relay.relay import OFFICE
from relay.sendmail import SERVER, Sendmail

OWN = "relay@contoso.com"
SOCKET = "run/postoak-milter/proxy.sock"

# Of the MTA's packets. Each callback the milter asks for, and its end: Postfix
# has then no answer, so that the client has none either.
AT = {
    "connect": {"command": b"C"},
    "mail": {"command": b"M"},
    "rcpt": {"command": b"R"},
    "second recipient": {"command": b"R", "count": 2},
    "header": {"command": b"L"},
    "last header": {"command": b"L", "count": 6},
    "end, before it is told": {"command": b"E", "before": True},
    "counted, nothing answered": {"command": b"e", "answer": True, "before": True},
    "between the edits": {"command": b"m", "answer": True},
    "edited, no verdict": {"command": b"c", "answer": True, "before": True},
}


@pytest.fixture
def proxied(make_relay):
    """A relay whose Postfix reaches its milter through a proxy."""
    relay = make_relay(start=False)
    relay.postfix.settings.update(smtpd_milters=f"unix:{SOCKET}",
                                  non_smtpd_milters=f"unix:{SOCKET}")
    directory = os.path.join(relay.directory, "spool")
    relay.proxy = Proxy(os.path.join(directory, SOCKET), os.path.join(
        directory, "run/postoak-milter/milter.sock"))
    relay.tokend.start()
    relay.milter.start()
    relay.postfix.start()
    yield relay
    relay.proxy.close()


def kill(relay):
    """Dead when it returns, so that what is handed on reaches nobody."""
    os.kill(relay.milter.pid, signal.SIGKILL)
    os.waitid(os.P_PID, relay.milter.pid, os.WEXITED | os.WNOWAIT)


def restart(relay):
    relay.milter.kill()
    relay.milter.start()


def used(relay):
    """Messages counted."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(os.path.join(relay.directory, "run-milter", "control.sock"))
        s.sendall(b'{"version": 1, "verb": "limits"}\n')
        answer = json.loads(s.makefile().readline())
    return answer["accounts"][0]["limits"][0]["used"]


def check(message, subject):
    assert message.header("Subject") == [subject]
    assert message.mail_from == OWN
    value, = message.header("From")
    assert value == f"ERP System <{OWN}>"


def test_killed_at_each_callback(proxied, office):
    relay, counted, to = proxied, 0, ["a@example.net", "b@example.net"]
    for number, (name, when) in enumerate(AT.items()):
        relay.proxy.arm(action=lambda: kill(relay), **when)
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            relay.send(subject=name, to=to)
        assert relay.proxy.fired(), name
        assert 400 <= refused.value.smtp_code < 500, (name, refused.value)
        restart(relay)
        # What was counted for a message without a verdict is not given back:
        # one too many, never one too few.
        counted += "answer" in when
        assert used(relay) == counted, name
        relay.send(subject=name, to=to)
        check(office.wait_messages(number + 1, 30)[-1], name)
        counted += 1
        assert used(relay) == counted, name
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")
    assert len(office.messages()) == len(AT)


def test_killed_after_its_verdict(proxied, office):
    """Postfix has it all: the message goes its way, once."""
    relay = proxied
    relay.proxy.arm(b"c", lambda: kill(relay), answer=True)
    relay.send(subject="verdict")
    check(office.wait_messages(1, 30)[-1], "verdict")
    restart(relay)
    assert relay.proxy.fired() and used(relay) == 1
    relay.send(subject="after it")
    check(office.wait_messages(2, 30)[-1], "after it")
    assert used(relay) == 2


@pytest.mark.parametrize("at", ["mail", "end, before it is told",
                                "between the edits"])
def test_killed_while_local_mail_comes_in(proxied, office, at):
    """It stays in maildrop; pickup comes again, here with the next message."""
    relay = proxied
    relay.proxy.arm(action=lambda: kill(relay), **AT[at])

    def local(subject):
        relay.sendmail("erp@app.example", "someone@example.net",
                       b"From: ERP System <erp@app.example>\n"
                       b"Subject: " + subject + b"\n\ntext\n")
    local(b"first")
    relay.postfix.wait_log(r"milter-reject: .* 4\.7\.1 ")
    restart(relay)
    local(b"second")
    messages = office.wait_messages(2, 90)
    assert sorted(m.header("Subject")[0] for m in messages) == ["first", "second"]
    for message in messages:
        check(message, message.header("Subject")[0])
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")


@pytest.fixture
def proxied_sendmail(make_relay, office, build):
    office.set(token_bytes=1200)
    relay = make_relay(start=False)
    relay.write_config(office=OFFICE.replace('"localhost"', f'"{SERVER}"'))
    directory = os.path.join(relay.directory, "spool")
    relay.proxy = Proxy(os.path.join(directory, SOCKET), os.path.join(
        directory, "run/postoak-milter/milter.sock"))
    relay.tokend.start()
    relay.milter.start()
    sendmail = Sendmail(relay, build, office, milter=relay.proxy.path)
    try:
        sendmail.start()
        # Whoever looked whether it listens was a client, too.
        relay.proxy.wait_ended(1)
        yield sendmail
    finally:
        sendmail.stop()
        relay.proxy.close()


def submit(port, subject):
    """The first reply that is no success, or the last one's code."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.ehlo()
        text = f"From: ERP System <erp@app.example>\r\nSubject: {subject}\r\n\r\nx\r\n"
        for step in (lambda: client.mail("erp@app.example"),
                     lambda: client.rcpt("someone@example.net"),
                     lambda: client.data(text)):
            try:
                code, _ = step()
            except smtplib.SMTPResponseException as refused:
                code = refused.smtp_code
            if code >= 300:
                return code
    return code


def test_sendmail_at_each_callback(proxied_sendmail, office):
    """F=T, as the manual has it: whoever submits is told to come again."""
    relay, counted, number = proxied_sendmail.relay, 0, 0
    for name, when in AT.items():
        if when.get("count"):  # one of a kind is enough
            continue
        relay.proxy.arm(action=lambda: kill(relay), **when)
        assert 400 <= submit(proxied_sendmail.port, name) < 500, name
        assert relay.proxy.fired(), name
        restart(relay)
        counted += "answer" in when
        assert used(relay) == counted, name
        assert submit(proxied_sendmail.port, name) == 250, name
        number, counted = number + 1, counted + 1
        check(office.wait_messages(number)[-1], name)
        assert used(relay) == counted, name
    wait_until(lambda: not proxied_sendmail.queue(), "an empty queue")
    assert len(office.messages()) == number
