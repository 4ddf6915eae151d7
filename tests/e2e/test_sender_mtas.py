# SPDX-License-Identifier: Apache-2.0
"""The sender rules with both mail servers and both ways in: SMTP and the
sendmail command (Postfix: non_smtpd_milters; sendmail: submit.cf). Each reads,
counts and edits header fields in its own way."""
import os
import re
import smtplib
import subprocess

import pytest

from relay import wait_until
from relay.relay import OFFICE
from relay.sendmail import SERVER, Sendmail

OWN, SALES = "relay@contoso.com", "sales@contoso.com"
EVIL = "evil@example.com"


def by_smtp(port):
    """Bytes as they are: smtplib would mend line breaks."""
    def submit(sender, head):
        with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
            client.ehlo()
            assert client.mail(sender)[0] == 250
            assert client.rcpt("someone@example.net")[0] == 250
            assert client.docmd("DATA")[0] == 354
            client.send(head.replace(b"\n", b"\r\n") + b"\r\nbody\r\n.\r\n")
            return client.getreply()
    return submit


def by_command(command):
    def submit(sender, head):
        command(sender, "someone@example.net", head + b"\nbody\n")
        return 250, b""
    return submit


@pytest.fixture(params=["Postfix", "Postfix by command", "sendmail", "sendmail by command"])
def submit(request, make_relay, office, build):
    """One of the four ways in."""
    command = request.param.endswith("command")
    if request.param.startswith("Postfix"):
        relay = make_relay()
        yield by_command(relay.sendmail) if command else by_smtp(relay.postfix.port)
        return
    office.set(token_bytes=1200)
    relay = make_relay(start=False)
    relay.write_config(office=OFFICE.replace('"localhost"', f'"{SERVER}"'))
    relay.tokend.start()
    relay.milter.start()
    sendmail = Sendmail(relay, build, office, milter=os.path.join(
        relay.directory, "spool/run/postoak-milter/milter.sock"))
    try:
        sendmail.start()
        yield by_command(sendmail.command) if command else by_smtp(sendmail.port)
    finally:
        sendmail.stop()


# What is sent from EVIL, and the name that is left in From (None: any).
REWRITTEN = [
    (b"From: ERP System <evil@example.com>\n", "ERP System"),
    (b"From:ERP System <evil@example.com>\n", "ERP System"),
    (b"From: \t  ERP System <evil@example.com>\n", "ERP System"),
    (b"From:\n \"Other,\n Ann\"\n <evil\n @\n example.com>\n", '"Other, Ann"'),
    (b"From: relay@contoso.com\nSubject: x\nFrom: evil@example.com\nfrom: c@d.example\n", ""),
    (b"From : evil@example.com\nFROM: relay@contoso.com\n", ""),
    (b"From\t: evil@example.com\n", None),
    (b"From: relay@contoso.com, evil@example.com\n", ""),
    (b"From: relay@contoso.com, evil@example.com\nSender: relay@contoso.com\n", ""),
    (b"From: Team: relay@contoso.com, evil@example.com;\n", ""),
    (b"From: Evil\n", None),
    (b"From: \"relay@contoso.com\" <evil@example.com>\n", '"relay@contoso.com"'),
    (b"From: =?utf-8?q?=3Crelay=40contoso=2Ecom=3E?= <evil@example.com>\n", None),
    (b"From: J\xc3\xbcrgen <evil@example.com>\n", "=?utf-8?b?SsO8cmdlbg==?="),
    (b"From: J\xfcrgen <evil@example.com>\n", "=?windows-1252?b?SvxyZ2Vu?="),
    (b"From: relay@contoso.com\0 <evil@example.com>\n", None),
    (b"From: " + b"(" * 5000 + b" <relay@contoso.com>\n", None),
    (b"Subject: x\n", None),
    (b"From:\nSubject: x\n", None),
    (b"Fr0m: evil@example.com\nFrom: ERP <evil@example.com>\nX-From: boss@contoso.com\n", "ERP"),
]


def values(message, name):
    return [" ".join(value.split()) for value in message.header(name)]


def check_from(message, name, what):
    assert message.mail_from == OWN, what
    value, = values(message, "From")
    shown, _, address = value.rpartition(" ") if " " in value else ("", "", value)
    assert address.lower() in (OWN, f"<{OWN}>"), (what, value)
    assert name is None or shown == name, (what, value)
    assert all(len(line) <= 78 for v in message.header("From")
               for line in ("From: " + v).splitlines()), (what, value)


def test_every_sender_becomes_the_accounts(submit, office):
    for number, (head, name) in enumerate(REWRITTEN, 1):
        code, reply = submit(EVIL, head + b"To: someone@example.net\n")
        assert code == 250, (head, reply)
        check_from(office.wait_messages(number, 30)[-1], name, head)


def test_a_bare_carriage_return(submit, office):
    """Postfix makes a blank of it, sendmail refuses it: behind none of them
    begins another field. (From other MTAs the milter refuses it.)"""
    submit(EVIL, b"From: relay@contoso.com\r <evil@example.com>\nTo: a@b.example\n")
    try:
        submit(EVIL, b"From: relay@contoso.com\nX-Y: x\rFrom: evil@example.com\n")
    except RuntimeError:
        pass  # the sendmail command reports it
    except subprocess.CalledProcessError:
        pass
    submit(EVIL, b"From: x@y.example\nTo: someone@example.net\nSubject: last\n")
    wait_until(lambda: ["last"] in [m.header("Subject") for m in office.messages()], "the last")
    for message in office.messages():
        check_from(message, None, message.raw)
        assert not re.search(rb"\r(?!\n)", message.raw), message.raw


def test_other_fields(submit, office):
    submit(EVIL, b"DKIM-Signature: v=1; h=From:To; d=example.com; b=x\nBcc: a@b.example\n"
                 b"From: ERP <evil@example.com>\nSender: x@y.example\nbcc: c@d.example\n"
                 b"Sender: z@y.example\nX-Original-From: forged@example.com\n"
                 b"DKIM-Signature: v=1; h=Subject; d=example.com; b=y\n"
                 b"Return-Path: <q@r.example>\nResent-From: evil@example.com\n"
                 b"Resent-Sender: evil@example.com\nSubject: kept\n"
                 b"Reply-To: Desk <desk@app.example>\nTo: someone@example.net\n")
    message = office.wait_messages(1, 30)[0]
    assert values(message, "From") == [f"ERP <{OWN}>"]
    assert values(message, "Reply-To") == ["Desk <desk@app.example>"]
    assert values(message, "X-Original-From") == ["ERP <evil@example.com>"]
    assert values(message, "Subject") == ["kept"]
    for name in ("Bcc", "Sender", "Resent-From", "Resent-Sender"):
        assert not message.header(name), name
    assert not any("q@r.example" in value for value in message.header("Return-Path"))
    assert [v[-3:] for v in values(message, "DKIM-Signature")] == ["b=y"]


def test_replies_go_where_they_went(submit, office):
    submit(EVIL, b"From: ERP <evil@example.com>\nTo: someone@example.net\n")
    message = office.wait_messages(1, 30)[0]
    assert values(message, "Reply-To") == ["ERP <evil@example.com>"]


def test_an_allowed_sender_passes(submit, office):
    submit(SALES, b'From: "Sales,  EMEA" <sales@contoso.com>\nTo: someone@example.net\n'
                  b"DKIM-Signature: v=1; h=From; d=contoso.com; b=x\n")
    message = office.wait_messages(1, 30)[0]
    assert message.mail_from == SALES
    assert values(message, "From") == ['"Sales, EMEA" <sales@contoso.com>']
    assert not message.header("X-Original-From") and not message.header("Reply-To")
    assert len(message.header("DKIM-Signature")) == 1


def test_a_notice(submit, office):
    """Marked, and traced each time it comes by until that is too often."""
    traces = b""
    for number in range(1, 7):
        submit("", b"From: MAILER-DAEMON@host.example (Mail Delivery System)\n"
                   b"Auto-Submitted: auto-replied\nTo: someone@example.net\n" + traces)
        message = office.wait_messages(number, 30)[-1]
        check_from(message, "Mail Delivery System", traces)
        # Given anew with NOTIFY=NEVER: neither lost nor doubled.
        assert message.rcpt_to == ["someone@example.net"]
        assert values(message, "Auto-Submitted") == ["auto-replied"]
        assert values(message, "X-Postoak-Trace") == [OWN] * number
        traces += b"X-Postoak-Trace: relay@contoso.com\n"
    submit("", b"From: MAILER-DAEMON@host.example\nTo: someone@example.net\n" + traces)
    submit(SALES, b"From: sales@contoso.com\nTo: someone@example.net\nSubject: next\n")
    message = office.wait_messages(7, 30)[-1]
    assert values(message, "Subject") == ["next"], "the one before was discarded"
    assert re.fullmatch(OWN, values(office.messages()[0], "X-Postoak-Trace")[0])
