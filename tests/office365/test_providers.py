# SPDX-License-Identifier: Apache-2.0
"""Modes exchange and gmail: what they say before and at AUTH."""

import base64
import shutil
import smtplib
import ssl
import tempfile

import pytest

from office365 import Office365
from office365.clients import (
    app_grant, authenticate, connect, initial_response, login, submit)


@pytest.fixture
def start():
    """A function that starts stand-ins; they end with the test."""
    made = []

    def make(mode, **options):
        office = Office365(tempfile.mkdtemp(), mode=mode, **options)
        made.append(office)
        return office.start()

    yield make
    for office in made:
        office.stop()
        shutil.rmtree(office.directory)


@pytest.fixture
def exchange(start):
    return start("exchange")


@pytest.fixture
def gmail(start):
    return start("gmail")


def test_exchange_greeting_and_keywords(exchange):
    smtp = smtplib.SMTP()
    code, text = smtp.connect("localhost", exchange.smtp_port)
    assert code == 220 and b"Microsoft ESMTP MAIL Service ready at" in text
    smtp.ehlo()
    assert set(smtp.esmtp_features) == {
        "size", "pipelining", "dsn", "enhancedstatuscodes", "starttls",
        "8bitmime", "binarymime", "chunking", "smtputf8"}
    assert smtp.docmd("AUTH", "XOAUTH2")[0] == 504
    smtp.quit()
    smtp = connect(exchange)
    assert smtp.esmtp_features["auth"].split() == ["LOGIN", "XOAUTH2"]
    assert not smtp.has_extn("starttls")
    assert smtp.docmd("AUTH", "OAUTHBEARER")[0] == 504
    assert smtp.mail(exchange.user)[0] == 530
    smtp.quit()


@pytest.mark.parametrize("changes, reason", [
    ({"forged": True}, "signature"),
    ({"audience": "https://graph.microsoft.com"}, "audience"),
    ({"lifetime": -1}, "not within its time"),
    ({"upn": "other@contoso.com"}, "token of another user"),
    ({"scopes": ["Mail.Send"]}, "scope SMTP.Send missing"),
])
def test_exchange_refuses_at_once(exchange, changes, reason):
    smtp = connect(exchange)
    code, text, challenge = authenticate(
        smtp, exchange.user, exchange.mint_token(**changes))
    assert (code, challenge) == (535, None)
    assert text.startswith("5.7.3 Authentication unsuccessful [")
    assert exchange.wait_authentications(1)[0].reason == reason
    # The connection stays open.
    assert authenticate(
        smtp, exchange.user, exchange.mint_token())[0] == 235
    smtp.quit()


@pytest.mark.parametrize("name, start_of_text", [
    ("5.7.139-tenant", "5.7.139 Authentication unsuccessful,"
     " SmtpClientAuthentication is disabled for the Tenant."),
    ("5.7.139-criteria", "5.7.139 Authentication unsuccessful, the request"),
    ("451", "4.7.0 Temporary server error."),
    ("535 5.7.143 Expired token", "5.7.143 Expired token"),
])
def test_exchange_replies_by_switch(exchange, name, start_of_text):
    exchange.set(auth_reply=name, once=1)
    smtp = connect(exchange)
    code, text, challenge = authenticate(
        smtp, exchange.user, exchange.mint_token())
    assert challenge is None and text.startswith(start_of_text)
    assert code == (451 if name == "451" else 535)
    assert authenticate(
        smtp, exchange.user, exchange.mint_token())[0] == 235
    smtp.quit()


def test_exchange_mailbox_switch_and_missing_role(exchange):
    exchange.add_mailbox("off@contoso.com", smtp_auth=False)
    exchange.add_client("bare", "secret", roles=())
    smtp = connect(exchange)
    _, text, _ = authenticate(
        smtp, "off@contoso.com", exchange.mint_token("off@contoso.com"))
    assert "is disabled for the Mailbox" in text
    token = app_grant(exchange, client_id="bare",
                      client_secret="secret").json["access_token"]
    assert authenticate(smtp, exchange.user, token)[0] == 535
    token = app_grant(exchange).json["access_token"]
    assert authenticate(smtp, exchange.user, token)[0] == 235
    smtp.quit()


def test_exchange_one_line_form_login_and_cancel(exchange):
    smtp = connect(exchange)
    assert smtp.docmd("AUTH", "XOAUTH2")[0] == 334
    assert smtp.docmd("*")[0] == 535
    with pytest.raises(smtplib.SMTPAuthenticationError) as error:
        smtp.user, smtp.password = exchange.user, exchange.password
        smtp.auth("LOGIN", smtp.auth_login)
    assert b"basic authentication is disabled" in error.value.smtp_error
    assert smtp.docmd("AUTH", "XOAUTH2 " + initial_response(
        "XOAUTH2", exchange.user, exchange.mint_token()))[0] == 235
    assert exchange.authentications[-1].initial_response
    smtp.quit()


def test_exchange_takes_mail_by_its_rules(exchange):
    smtp = login(exchange)
    code, text = submit(smtp, exchange.user, exchange.user)
    assert code == 250 and text.startswith(b"2.0.0 OK <")
    assert submit(smtp, "eve@example.org", exchange.user)[0] == 550
    assert submit(smtp, exchange.user, "eve@example.org")[0] == 554
    data = b"From: relay@contoso.com\r\n\r\nby chunks\r\n"
    smtp.mail(exchange.user)
    smtp.rcpt("a@example.org")
    smtp.send(b"BDAT 10\r\n" + data[:10])
    assert smtp.getreply()[0] == 250
    smtp.send(b"BDAT %d LAST\r\n" % len(data[10:]) + data[10:])
    assert smtp.getreply()[0] == 250
    smtp.quit()
    first, second = exchange.messages()
    assert first.headers[1] == ("Subject", "test\n folded")
    assert first.body == b"first\r\n.dot\r\n"
    assert second.raw == data


def test_capture_shows_whether_a_token_arrived(exchange):
    smtp = connect(exchange)
    assert b"STARTTLS" in exchange.captured
    blob = initial_response("XOAUTH2", exchange.user, exchange.mint_token())
    assert blob.encode() not in exchange.captured
    smtp.docmd("AUTH", "XOAUTH2")
    smtp.docmd(blob)
    assert blob.encode() in exchange.captured
    smtp.quit()


def test_gmail_challenge_needs_its_answer(gmail):
    smtp = connect(gmail)
    assert smtp.esmtp_features["auth"].split() == [
        "LOGIN", "PLAIN", "XOAUTH2", "PLAIN-CLIENTTOKEN", "OAUTHBEARER",
        "XOAUTH"]
    bad = gmail.mint_token(forged=True)
    code, text, challenge = authenticate(smtp, gmail.user, bad)
    assert (code, challenge) == (535, {
        "status": "401", "schemes": "bearer mac",
        "scope": "https://mail.google.com/"})
    assert "Username and Password not accepted" in text
    code, _, challenge = authenticate(smtp, gmail.user, bad, "OAUTHBEARER")
    assert (code, challenge["status"]) == (535, "invalid_token")
    assert [attempt.challenge_answer for attempt in gmail.authentications] == [
        b"", b"AQ=="]
    smtp.docmd("AUTH", "XOAUTH2")
    smtp.docmd(initial_response("XOAUTH2", gmail.user, bad))
    assert smtp.docmd("*")[0] == 501
    smtp.quit()


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_gmail_accepts(gmail, mechanism):
    smtp = login(gmail, mechanism=mechanism)
    assert submit(smtp, gmail.user, gmail.user)[0] == 250
    smtp.quit()
    assert gmail.wait_messages(1)[0].auth_mechanism == mechanism


def test_gmail_refuses_a_long_initial_response(gmail):
    smtp = connect(gmail)
    assert smtp.docmd("AUTH", "XOAUTH2 " + initial_response(
        "XOAUTH2", gmail.user, gmail.mint_token()))[0] == 555
    smtp.quit()


@pytest.mark.parametrize("mode", ["exchange", "gmail"])
def test_without_tls(start, mode):
    office = start(mode, tls=False)
    smtp = smtplib.SMTP("localhost", office.smtp_port, timeout=60)
    smtp.ehlo()
    assert not smtp.has_extn("starttls") and not smtp.has_extn("auth")
    assert smtp.docmd("STARTTLS")[0] == 500
    smtp.quit()
    office = start(mode, tls=False, auth_without_tls=True)
    smtp = smtplib.SMTP("localhost", office.smtp_port, timeout=60)
    smtp.ehlo()
    assert "XOAUTH2" in smtp.esmtp_features["auth"]
    assert authenticate(smtp, office.user, office.mint_token())[0] == 235
    smtp.quit()


@pytest.mark.parametrize("options", [
    {"certificate_names": ["mail.example.org"]}, {"certificate_days": -1}])
def test_certificates_that_do_not_do(start, options):
    office = start("exchange", **options)
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(office)
    assert base64.b64encode(b"user=")[:6] not in office.captured
    assert app_grant(office).status == 200
