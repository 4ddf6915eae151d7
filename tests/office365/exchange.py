# SPDX-License-Identifier: Apache-2.0
"""How Exchange Online and Gmail answer before and at AUTH.

Exchange answers a bad token with a final 535 at once. Gmail sends one more
challenge with JSON in it and expects an answer before the same verdict.
"""

import base64
import binascii
import datetime
import re
import secrets
import time
from dataclasses import dataclass

from .entra import AUDIENCES
from .smtpserver import MAX_AUTH_LINE, Dialogue, Ended, SmtpServer
from .switches import AUTH
from .tokens import TokenRefused, fingerprint

FRONT_END = "AM0PR01CA0001.outlook.office365.com"
AKA = " Visit https://aka.ms/smtp_auth_disabled for more information."
UNSUCCESSFUL = "535 5.7.139 Authentication unsuccessful, "
# Replies that `set(auth_reply=...)` can name; any other text is sent as it is.
AUTH_REPLIES = {
    "5.7.3": "535 5.7.3 Authentication unsuccessful",
    "5.7.139-tenant": UNSUCCESSFUL +
        "SmtpClientAuthentication is disabled for the Tenant." + AKA,
    "5.7.139-mailbox": UNSUCCESSFUL +
        "SmtpClientAuthentication is disabled for the Mailbox." + AKA,
    "5.7.139-defaults": UNSUCCESSFUL +
        "user is locked by your organization's security defaults policy."
        " Contact your administrator.",
    "5.7.139-criteria": UNSUCCESSFUL +
        "the request did not meet the criteria to be authenticated"
        " successfully. Contact your administrator.",
    "5.7.139-basic": UNSUCCESSFUL + "basic authentication is disabled.",
    "451": "451 4.7.0 Temporary server error. Please try again later. PRX4",
    "454": "454 4.7.0 Temporary authentication failure",
    "421": "421 4.3.2 Service not active",
}
XOAUTH2 = re.compile(
    rb"user=([^\x01]*)\x01auth=Bearer ([^\x01]+)\x01\x01\Z", re.I)
OAUTHBEARER = re.compile(
    rb"n,(?:a=([^,]*))?,\x01(?:[a-z]+=[^\x01]*\x01)*?"
    rb"auth=Bearer ([^\x01]+)\x01(?:[a-z]+=[^\x01]*\x01)*\x01\Z", re.I)
GMAIL_CHALLENGES = {
    "XOAUTH2": '{"status":"401","schemes":"bearer mac",'
               '"scope":"https://mail.google.com/"}\n',
    "OAUTHBEARER": '{"status":"invalid_token",'
                   '"scope":"https://mail.google.com/"}\n',
}
# What a client must answer to them: nothing, or one 0x01.
GMAIL_ANSWERS = {"XOAUTH2": b"", "OAUTHBEARER": b"AQ=="}
GMAIL_LONGEST_LINE = 512
BAD_CREDENTIALS = (
    "535-5.7.8 Username and Password not accepted. For more information, go"
    " to",
    "535 5.7.8  https://support.google.com/mail/?p=BadCredentials"
    " a640c23a62f3a-stand-in")


@dataclass
class AuthAttempt:
    """One AUTH command and what became of it."""

    time: float
    mechanism: str
    tls: bool
    initial_response: bool
    user: str = ""
    token_id: str = ""
    reason: str = ""            # why refused; "" when accepted
    challenge_answer: bytes = None  # base64, as the client sent it

    @property
    def ok(self):
        return not self.reason


class Verifier:
    """Decides about a login by the token's signature and contents."""

    def __init__(self, directory, signer, switches, attempts):
        self._directory = directory
        self._signer = signer
        self.switches = switches
        self.attempts = attempts

    def check(self, user, token):
        """Raise TokenRefused unless the token opens that mailbox for SMTP."""
        claims = self._signer.check(token, AUDIENCES)
        mailbox = self._directory.mailbox(user)
        if claims.get("idtyp") == "app":
            if "SMTP.SendAsApp" not in claims.get("roles", ()):
                raise TokenRefused("role SMTP.SendAsApp missing")
        elif claims.get("upn", "").lower() != user.lower():
            raise TokenRefused("token of another user")
        elif "SMTP.Send" not in claims.get("scp", "").split():
            raise TokenRefused("scope SMTP.Send missing")
        if mailbox is None:
            raise TokenRefused("no such mailbox")
        if not mailbox.smtp_auth:
            raise TokenRefused("5.7.139-mailbox")


class OAuthDialogue(Dialogue):
    """AUTH by token, as far as both providers agree."""

    def authenticate(self, mechanism, response):
        verifier = self.server.verifier
        attempt = AuthAttempt(
            time.time(), mechanism, self.wire.tls, response is not None)
        forced = verifier.switches.take(AUTH)["auth_reply"]
        if mechanism in ("XOAUTH2", "OAUTHBEARER"):
            self._bearer(mechanism, response, attempt, forced)
        else:
            self._password(mechanism, response)
            attempt.reason = "5.7.139-basic"
            verifier.attempts.add(attempt)
            self.refuse(mechanism, attempt, forced)

    def _bearer(self, mechanism, response, attempt, forced):
        if response is None:
            self.wire.send("334 ")
            response = self.wire.line(MAX_AUTH_LINE).decode("ascii", "replace")
        try:
            self._parse(mechanism, response, attempt)
        except TokenRefused as refused:
            attempt.reason = str(refused)
        if forced and not attempt.reason:
            attempt.reason = "as switched"
        self.server.verifier.attempts.add(attempt)
        if attempt.reason:
            self.refuse(mechanism, attempt, forced)
            if (forced or "").startswith("421"):
                raise Ended
        else:
            self.accepted(attempt.user, mechanism)
            self.wire.send(self.success)

    def _parse(self, mechanism, response, attempt):
        if response == "*":
            raise TokenRefused("cancelled")
        try:
            data = base64.b64decode(response, validate=True)
        except binascii.Error:
            raise TokenRefused("not base64") from None
        form = XOAUTH2 if mechanism == "XOAUTH2" else OAUTHBEARER
        match = form.match(data)
        if not match:
            raise TokenRefused("malformed")
        user = (match.group(1) or b"").decode("utf-8", "replace")
        if mechanism == "OAUTHBEARER":
            user = user.replace("=2C", ",").replace("=3D", "=")
        attempt.user = user
        token = match.group(2).decode("ascii", "replace")
        attempt.token_id = fingerprint(token)
        self.server.verifier.check(user, token)

    def _password(self, mechanism, response):
        """Hear LOGIN or PLAIN to its end; it is refused in any case."""
        prompts = ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"]
        if mechanism == "PLAIN":
            prompts = [""]
        if response is not None:
            prompts.pop(0)
        for prompt in prompts:
            self.wire.send("334 " + prompt)
            if self.wire.line(MAX_AUTH_LINE) == b"*":
                break

    def refuse(self, mechanism, attempt, forced):
        raise NotImplementedError


class ExchangeDialogue(OAuthDialogue):
    """smtp.office365.com, port 587."""

    hello = FRONT_END + " Hello [127.0.0.1]"
    keywords = ("SIZE 157286400", "PIPELINING", "DSN", "ENHANCEDSTATUSCODES",
                "8BITMIME", "BINARYMIME", "CHUNKING", "SMTPUTF8")
    mechanisms = "LOGIN XOAUTH2"
    unknown = "500 5.3.3 Unrecognized command"
    success = "235 2.7.0 Authentication successful"
    queued = ("250 2.0.0 OK <{id}@AM0PR01MB0001.eurprd01.prod.outlook.com>"
              " [Hostname=AM0PR01MB0001.eurprd01.prod.outlook.com]")

    def __init__(self, wire, server):
        super().__init__(wire, server)
        self._session_id = "08DE" + secrets.token_hex(6).upper()

    def banner(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        return "220 %s Microsoft ESMTP MAIL Service ready at %s [%s]" % (
            FRONT_END, now.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            self._session_id)

    def refuse(self, _mechanism, attempt, forced):
        # At once, and without a challenge.
        name = forced or attempt.reason
        reply = AUTH_REPLIES.get(name) or forced or AUTH_REPLIES["5.7.3"]
        now = datetime.datetime.now(datetime.timezone.utc)
        self.wire.send("%s [%s %s %s]" % (
            reply, FRONT_END, now.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            self._session_id))


class GmailDialogue(OAuthDialogue):
    """smtp.gmail.com, port 587."""

    hello = "smtp.gmail.com at your service, [127.0.0.1]"
    keywords = ("SIZE 35882577", "8BITMIME", "ENHANCEDSTATUSCODES",
                "PIPELINING", "CHUNKING", "SMTPUTF8")
    mechanisms = "LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH"
    need_auth = "530 5.7.0 Authentication Required."
    success = "235 2.7.0 Accepted"
    queued = "250 2.0.0 OK {id} - gsmtp"

    def banner(self):
        return "220 smtp.gmail.com ESMTP stand-in - gsmtp"

    def authenticate(self, mechanism, response):
        line = "AUTH %s %s" % (mechanism, response or "")
        if response and len(line) + 2 > GMAIL_LONGEST_LINE:
            self.wire.send("555 5.5.2 Syntax error, cannot decode response.")
            return
        super().authenticate(mechanism, response)

    def refuse(self, mechanism, attempt, forced):
        challenge = GMAIL_CHALLENGES.get(mechanism)
        if challenge and attempt.reason != "cancelled":
            self.wire.send(
                "334 " + base64.b64encode(challenge.encode()).decode())
            attempt.challenge_answer = self.wire.line(MAX_AUTH_LINE)
            if attempt.challenge_answer != GMAIL_ANSWERS[mechanism]:
                self.wire.send("501 5.5.2 Cannot decode response")
                return
        if forced:
            self.wire.send(AUTH_REPLIES.get(forced, forced))
        else:
            self.wire.send(*BAD_CREDENTIALS)


DIALOGUES = {"exchange": ExchangeDialogue, "gmail": GmailDialogue}


def server(mode, port, rules, verifier, log, tls=True,
           auth_without_tls=False):
    """The SmtpServer of that mode, not yet started."""
    made = SmtpServer(DIALOGUES[mode], port, rules, log)
    made.verifier = verifier
    made.tls = tls
    made.auth_without_tls = auth_without_tls
    return made
