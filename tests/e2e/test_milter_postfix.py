# SPDX-License-Identifier: Apache-2.0
"""Messages with hostile sender fields through a real Postfix, which counts
fields and carries edits out in its own way, to a server that refuses every
foreign sender as Exchange does."""
import smtplib

import pytest

from relay import wait_until
from relay.relay import ACCOUNT

OWN = "relay@contoso.com"
BODY = b"\r\nbody, From: x@y.example\r\n"


def submit(relay, office, head, sender="erp@app.example"):
    before = len(office.messages())
    relay.submit(sender, ["someone@example.net"], head + BODY)
    return office.wait_messages(before + 1, 30)[-1]


def unfolded(message, name):
    return [" ".join(value.split()) for value in message.header(name)]


CASES = {
    "repeated": b"From: relay@contoso.com\r\nSubject: x\r\nFrom: evil@example.com\r\n"
                b"From: Third <third@example.com>\r\n",
    "blank before the colon": b"Subject: x\r\nFrom : evil@example.com\r\nfrom: relay@contoso.com\r\n",
    "missing": b"Subject: x\r\n",
    "empty": b"From:\r\nSubject: x\r\n",
    "folded everywhere": b"From:\r\n \"Evil\r\n One\"\r\n <evil\r\n @\r\n example.com>\r\nSubject: x\r\n",
    "group": b"From: Team: relay@contoso.com, evil@example.com;\r\n",
    "comment": b"From: relay@contoso.com (<evil@example.com>)\r\n",
    "name only": b"From: Evil\r\n",
    "two in one": b"From: relay@contoso.com <evil@example.com>\r\n",
    "sixty thousand bytes": b"From: \"" + b"x \r\n " * 15000 + b"\" <evil@example.com>\r\n",
}


def test_hostile_from(relay, office):
    for name, head in CASES.items():
        message = submit(relay, office, head)
        assert message.mail_from == OWN, name
        value, = unfolded(message, "From")
        assert value.endswith(f"<{OWN}>"), (name, value)
        assert all(len(line) <= 78 for v in message.header("From")
                   for line in ("From: " + v).splitlines()), name


def test_other_fields(relay, office):
    message = submit(relay, office, b"Bcc: a@b.example\r\nFrom: ERP <erp@app.example>\r\n"
                     b"Sender: x@y.example\r\nbcc: c@d.example\r\nSender: z@y.example\r\n"
                     b"X-Original-From: forged@example.com\r\nReturn-Path: <q@r.example>\r\n"
                     b"Resent-From: evil@example.com\r\nSubject: kept\r\n"
                     b"Reply-To: Desk <desk@app.example>\r\n")
    assert unfolded(message, "From") == [f"ERP <{OWN}>"]
    assert unfolded(message, "Reply-To") == ["Desk <desk@app.example>"]
    assert unfolded(message, "X-Original-From") == ["ERP <erp@app.example>"]
    assert unfolded(message, "Subject") == ["kept"]
    for name in ("Bcc", "Sender", "Resent-From"):
        assert not message.header(name), name
    assert not any("q@r.example" in value for value in message.header("Return-Path"))


def test_null_sender(relay, office):
    message = submit(relay, office, b"From: MAILER-DAEMON@host.example\r\n", sender="")
    assert message.mail_from == OWN
    assert unfolded(message, "Auto-Submitted") == ["auto-generated"]


def test_a_notice_keeps_its_recipients(relay, office):
    """They are given anew with NOTIFY=NEVER, however they were written."""
    to = ["someone@example.net", "Other@Example.net", '"two words"@example.net']
    relay.submit("", to, b"From: MAILER-DAEMON@host.example\r\n" + BODY)
    message, = office.wait_messages(1, 30)
    assert sorted(message.rcpt_to) == sorted(to)


def test_names_survive(relay, office):
    for given, expected in (
            (b'"Other, Ann" <a@b.example>', f'"Other, Ann" <{OWN}>'),
            (b"=?iso-8859-1?q?J=FCrgen?=\r\n =?iso-8859-1?q?_M=FCller?= <a@b.example>",
             f"=?iso-8859-1?q?J=FCrgen?= =?iso-8859-1?q?_M=FCller?= <{OWN}>"),
            (b"a@b.example (Ann Other)", f"Ann Other <{OWN}>")):
        message = submit(relay, office, b"From: " + given + b"\r\n")
        assert unfolded(message, "From") == [expected]


@pytest.mark.parametrize("sender", ["sales@contoso.com", "Sales@Contoso.com"])
def test_allowed_sender_passes_byte_for_byte(relay, office, sender):
    line = f'"Sales,  EMEA"\n\t<{sender}>'
    message = submit(relay, office, b"From: " + line.replace("\n", "\r\n").encode() + b"\r\n",
                     sender=sender)
    assert message.mail_from == sender
    assert [value.replace("\r\n", "\n") for value in message.header("From")] == [line]


def test_smtputf8(relay, office):
    """The client's word goes through Postfix to the milter: with it a name
    above ASCII stays, without it is encoded."""
    head = "From: J\u00fcrgen <sales@contoso.com>\r\nSubject: x\r\n".encode() + BODY
    for options, expected in ((["SMTPUTF8"], "J\u00fcrgen <sales@contoso.com>"),
                              (["BODY=8BITMIME"], "=?utf-8?b?SsO8cmdlbg==?= <sales@contoso.com>")):
        before = len(office.messages())
        with smtplib.SMTP("127.0.0.1", relay.postfix.port, timeout=60) as client:
            client.ehlo()
            assert client.mail("sales@contoso.com", options)[0] == 250
            assert client.rcpt("someone@example.net")[0] == 250
            assert client.data(head)[0] == 250
        message = office.wait_messages(before + 1, 30)[-1]
        assert unfolded(message, "From") == [expected]


@pytest.fixture
def bouncing(make_relay):
    """A relay whose Postfix shows its own notices to the milter."""
    relay = make_relay(start=False)
    relay.postfix.settings["internal_mail_filter_classes"] = "bounce"
    relay.tokend.start()
    relay.milter.start()
    relay.postfix.start()
    return relay


def fail_once(relay):
    relay.submit("erp@app.example", ["someone@example.net"],
                 b"From: ERP <erp@app.example>\r\nSubject: x\r\n" + BODY)


def test_postfix_sends_a_bounce(bouncing, office):
    """Its notice, which has no sender, leaves as the account's."""
    office.set(once=1, message_reply="550 5.1.1 no such user")
    fail_once(bouncing)
    notice, = office.wait_messages(1, 30)
    # To the sender the message had when it failed.
    assert notice.mail_from == OWN and notice.rcpt_to == [OWN]
    assert unfolded(notice, "From") == [f"Mail Delivery System <{OWN}>"]
    assert unfolded(notice, "Auto-Submitted") == ["auto-replied"]
    assert unfolded(notice, "X-Postoak-Trace") == [OWN]
    assert unfolded(notice, "Content-Type")[0].startswith("multipart/report")
    assert b"no such user" in notice.body


def test_a_bounce_does_not_bounce(bouncing, office):
    """Everything is refused: the message, the notice, and that is the end."""
    office.set(message_reply="550 5.1.8 Access denied, bad outbound sender")
    fail_once(bouncing)
    log = bouncing.postfix.log
    wait_until(lambda: log().count("status=bounced") >= 2 and not bouncing.postfix.queue(),
               "both are refused, nothing is left")
    assert log().count("status=bounced") == 2
    assert log().count("sender non-delivery notification") == 1


def test_a_declared_size_is_refused_before_the_message(make_relay):
    """At MAIL, as RFC 1870 has it: nothing has been sent by then."""
    relay = make_relay(accounts=ACCOUNT.replace('grant', 'max_message_size = "1M"\n    grant', 1))
    with smtplib.SMTP("127.0.0.1", relay.postfix.port, timeout=60) as client:
        client.ehlo()
        code, text = client.mail("erp@app.example", ["SIZE=1048577"])
        assert code == 552 and b"5.3.4 the message has 1048577 bytes" in text, text
        client.rset()
        code, text = client.mail("erp@app.example", ["SIZE=1048576"])
        assert code == 250, text
