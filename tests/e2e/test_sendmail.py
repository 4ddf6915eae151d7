# SPDX-License-Identifier: Apache-2.0
"""The real sendmail of Debian, 8.17.1, which cuts lines at 2,047 bytes."""
import base64
import os
import re
import smtplib

import pytest

from office365 import Office365
from relay.relay import ACCOUNT, OFFICE
from relay.sendmail import LINE_MAX, SERVER, Sendmail

# What stands around a token in the response, and the longest that fits.
RESPONSE = "user=relay@contoso.com\1auth=Bearer %s\1\1"
TOKEN_MAX = ((LINE_MAX - len("AUTH XOAUTH2 ")) // 4 * 3
             - len(RESPONSE % ""))
REFUSAL = r"sendmail\[\d+\]: postoak: account=relay@contoso\.com .*2047 bytes"


@pytest.fixture
def make_sendmail(make_relay, office, build):
    """Build sendmails, each with a tokend of its own."""
    started = []

    def make(server=None, milter=False, **settings):
        relay = make_relay(start=False)
        relay.write_config(office=OFFICE.replace('"localhost"', f'"{SERVER}"'))
        relay.tokend.start()
        if milter:
            relay.milter.start()
            settings["milter"] = os.path.join(
                relay.directory, "spool/run/postoak-milter/milter.sock")
        sendmail = Sendmail(relay, build, server or office, **settings)
        started.append(sendmail)
        return sendmail.start()
    yield make
    for sendmail in started:
        sendmail.stop()


@pytest.fixture
def exchange(directory):
    """A server that keeps every byte it is sent."""
    path = os.path.join(directory, "exchange")
    os.mkdir(path)
    with Office365(path, mode="exchange") as server:
        yield server


def token_of(sendmail):
    return sendmail.relay.postoak("token", "relay@contoso.com").strip()


def wait_deferred(sendmail, queue_id):
    sendmail.wait_log(rf"{queue_id}: to=<someone@example\.net>.*stat=Deferred")
    assert queue_id in sendmail.queue()
    assert "DSN" not in sendmail.log()


@pytest.mark.parametrize("mechanism", ("XOAUTH2", "OAUTHBEARER"))
def test_short_token(make_sendmail, office, mechanism):
    """sendmail logs in and delivers; Dovecot has checked the token."""
    office.set(token_bytes=1200)
    sendmail = make_sendmail(mechanism=mechanism)
    queue_id = sendmail.send(sender="relay@contoso.com")
    message, = office.wait_messages(1, 30)
    assert message.auth_user == "relay@contoso.com"
    assert message.auth_mechanism.upper() == mechanism
    assert message.rcpt_to == ["someone@example.net"]
    login, = office.authentications
    assert login.ok and login.mechanism.upper() == mechanism
    sendmail.wait_log(rf"{queue_id}: to=.*dsn=2\.0\.0.*stat=Sent")
    # Debian 12's, Debian 13's; from 8.18.2 on nothing here would be true.
    assert re.search(r"starting daemon \(8\.1(7|8)\.1\b", sendmail.log())


def test_long_token_waits(make_sendmail, office):
    """A token of 5 kB: not sent, the reason in the log, the mail deferred.
    When a token is short enough the mail goes by itself."""
    sendmail = make_sendmail()
    queue_id = sendmail.send(sender="relay@contoso.com")
    sendmail.wait_log(REFUSAL)
    wait_deferred(sendmail, queue_id)
    assert len(token_of(sendmail)) > 4000
    assert not office.authentications
    assert not office.messages() and not office.refusals

    office.set(token_bytes=1200)
    sendmail.relay.postoak("refresh", "relay@contoso.com")
    message, = office.wait_messages(1, 30)
    assert message.mail_from == "relay@contoso.com"
    assert [login.ok for login in office.authentications] == [True]


def set_token_len(sendmail, office, length):
    """Have tokend hold a token of exactly that many bytes."""
    asked = length
    for _ in range(8):
        office.set(token_bytes=asked)
        sendmail.relay.postoak("refresh", "relay@contoso.com")
        got = len(token_of(sendmail))
        if got == length:
            return
        asked += length - got
    raise AssertionError(f"a token of {length} bytes, not {got}")


def test_the_longest_token(make_sendmail, office):
    """The limit is neither a byte too low nor too high."""
    sendmail = make_sendmail()
    set_token_len(sendmail, office, TOKEN_MAX)
    sendmail.send(sender="relay@contoso.com", subject="fits")
    message, = office.wait_messages(1, 30)
    assert message.header("Subject") == ["fits"]

    set_token_len(sendmail, office, TOKEN_MAX + 1)
    queue_id = sendmail.send(sender="relay@contoso.com")
    sendmail.wait_log(REFUSAL)
    wait_deferred(sendmail, queue_id)
    assert len(office.authentications) == 1


def test_no_byte_of_a_long_token(make_sendmail, office, exchange):
    """The server sees neither a piece of it nor the mail without it."""
    sendmail = make_sendmail(exchange)
    queue_id = sendmail.send(sender="relay@contoso.com")
    sendmail.wait_log(REFUSAL)
    wait_deferred(sendmail, queue_id)
    captured = exchange.captured
    assert captured.count(b"EHLO ") >= 2, "before and after STARTTLS"
    assert not re.search(rb"AUTH|MAIL", captured), captured


def test_what_is_prevented(make_sendmail, office, exchange):
    """Told that it may, the plugin lets sendmail send: the token is cut, and
    the mail is tried without a login and bounces. (Were it otherwise, the two
    tests above would prove nothing.)"""
    sendmail = make_sendmail(exchange, environment={"POSTOAK_LONG_LINES": "1"})
    sendmail.send(sender="relay@contoso.com")
    sendmail.wait_log("DSN: ")
    line, = re.findall(rb"AUTH XOAUTH2 [^\r]*", exchange.captured)
    whole = base64.b64encode((RESPONSE % token_of(sendmail)).encode())
    assert len(line) == LINE_MAX
    assert (b"AUTH XOAUTH2 " + whole).startswith(line)
    _, _, after = exchange.captured.partition(line)
    assert b"MAIL From:<relay@contoso.com>" in after


def test_tokend_away(make_sendmail, office):
    office.set(token_bytes=1200)
    sendmail = make_sendmail()
    sendmail.relay.tokend.stop()
    queue_id = sendmail.send(sender="relay@contoso.com")
    sendmail.wait_log(r"sendmail\[\d+\]: postoak: .*code=unreachable: ")
    wait_deferred(sendmail, queue_id)
    sendmail.relay.tokend.start()
    assert len(office.wait_messages(1, 30)) == 1


def test_milter(make_sendmail, office):
    """The sender becomes the account's, as with Postfix."""
    office.set(token_bytes=1200)
    sendmail = make_sendmail(milter=True)
    sendmail.send(sender="erp@app.example")
    message, = office.wait_messages(1, 30)
    assert message.mail_from == "relay@contoso.com"
    sender, = message.header("From")
    assert sender.endswith("<relay@contoso.com>")
    assert "ERP System" in sender
    reply_to, = message.header("Reply-To")
    assert "erp@app.example" in reply_to
    assert "erp@app.example" in message.header("X-Original-From")[0]


def test_milter_refuses(make_sendmail, office):
    """on_sender = reject: the client reads which sender would be right."""
    office.set(token_bytes=1200)
    sendmail = make_sendmail(milter=True)
    relay = sendmail.relay
    relay.write_config(
        accounts=ACCOUNT.replace("send_as", 'on_sender = "reject"\n    send_as'),
        office=OFFICE.replace('"localhost"', f'"{SERVER}"'))
    relay.milter.reload()
    with smtplib.SMTP("127.0.0.1", sendmail.port, timeout=60) as client:
        for sender, expected in (
                ("erp@app.example", (550, b"5.7.1 the envelope sender <erp@app.example> is not this"
                                          b" account's; send as relay@contoso.com,"
                                          b" sales@contoso.com")),
                ("sales@contoso.com", (250, None))):
            client.ehlo()
            client.mail(sender)
            client.rcpt("someone@example.net")
            code, reply = client.data(f"From: {sender}\r\n\r\nbody\r\n")
            assert code == expected[0] and (expected[1] or reply) == reply, reply
    message, = office.wait_messages(1, 30)
    assert message.mail_from == "sales@contoso.com"


def test_no_smtputf8(make_sendmail, office):
    """Debian's is built without USE_EAI, as the milter's manual says: nothing
    is declared so. It takes such an address all the same, and neither that nor
    such a name leaves."""
    office.set(token_bytes=1200)
    sendmail = make_sendmail(milter=True)
    with smtplib.SMTP("127.0.0.1", sendmail.port, timeout=60) as client:
        client.ehlo()
        assert not client.has_extn("smtputf8") and client.has_extn("8bitmime")
        assert 500 <= client.docmd("MAIL", "FROM:<sales@contoso.com> SMTPUTF8")[0] < 600
        for sender, subject in (("sales@contoso.com", "name"), ("j\u00fc@contoso.com", "address")):
            client.send(f"MAIL FROM:<{sender}> BODY=8BITMIME\r\n".encode())
            assert client.getreply()[0] == 250
            client.rcpt("someone@example.net")
            assert client.data(f"From: J\u00fcrgen <{sender}>\r\nSubject: {subject}\r\n\r\n"
                               "x\r\n".encode())[0] == 250
    encoded = "=?utf-8?b?SsO8cmdlbg==?="
    sent = {m.header("Subject")[0]: (m.mail_from, *m.header("From")) for m in office.wait_messages(2)}
    assert sent == {
        "name": ("sales@contoso.com", f"{encoded} <sales@contoso.com>"),
        "address": ("relay@contoso.com", f"{encoded} <relay@contoso.com>")}
