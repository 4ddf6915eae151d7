# SPDX-License-Identifier: Apache-2.0
"""A private Dovecot: checks the tokens, and serves IMAP and POP.

Dovecot verifies signature, audience, issuer, expiry and user by itself
(`introspection_mode = local`); it shares nothing with our own code but the
public key.
"""

import os
import pwd
import secrets
import shutil
import time

from . import processes
from .entra import OUTLOOK_HOSTS

CONFIG = """\
base_dir = {run}
state_dir = {run}/state
log_path = {log}
auth_verbose = yes
auth_debug = {debug}
protocols = imap pop3
listen = 127.0.0.1
ssl = yes
ssl_min_protocol = TLSv1.2
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = yes
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
{policy}mail_location = maildir:~/Maildir
first_valid_uid = 1
default_process_limit = 200
service auth {{
  unix_listener smtp-auth {{
    mode = 0660
    user = postfix
  }}
}}
# No penalty for the address that all tests come from.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop}
  }}
  inet_listener pop3s {{
    port = {pops}
    ssl = yes
  }}
}}
# First: is there such a mailbox, and may it log in this way?
passdb {{
  driver = dict
  args = {directory}/mailboxes.conf
  mechanisms = xoauth2 oauthbearer
  result_success = continue
  result_failure = return-fail
}}
{passdbs}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/%Lu
}}
"""
PASSDB = """\
passdb {{
  driver = oauth2
  args = {path}
  mechanisms = xoauth2 oauthbearer
}}
"""
# Dovecot knows one audience per passdb, and calls it client_id.
OAUTH2 = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={directory}/keys/
issuers = https://sts.windows.net/{tenant}/
client_id = {audience}
username_attribute = {attribute}
username_format = {format}
scope =
"""
# A file per mailbox, which Dovecot reads anew for each login.
MAILBOXES = """\
uri = fs:posix:prefix={directory}/
passdb_objects = passdb
key passdb {{
  key = mailboxes/%Lu
  format = json
}}
"""
# A delegated token names its user; an app-only one serves any mailbox. Dovecot
# expands the format with the token's word and with the login name, and
# compares: "app" gives the same as any login name, "user" does not.
# The last one's verdict is what the client sees: the commonest comes last.
KINDS = (("app", "idtyp", "%{if;%u;eq;user;delegated;any}"),
         ("user", "upn", "%Lu"))


def deliver(directory, address, message):
    """Put a message into the mailbox's new mail; return its path."""
    account = pwd.getpwnam("nobody")
    path = os.path.join(directory, "mail", address.lower())
    for name in ("", "Maildir", "Maildir/cur", "Maildir/new", "Maildir/tmp"):
        folder = os.path.join(path, name)
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, account.pw_uid, account.pw_gid)
    name = "%d.%s.stand-in" % (time.time(), secrets.token_hex(8))
    draft = os.path.join(path, "Maildir", "tmp", name)
    with open(draft, "wb") as out:
        out.write(message)
    os.chown(draft, account.pw_uid, account.pw_gid)
    final = os.path.join(path, "Maildir", "new", name)
    os.rename(draft, final)
    return final


class Dovecot:
    """Needs root; `smtp_auth_socket` is for Postfix."""

    def __init__(self, directory, run, directory_data, signer, mechanisms,
                 policy="", debug=False):
        self.directory = directory
        self.run = run
        self.log = os.path.join(directory, "dovecot.log")
        self.smtp_auth_socket = os.path.join(run, "smtp-auth")
        self.ports = {name: processes.reserve_port()
                      for name in ("imap", "imaps", "pop", "pops")}
        self._data = directory_data
        self._signer = signer
        self._mechanisms = mechanisms
        self._policy = policy  # settings that name the policy server
        self._debug = "yes" if debug else "no"
        self._child = None

    def start(self, certificate, key):
        """Write the configuration and start; `wait` waits for it."""
        os.makedirs(self.directory, exist_ok=True)
        self._write_key()
        self.write_mailboxes()
        with open(os.path.join(
                self.directory, "mailboxes.conf"), "w") as out:
            out.write(MAILBOXES.format(directory=self.directory))
        mail = os.path.join(self.directory, "mail")
        os.makedirs(mail, exist_ok=True)
        account = pwd.getpwnam("nobody")
        os.chown(mail, account.pw_uid, account.pw_gid)
        with open(os.path.join(
                self.directory, "dovecot.conf"), "w") as out:
            out.write(CONFIG.format(
                run=self.run, log=self.log, certificate=certificate,
                key=key, directory=self.directory, mail=mail,
                debug=self._debug, policy=self._policy,
                mechanisms=" ".join(self._mechanisms),
                passdbs=self._passdbs(), uid=account.pw_uid,
                gid=account.pw_gid, **self.ports))
        self._run_daemon()

    def restart(self):
        """With the signer's present key only."""
        self.stop()
        self._write_key()
        self._run_daemon()
        self.wait()

    def _run_daemon(self):
        self._child = processes.Child(
            ["/usr/sbin/dovecot", "-F", "-c",
             os.path.join(self.directory, "dovecot.conf")],
            os.path.join(self.directory, "dovecot.out"), scratch=self.run)

    def wait(self):
        for port in self.ports.values():
            processes.wait_for_port(port, self._child.alive, self.log)
        # Postfix asks over this one, which Dovecot may open last.
        processes.wait_for_line(
            self.smtp_auth_socket, b"DONE", self._child.alive, self.log)

    def stop(self):
        # Dovecot itself takes a second to end; nothing here is worth it.
        if self._child:
            self._child.stop(grace_s=0.1)

    def write_mailboxes(self):
        """Tell Dovecot which mailboxes may log in; counts at once."""
        folder = os.path.join(self.directory, "mailboxes")
        os.makedirs(folder, exist_ok=True)
        for mailbox in self._data.mailboxes():
            path = os.path.join(folder, mailbox.address)
            if mailbox.smtp_auth:
                with open(path + "~", "w") as out:
                    out.write('{"nopassword":"y"}')
                os.replace(path + "~", path)
            elif os.path.exists(path):
                os.unlink(path)

    def _write_key(self):
        keys = os.path.join(self.directory, "keys", "default", "RS256")
        shutil.rmtree(keys, ignore_errors=True)
        os.makedirs(keys)
        with open(os.path.join(keys, self._signer.key_id), "wb") as out:
            out.write(self._signer.public_pem)

    def _passdbs(self):
        text = ""
        for kind, attribute, form in KINDS:
            for number, audience in enumerate(reversed(OUTLOOK_HOSTS)):
                path = os.path.join(
                    self.directory, "oauth2-%s-%d.conf" % (kind, number))
                with open(path, "w") as out:
                    out.write(OAUTH2.format(
                        directory=self.directory, tenant=self._data.tenant,
                        audience=audience, attribute=attribute, format=form))
                text += PASSDB.format(path=path)
        return text
