# SPDX-License-Identifier: Apache-2.0
"""The main path: submitted to a chrooted Postfix, rewritten by the milter,
sent with a token of tokend, accepted by a server that checks it."""
import concurrent.futures
import email.header
import re
import smtplib

import pytest

from relay import wait_until

ACCOUNT = """
account "relay@contoso.com" {{
    application   = "contoso"
    grant         = "password"
    password_file = "secrets/relay.password"
    send_as       = {{ "sales@contoso.com" }}
    {more}
}}
"""


def account(more):
    return ACCOUNT.format(more=more)


def header(message, name):
    """All values of a field, unfolded."""
    return [" ".join(value.split()) for value in message.header(name)]


def test_one_message(relay, office):
    """Chrooted smtp(8), a token of 5 kB: delivered, every field as set."""
    office.set(token_bytes=5000)
    queue_id = relay.send(sender="erp@app.example", subject="Invoice 4711",
                          From="ERP Büro <erp@app.example>")
    message = office.wait_messages(1, 30)[0]

    assert message.mail_from == "relay@contoso.com"
    assert message.rcpt_to == ["someone@example.net"]
    assert message.auth_user == "relay@contoso.com"
    assert message.auth_mechanism.upper() == "XOAUTH2"
    sender, = header(message, "From")
    assert sender.endswith("<relay@contoso.com>")
    assert "app.example" not in sender
    reply_to, = header(message, "Reply-To")
    assert reply_to.endswith("<erp@app.example>")
    assert "erp@app.example" in header(message, "X-Original-From")[0]
    assert header(message, "Subject") == ["Invoice 4711"]
    # The name a person sees is still the application's.
    shown = str(email.header.make_header(email.header.decode_header(sender)))
    assert shown.startswith("ERP Büro")
    # One token request, of the configured grant, and the token was large.
    request, = office.token_requests
    assert request.grant == "password"
    assert 4000 < len(relay.postoak("token", "relay@contoso.com").strip()) < 6500
    relay.postfix.wait_log(rf"{queue_id}: to=<someone@example.net>.*status=sent")
    # Chrooted as Debian has it: the "y" in master.cf, and no abs. path seen.
    assert re.search(r"^smtp\s+unix\s+-\s+-\s+y", relay.postfix.master, re.M)
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")


def test_oauthbearer(relay, office):
    """The other mechanism (RFC 7628), by Postfix against Dovecot."""
    relay.postfix.set(smtp_sasl_mechanism_filter="oauthbearer")
    relay.postfix.reload()
    relay.send()
    message, = office.wait_messages(1, 30)
    assert message.auth_mechanism.upper() == "OAUTHBEARER"
    assert message.auth_user == "relay@contoso.com"


def test_local_submission(relay, office):
    """The sendmail(1) command's way in (non_smtpd_milters) is rewritten too."""
    relay.sendmail("cron@host.example", "someone@example.net",
                   b"From: Cron <cron@host.example>\n\nhello\n")
    message = office.wait_messages(1, 30)[0]
    assert message.mail_from == "relay@contoso.com"
    assert header(message, "From") == ["Cron <relay@contoso.com>"]


def test_send_as_is_left_alone(relay, office):
    relay.send(sender="sales@contoso.com", From="Sales <sales@contoso.com>")
    message = office.wait_messages(1, 30)[0]
    assert message.mail_from == "sales@contoso.com"
    assert header(message, "From") == ["Sales <sales@contoso.com>"]
    assert not header(message, "X-Original-From")


def test_500_messages_20_sessions(relay, office):
    """All delivered, exactly one token request."""
    def session(number):
        with smtplib.SMTP("127.0.0.1", relay.postfix.port, timeout=60) as c:
            for i in range(25):
                c.sendmail(f"erp{number}@app.example", ["someone@example.net"],
                           f"From: erp{number}@app.example\r\n"
                           f"Subject: {number}-{i}\r\n\r\nhello\r\n")
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(session, n) for n in range(20)]:
            done.result()
    messages = office.wait_messages(500, 180)
    assert len(messages) == 500
    subjects = {header(m, "Subject")[0] for m in messages}
    assert len(subjects) == 500, "each message exactly once"
    assert {m.mail_from for m in messages} == {"relay@contoso.com"}
    assert len(office.token_requests) == 1
    wait_until(lambda: not relay.postfix.queue(), "an empty queue")
    assert "status=bounced" not in relay.postfix.log()


def test_on_sender_reject(make_relay, office):
    relay = make_relay(accounts=account('on_sender = "reject"'))
    with pytest.raises(smtplib.SMTPResponseException) as refused:
        relay.send(sender="erp@app.example")
    assert refused.value.smtp_code == 550
    text = refused.value.smtp_error.decode()
    assert text.startswith("5.7.1 ")
    assert "erp@app.example" in text and "relay@contoso.com" in text
    relay.send(sender="relay@contoso.com", From="relay@contoso.com")
    assert len(office.wait_messages(1, 30)) == 1


def test_exchange_would_refuse_the_original(relay, office):
    """The stand-in refuses foreign senders: without the milter it is 550."""
    relay.postfix.set(smtpd_milters="", non_smtpd_milters="")
    relay.postfix.reload()
    relay.send(sender="erp@app.example")
    relay.postfix.wait_log(r"said: 55[04] 5\.(7\.60|2\.252)")
    assert not office.messages()


def test_over_the_limit(make_relay, office):
    """451 4.7.1 with the wait; kill -9 of the milter forgets nothing."""
    relay = make_relay(accounts=account('limits = { "3 messages / 1h" }'))
    for _ in range(3):
        relay.send()

    def refused():
        with pytest.raises(smtplib.SMTPResponseException) as error:
            relay.send()
        assert error.value.smtp_code == 451
        text = error.value.smtp_error.decode()
        assert text.startswith("4.7.1 ")
        assert "3 of 3 messages" in text, text
        assert re.search(r"again in .*(minute|hour|second)", text), text
    refused()
    relay.milter.kill()
    relay.milter.start()
    refused()
    assert len(office.wait_messages(3, 30)) == 3


def test_recipients_are_counted(make_relay, office):
    relay = make_relay(accounts=account('limits = { "5 recipients / 1h" }'))
    four = [f"r{n}@example.net" for n in range(4)]
    relay.send(to=four)
    with pytest.raises(smtplib.SMTPResponseException) as error:
        relay.send(to=["a@example.net", "b@example.net"])
    assert error.value.smtp_code == 451
    relay.send(to=["a@example.net"])  # a refusal cost nothing
    assert len(office.wait_messages(2, 30)) == 2


def test_milter_away_is_no_unrewritten_mail(relay, office):
    relay.milter.kill()
    with pytest.raises(smtplib.SMTPResponseException) as error:
        relay.send()
    assert 400 <= error.value.smtp_code < 500
    relay.milter.start()
    relay.send()
    assert office.wait_messages(1, 30)[0].mail_from == "relay@contoso.com"
