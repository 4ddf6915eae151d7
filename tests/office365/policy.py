# SPDX-License-Identifier: Apache-2.0
"""Hears from Dovecot which logins it accepted and which it refused.

Dovecot tells an "auth policy server" over HTTP. An accepted login is told
before the client gets its answer, a refused one just after.
"""

import json
import time
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from .listener import Listener, loopback

MAX_BODY = 65536
CONFIG = """\
auth_policy_server_url = http://127.0.0.1:{port}/
auth_policy_hash_nonce = stand-in
auth_policy_request_attributes = \
login=%{{requested_username}} mech=%m protocol=%s
auth_policy_check_before_auth = no
auth_policy_check_after_auth = yes
auth_policy_report_after_auth = yes
"""


@dataclass
class Login:
    """A login that Dovecot decided about."""

    time: float
    user: str
    mechanism: str
    protocol: str  # smtp, imap, pop3
    ok: bool


class Handler(BaseHTTPRequestHandler):
    """One connection of Dovecot's auth process."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_POST(self):
        length = min(int(self.headers.get("Content-Length", 0)), MAX_BODY)
        told = json.loads(self.rfile.read(length))
        query = urllib.parse.urlsplit(self.path).query
        command = urllib.parse.parse_qs(query).get("command", [""])[0]
        accepted = command == "allow"
        # Acceptance is known from the question, its report says it again.
        if accepted or not told.get("success"):
            self.server.logins.add(Login(
                time.time(), told.get("login", ""),
                told.get("mech", "").upper(), told.get("protocol", ""),
                accepted))
        body = b'{"status":0,"msg":""}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class PolicyServer:
    """Listens on 127.0.0.1; `logins` is a Record."""

    def __init__(self, port, logins, log):
        self.port = port
        self.logins = logins
        self._log = log
        self._listener = Listener(loopback(port), self._serve)

    def config(self):
        """Dovecot's settings for this server."""
        return CONFIG.format(port=self.port)

    def start(self):
        self._listener.resume()
        self._listener.start()

    def stop(self):
        self._listener.stop()

    def _serve(self, connection):
        with connection:
            try:
                Handler(connection, connection.getpeername(), self)
            except (OSError, ValueError) as error:
                self._log("policy: %s" % error)
