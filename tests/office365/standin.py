# SPDX-License-Identifier: Apache-2.0
"""The stand-in as tests use it: class Office365."""

import os
import shutil
import stat
import tempfile
import threading
import time

from . import certificates, dovecot, entra, exchange, submission, tokens
from .directory import DELEGATED, ROLES, Directory
from .milter import MilterServer
from .policy import PolicyServer
from .processes import StartError, reserve_port
from .rules import Rules
from .switches import Gate, Record, Switches
from .tokenserver import TokenServer

MODES = ("postfix", "exchange", "gmail")
MECHANISMS = ("login", "xoauth2", "oauthbearer")
OUTLOOK = entra.OUTLOOK_HOSTS[0]


def check_reachable(path):
    """Postfix and Dovecot drop root; they must still get into the folder."""
    path = os.path.abspath(path)
    while path != "/":
        if not os.stat(path).st_mode & stat.S_IXOTH:
            raise StartError(
                "%s: users postfix and dovecot cannot enter it; give the "
                "stand-in a directory whose whole path has mode 0755" % path)
        path = os.path.dirname(path)


class Office365:
    """A token endpoint like Entra ID and a mail server like Exchange Online.

    directory: a folder of its own, made if absent.
    mode: "postfix" (real Postfix and Dovecot; needs root), "exchange" or
      "gmail" (answers before and at AUTH as those do).
    certificate_names: subject names of the mail servers' certificate, when
      they are to differ from the host's.
    tls=False: STARTTLS is not offered. auth_without_tls: AUTH is offered
      before TLS.
    dovecot_debug: Dovecot's log shows each step, and tokens.
    """

    client_id = "66666666-7777-8888-9999-000000000000"
    # As long as, and with the characters of, a secret's Value.
    client_secret = "std8Q~Stand-in.Client_Secret~0123456789a"
    user = "relay@contoso.com"
    password = "stand-in-password"

    def __init__(self, directory,
                 tenant="11111111-2222-3333-4444-555555555555",
                 mode="postfix", host="localhost",
                 names=certificates.DEFAULT_NAMES, certificate_names=None,
                 certificate_days=30, tls=True, auth_without_tls=False,
                 mechanisms=MECHANISMS, dovecot_debug=False,
                 smtp_port=None, token_port=None):
        if mode not in MODES:
            raise ValueError("mode %r, not one of %s" % (
                mode, ", ".join(MODES)))
        self.directory = os.path.abspath(directory)
        self.tenant = tenant.lower()
        self.mode = mode
        self.host = host
        self._names = tuple(names)
        self._mail_names = tuple(certificate_names or names)
        self._days = certificate_days
        self._tls = tls
        self._auth_without_tls = auth_without_tls
        self._mechanisms = mechanisms
        self._dovecot_debug = dovecot_debug
        self._token_port = token_port or reserve_port()
        self.smtp_port = smtp_port or reserve_port()
        self.smtp_log = os.path.join(self.directory, "smtp.log")
        self.dovecot_log = os.path.join(
            self.directory, "dovecot", "dovecot.log")
        self.token_log = os.path.join(self.directory, "token.log")
        self.ca_file = os.path.join(self.directory, "certificates", "ca.pem")
        self.imap_port = self.imaps_port = None
        self.pop_port = self.pops_port = None
        self._log_lock = threading.Lock()
        self._run = self._smtp = self._dovecot = None
        self._parts = []
        self._build()
        self._populate()

    def _build(self):
        self._switches = Switches()
        self._gate = Gate(self._switches)
        self._requests = Record("token requests")
        self._messages = Record("messages")
        self._attempts = Record("authentications")
        self._directory = Directory(self.tenant)
        self._signer = tokens.Signer()
        self._rules = Rules(self._directory, self._switches, self._messages)
        self._server = TokenServer(
            entra.Entra(self._directory, self._signer), self._signer,
            self.tenant, self._switches, self._gate, self._requests,
            self._log)
        self._switches.changed = self._server.switches_changed

    def _populate(self):
        # The second, plain secret is for people who type.
        self.add_client(self.client_id,
                        (self.client_secret, "stand-in-client-secret"))
        self.add_user(self.user, self.password)
        self.add_mailbox(self.user, send_as=["sales@contoso.com"])

    # --- life

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()

    def start(self):
        """Start all servers; on an error nothing is left running."""
        os.makedirs(self.directory, exist_ok=True)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self):
        folder = os.path.join(self.directory, "certificates")
        authority = certificates.Authority(folder)
        self._parts.append(self._server)
        self._server.start(
            self._token_port, self.host,
            *authority.issue("token", self._names))
        pair = authority.issue("mail", self._mail_names, self._days)
        if self.mode == "postfix":
            self._start_postfix(*pair)
        else:
            self._start_own_server(*pair)

    def _start_postfix(self, certificate, key):
        if os.geteuid() != 0:
            raise StartError("mode postfix needs root")
        check_reachable(self.directory)
        # Socket paths must be short, whatever the directory's name is.
        self._run = tempfile.mkdtemp(prefix="office365-", dir="/tmp")
        os.chmod(self._run, 0o755)
        milter = MilterServer(
            os.path.join(self._run, "milter"), self._rules, self._log)
        milter.start()
        self._parts.append(milter)
        policy = PolicyServer(reserve_port(), self._attempts, self._log)
        policy.start()
        self._parts.append(policy)
        self._dovecot = server = dovecot.Dovecot(
            os.path.join(self.directory, "dovecot"), self._run,
            self._directory, self._signer, self._mechanisms,
            policy.config(), self._dovecot_debug)
        self.imap_port, self.imaps_port = (
            server.ports["imap"], server.ports["imaps"])
        self.pop_port, self.pops_port = (
            server.ports["pop"], server.ports["pops"])
        self._parts.append(server)
        server.start(certificate, key)
        self._directory.changed = server.write_mailboxes
        postfix = submission.Postfix(self.directory, self.smtp_port)
        self._parts.append(postfix)
        postfix.start(self._mail_names[0], certificate, key,
                      server.smtp_auth_socket, milter.path, self._tls,
                      self._auth_without_tls)
        server.wait()
        postfix.wait()

    def _start_own_server(self, certificate, key):
        verifier = exchange.Verifier(
            self._directory, self._signer, self._switches, self._attempts)
        self._smtp = exchange.server(
            self.mode, self.smtp_port, self._rules, verifier, self._log,
            self._tls, self._auth_without_tls)
        self._smtp.start(certificate, key)
        self._parts.append(self._smtp)

    def stop(self):
        """End everything; harmless when nothing runs."""
        self._directory.changed = lambda: None
        while self._parts:
            self._parts.pop().stop()
        if self._run:
            shutil.rmtree(self._run, ignore_errors=True)
            self._run = None

    def _log(self, text):
        with self._log_lock, open(self.token_log, "a") as out:
            out.write("%.3f %s\n" % (time.time(), text))

    # --- addresses

    @property
    def authority(self):
        return "https://%s:%d" % (self.host, self._token_port)

    @property
    def token_endpoint(self):
        return "%s/%s/oauth2/v2.0/token" % (self.authority, self.tenant)

    @property
    def device_endpoint(self):
        return "%s/%s/oauth2/v2.0/devicecode" % (self.authority, self.tenant)

    @property
    def authorization_endpoint(self):
        return "%s/%s/oauth2/v2.0/authorize" % (self.authority, self.tenant)

    @property
    def discovery_endpoint(self):
        return "%s/%s/v2.0/.well-known/openid-configuration" % (
            self.authority, self.tenant)

    @property
    def discoveries(self):
        """How often that document was asked for."""
        return self._server.discoveries

    # --- people who sign in

    @property
    def sign_ins(self):
        """Device codes and authorization codes: see signin.py."""
        return self._server.entra.sign_ins

    # --- the tenant's directory

    def add_client(self, client_id, secret="stand-in-client-secret",
                   expired=False, public=False, roles=ROLES):
        """Register an application, or replace it; secret may be a list."""
        self._directory.add_client(client_id, secret, expired, public, roles)

    def add_certificate(self, certificate, client_id=None):
        """Upload an AppCertificate to an application."""
        self._directory.client(
            client_id or self.client_id).certificates.append(certificate)

    def add_service_account(self, account):
        """Know a google.ServiceAccount."""
        self._server.entra.service_accounts[account.email] = account

    def add_federated(self, federated, client_id=None):
        """Give an application a Federated credential."""
        self._directory.client(
            client_id or self.client_id).federated.append(federated)

    def remove_federated(self, client_id=None):
        """Take all of them away."""
        self._directory.client(client_id or self.client_id).federated.clear()

    def add_user(self, upn, password, mfa=False, **flags):
        """Flags: disabled, password_expired, consented=False."""
        self._directory.add_user(upn, password, mfa=mfa, **flags)

    def add_mailbox(self, address, send_as=(), smtp_auth=True):
        self._directory.add_mailbox(address, send_as, smtp_auth)

    def bad_attempts(self, upn):
        """Wrong passwords since the last right one."""
        return self._directory.user(upn).bad_attempts

    def revoke_refresh_tokens(self):
        """All issued until now answer 50173 from now on."""
        self._directory.revoke_refresh_tokens()

    def revoke_access_tokens(self):
        """All issued until now are refused by the mail servers.

        Entra ID cannot do that; it is what a change of its signing key does.
        """
        self._signer.renew()
        if self._dovecot:
            self._dovecot.restart()

    def issue_refresh_token(self, upn, client_id=None,
                            scope=OUTLOOK + "/SMTP.Send"):
        return self._directory.issue_refresh_token(
            upn, client_id or self.client_id, scope)

    def valid_refresh_tokens(self):
        """Fingerprints of the refresh tokens that would be accepted."""
        return self._directory.valid_refresh_tokens()

    def mint_token(self, upn=user, lifetime=3600, audience=OUTLOOK,
                   forged=False, size=5000, scopes=DELEGATED, **claims):
        """An access token made to order; forged: by a key of nobody."""
        body = tokens.user_claims(
            self.tenant, self.client_id, audience, lifetime, "1", upn,
            scopes)
        body.update(claims)
        signer = tokens.Signer() if forged else self._signer
        return signer.sign(tokens.padded(body, size), self._signer.key_id)

    def mint_app_token(self, client_id, resource, lifetime=3600):
        """An access token of an application by itself."""
        return self._signer.sign(tokens.padded(tokens.app_claims(
            self.tenant, client_id, resource, lifetime, "2", ROLES), 5000))

    def deliver(self, address, message):
        """Put a message (bytes) into the mailbox that IMAP and POP show."""
        return dovecot.deliver(
            os.path.join(self.directory, "dovecot"), address, message)

    # --- switches

    def set(self, once=None, **values):
        """Throw switches (see switches.py); once=N: for N uses only."""
        if self.mode == "postfix" and "auth_reply" in values:
            raise ValueError("in mode postfix Dovecot decides about AUTH")
        self._switches.set(once, **values)

    def gate(self):
        """`with o.gate() as gate`: finished token answers are held."""
        return self._gate.closed()

    # --- what happened

    @staticmethod
    def now():
        """The clock by which all records are dated."""
        return time.time()

    @property
    def token_requests(self):
        return self._requests.items()

    def wait_token_requests(self, count, timeout=60):
        return self._requests.wait(count, timeout)

    @property
    def token_connections(self):
        """Connections the token endpoint has accepted."""
        return self._server.listener.connections

    @property
    def redirects_followed(self):
        """POSTs that arrived where behaviour "redirect" points."""
        return self._server.redirected

    def messages(self):
        return self._messages.items()

    def wait_messages(self, count, timeout=60):
        return self._messages.wait(count, timeout)

    @property
    def authentications(self):
        """Logins tried: time, user, mechanism, ok, and more by mode.

        In mode postfix these are Dovecot's, for SMTP, IMAP and POP; a
        refused one appears just after the client has its answer.
        """
        return self._attempts.items()

    def wait_authentications(self, count, timeout=60):
        return self._attempts.wait(count, timeout)

    @property
    def captured(self):
        """All bytes SMTP clients sent; in modes exchange and gmail only."""
        if self._smtp is None:
            raise RuntimeError("mode %s captures nothing" % self.mode)
        return b"".join(self._smtp.captured)

    @property
    def smtp_connections(self):
        """SMTP connections made; in modes exchange and gmail only."""
        return self._smtp.listener.connections

    @property
    def refusals(self):
        """(time, mailbox, reply) of each message refused by a rule."""
        return list(self._rules.refused)

    @property
    def peak_connections(self):
        """The most sessions that were open for one mailbox at once."""
        return self._rules.peak_sessions

    def clear(self):
        """Forget recorded requests, messages and authentications."""
        for record in (self._requests, self._messages, self._attempts):
            record.clear()
