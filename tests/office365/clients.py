# SPDX-License-Identifier: Apache-2.0
"""Small clients, by which the stand-in's own tests look at it."""

import base64
import http.client
import json
import smtplib
import ssl
import urllib.parse

SCOPE = "https://outlook.office.com/SMTP.Send offline_access"
APP_SCOPE = "https://outlook.office365.com/.default"
RECIPIENT = "someone@example.org"
BODY = "Subject: test\r\n folded\r\n\r\nfirst\r\n.dot\r\n"


def trust(office):
    """A TLS context that trusts the stand-in's own CA only."""
    return ssl.create_default_context(cafile=office.ca_file)


class Answer:
    """An HTTP answer; `json` is None if the body is no JSON."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        try:
            self.json = json.loads(self.body)
        except ValueError:
            self.json = None

    @property
    def code(self):
        return (self.json or {}).get("error_codes", [None])[0]


def request(office, method, path, body=None, headers=None, timeout=60,
            answer_timeout=None):
    """answer_timeout: another one, once all was sent."""
    url = urllib.parse.urlsplit(office.authority)
    connection = http.client.HTTPSConnection(
        url.hostname, url.port, timeout=timeout, context=trust(office))
    try:
        connection.request(method, path, body, headers or {})
        if answer_timeout is not None:
            connection.sock.settimeout(answer_timeout)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def post(office, tenant=None, timeout=60, headers=None, answer_timeout=None,
         **params):
    """POST a form to the token endpoint; None leaves a parameter out."""
    form = {name: value for name, value in params.items()
            if value is not None}
    all_headers = {"Content-Type": "application/x-www-form-urlencoded"}
    all_headers.update(headers or {})
    return request(
        office, "POST", "/%s/oauth2/v2.0/token" % (tenant or office.tenant),
        urllib.parse.urlencode(form), all_headers, timeout, answer_timeout)


def password_grant(office, **changes):
    params = {
        "grant_type": "password", "client_id": office.client_id,
        "client_secret": office.client_secret, "username": office.user,
        "password": office.password, "scope": SCOPE}
    params.update(changes)
    return post(office, **params)


def refresh_grant(office, refresh_token, **changes):
    params = {
        "grant_type": "refresh_token", "client_id": office.client_id,
        "client_secret": office.client_secret,
        "refresh_token": refresh_token, "scope": SCOPE}
    params.update(changes)
    return post(office, **params)


def app_grant(office, **changes):
    params = {
        "grant_type": "client_credentials", "client_id": office.client_id,
        "client_secret": office.client_secret, "scope": APP_SCOPE}
    params.update(changes)
    return post(office, **params)


def connect(office):
    """An SMTP connection after STARTTLS."""
    smtp = smtplib.SMTP("localhost", office.smtp_port, timeout=60)
    smtp.ehlo()
    smtp.starttls(context=trust(office))
    smtp.ehlo()
    return smtp


def initial_response(mechanism, user, token):
    if mechanism == "XOAUTH2":
        text = "user=%s\1auth=Bearer %s\1\1" % (user, token)
    else:
        text = "n,a=%s,\1host=localhost\1port=587\1auth=Bearer %s\1\1" % (
            user, token)
    return base64.b64encode(text.encode()).decode()


def authenticate(smtp, user, token, mechanism="XOAUTH2"):
    """Return (code, text, the error challenge's JSON or None)."""
    code, text = smtp.docmd("AUTH", mechanism)
    assert (code, text) == (334, b""), (code, text)
    code, text = smtp.docmd(initial_response(mechanism, user, token))
    challenge = None
    if code == 334:
        challenge = json.loads(base64.b64decode(text))
        code, text = smtp.docmd("" if mechanism == "XOAUTH2" else "AQ==")
    return code, text.decode(), challenge


def login(office, user=None, token=None, mechanism="XOAUTH2"):
    """An authenticated SMTP connection."""
    smtp = connect(office)
    token = token or office.mint_token(user or office.user)
    reply = authenticate(smtp, user or office.user, token, mechanism)
    assert reply[0] == 235, reply
    return smtp


def submit(smtp, mail_from, header_from, extra=""):
    """Send a message; return the reply to the end of data."""
    assert smtp.mail(mail_from)[0] == 250
    assert smtp.rcpt(RECIPIENT)[0] == 250
    head = "From: %s\r\n" % header_from if header_from else ""
    return smtp.data(head + extra + BODY)
