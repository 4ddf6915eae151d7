# SPDX-License-Identifier: Apache-2.0
"""What the tenant's directory holds: applications, users, mailboxes, grants.

Everything is guarded by one lock; methods may be called from any thread.
"""

import secrets
import threading
import time
from dataclasses import dataclass, field

from .tokens import fingerprint

LOCKOUT_AFTER = 10  # wrong passwords until smart lockout answers 50053

DELEGATED = ("SMTP.Send", "IMAP.AccessAsUser.All", "POP.AccessAsUser.All")
ROLES = ("SMTP.SendAsApp", "IMAP.AccessAsApp", "POP.AccessAsApp")


@dataclass
class Client:
    """An app registration."""

    client_id: str
    secrets: list
    expired: bool = False
    public: bool = False
    roles: tuple = ROLES
    redirect_uris: tuple = ("http://localhost",)
    certificates: list = field(default_factory=list)  # AppCertificate
    federated: list = field(default_factory=list)     # Federated


@dataclass
class User:
    """A sign-in account."""

    upn: str
    password: str
    mfa: bool = False
    disabled: bool = False
    password_expired: bool = False
    consented: bool = True
    bad_attempts: int = 0


@dataclass
class Mailbox:
    """A mailbox, the addresses it may send as, and its SMTP AUTH switch."""

    address: str
    send_as: set = field(default_factory=set)
    smtp_auth: bool = True

    def may_send_as(self, address):
        return address.lower() in self.send_as | {self.address}


@dataclass
class RefreshToken:
    """A refresh token; its value is the key under which it is kept."""

    upn: str
    client_id: str
    scope: str
    issued: float
    revoked: bool = False


class Directory:
    """One tenant."""

    def __init__(self, tenant, domains=("contoso.com",
                                        "contoso.onmicrosoft.com")):
        self.tenant = tenant
        self.domains = {name.lower() for name in domains}
        self.changed = lambda: None  # called when the mailboxes changed
        self._lock = threading.RLock()
        self._clients = {}
        self._users = {}
        self._mailboxes = {}
        self._refresh_tokens = {}

    def add_client(self, client_id, secret, expired=False, public=False,
                   roles=ROLES):
        values = [secret] if isinstance(secret, str) else list(secret or ())
        with self._lock:
            self._clients[client_id.lower()] = Client(
                client_id, values, expired, public, tuple(roles))

    def add_user(self, upn, password, **flags):
        with self._lock:
            self._users[upn.lower()] = User(upn, password, **flags)

    def add_mailbox(self, address, send_as=(), smtp_auth=True):
        with self._lock:
            self._mailboxes[address.lower()] = Mailbox(
                address.lower(), {name.lower() for name in send_as},
                smtp_auth)
        self.changed()

    def client(self, client_id):
        with self._lock:
            return self._clients.get(client_id.lower())

    def user(self, upn):
        with self._lock:
            return self._users.get(upn.lower())

    def mailbox(self, address):
        with self._lock:
            return self._mailboxes.get(address.lower())

    def mailboxes(self):
        with self._lock:
            return list(self._mailboxes.values())

    def try_password(self, user, password):
        """Return 'ok', 'wrong' or 'locked', counting wrong ones."""
        with self._lock:
            if user.bad_attempts >= LOCKOUT_AFTER:
                return "locked"
            if secrets.compare_digest(
                    user.password.encode(), password.encode()):
                user.bad_attempts = 0
                return "ok"
            user.bad_attempts += 1
            return "wrong"

    def issue_refresh_token(self, upn, client_id, scope):
        value = "1.AX0A" + secrets.token_urlsafe(720) + "." + \
            secrets.token_urlsafe(90)
        with self._lock:
            self._refresh_tokens[value] = RefreshToken(
                upn, client_id, scope, time.time())
        return value

    def refresh_token(self, value):
        with self._lock:
            return self._refresh_tokens.get(value)

    def valid_refresh_tokens(self):
        """Fingerprints of the refresh tokens that would be accepted."""
        with self._lock:
            return [fingerprint(value) for value, token
                    in self._refresh_tokens.items() if not token.revoked]

    def revoke_refresh_tokens(self, value=None):
        """Revoke that one, or all issued until now."""
        with self._lock:
            for name, token in self._refresh_tokens.items():
                if value in (None, name):
                    token.revoked = True
