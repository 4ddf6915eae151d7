# SPDX-License-Identifier: Apache-2.0
"""An instance metadata service as on hosts in Azure, on loopback.

It answers GET with "Metadata: true", refuses what came through a proxy, and
gives the tokens of managed identities, with numbers as strings.
"""

import json
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

from . import tokens
from .assertions import Issuer
from .entra import OUTLOOK_HOSTS
from .listener import Listener, loopback
from .processes import reserve_port
from .switches import Record

PATH = "/metadata/identity/oauth2/token"
SYSTEM = "system"


class Handler(BaseHTTPRequestHandler):
    """One connection; `server` is the Metadata."""

    protocol_version = "HTTP/1.1"
    timeout = 30

    def log_message(self, *args):
        pass

    def do_POST(self):
        self.close_connection = True
        self._refuse(405, "method_not_allowed", "Method not allowed")

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.server.requests.add((self.path, dict(self.headers.items())))
        status = self.server.take_status()
        if status != 200:
            self._refuse(status, "unavailable", "Not available now")
        elif self.headers.get("Metadata") != "true" or \
                self.headers.get("X-Forwarded-For"):
            self._refuse(400, "bad_request_102",
                         "Required metadata header not specified")
        elif url.path != PATH or query.get("api-version") != "2018-02-01":
            self._refuse(400, "bad_request", "Invalid api-version")
        elif query.get("client_id", SYSTEM) not in self.server.identities:
            self._refuse(400, "invalid_request", "Identity not found")
        else:
            self._answer(200, self.server.token(
                query.get("client_id", SYSTEM), query.get("resource", "")))

    def _refuse(self, status, error, words):
        self._answer(status, {"error": error, "error_description": words})

    def _answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Metadata:
    """identities: those of the host, client IDs and "system"."""

    def __init__(self, office, identities=(SYSTEM,)):
        self._office = office
        self.identities = set(identities)
        self.issuer = Issuer(
            "https://login.microsoftonline.com/%s/v2.0" % office.tenant)
        self.requests = Record("requests for an identity")
        self.statuses = []  # of the next answers, instead of 200
        self.port = reserve_port()
        self.endpoint = "http://127.0.0.1:%d%s" % (self.port, PATH)
        self._listener = Listener(loopback(self.port), self._serve)

    def __enter__(self):
        self._listener.start()
        self._listener.resume()
        return self

    def __exit__(self, *_exception):
        self._listener.stop()

    def pause(self):
        """Refuse connections."""
        self._listener.pause()

    def resume(self):
        self._listener.resume()

    def take_status(self):
        return self.statuses.pop(0) if self.statuses else 200

    def principal(self, identity):
        """The object ID that is the subject of its tokens."""
        return tokens.stable_guid(self._office.tenant, "identity", identity)

    def token(self, identity, resource):
        if resource in OUTLOOK_HOSTS:
            access = self._office.mint_app_token(identity, resource)
        else:
            access = self.issuer.token(self.principal(identity), resource)
        now = int(time.time())
        return {"access_token": access, "client_id": identity,
                "expires_in": "3600", "expires_on": str(now + 3600),
                "ext_expires_in": "3600", "not_before": str(now),
                "resource": resource, "token_type": "Bearer"}

    def _serve(self, connection):
        try:
            connection.settimeout(30)
            Handler(connection, connection.getpeername(), self)
        except OSError:
            pass  # the client was faster
        finally:
            connection.close()
