# SPDX-License-Identifier: Apache-2.0
"""The HTTPS server before `entra`: paths, bounds, misbehaviour on demand."""

import base64
import binascii
import json
import re
import socket
import ssl
import time
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from . import authorize
from .aadsts import Refusal
from .listener import Listener, loopback
from .switches import TOKEN
from .tokens import fingerprint

MAX_BODY = 65536
DRAIN = 1 << 20
IDLE_TIMEOUT_S = 30
TOKEN_PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/token\Z")
DEVICE_PATH = re.compile(r"/([^/]+)/oauth2/v2\.0/devicecode\Z")
KEYS_PATH = re.compile(r"/([^/]+)/discovery/v2\.0/keys\Z")
DISCOVERY_PATH = re.compile(
    r"/([^/]+)/v2\.0/\.well-known/openid-configuration\Z")
SIGN_IN_PAGE = (
    "<!DOCTYPE html><html><head><title>Sign in to your account</title>"
    "</head><body>We can't sign you in.</body></html>")


@dataclass
class TokenRequest:
    """One request to the token endpoint; secrets only as fingerprints."""

    time: float
    path: str
    grant: str
    client_id: str
    username: str
    scope: str
    secret_id: str
    refresh_token_id: str
    parameters: list
    headers: dict
    outcome: str = "pending"
    token_id: str = ""          # of the access token issued
    new_refresh_token_id: str = ""
    assertion: str = ""         # the client's, as it was sent
    answered: float = 0         # when an answer began to be sent


def fingerprint_or_empty(value):
    return fingerprint(value) if value else ""


class Handler(BaseHTTPRequestHandler):
    """One connection; `server` is the TokenServer."""

    protocol_version = "HTTP/1.1"
    server_version = "Microsoft-HTTPAPI/2.0"
    sys_version = ""
    timeout = IDLE_TIMEOUT_S

    def date_time_string(self, timestamp=None):
        """The Date header, as wrong as it is wanted."""
        return super().date_time_string(
            time.time() + self.server.switches.get("clock_off"))

    def log_message(self, *args):
        self.server.log("%s %s" % (self.client_address[0], args[0] % args[1:]))

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if TOKEN_PATH.match(path):
            self._refuse(Refusal(900561, method=self.command))
        elif KEYS_PATH.match(path):
            self._json(200, {"keys": [self.server.signer.jwk(
                self.server.issuer)]})
        elif DISCOVERY_PATH.match(path):
            self._discovery()
        elif not authorize.get(self):
            self.plain(404, "text/html", SIGN_IN_PAGE)

    def do_POST(self):
        body = self._body()
        if body is None:
            return
        path = urllib.parse.urlsplit(self.path).path
        match = DEVICE_PATH.match(path)
        if match:
            self._device(match.group(1), self._params(body))
            return
        match = TOKEN_PATH.match(path)
        if authorize.post(self, path, body):
            return
        if not match:
            if path.startswith("/redirected"):
                self.server.redirected += 1
            self.plain(404, "text/html", SIGN_IN_PAGE)
            return
        params = self._params(body)
        switches = self.server.switches.take(TOKEN)
        request = self.server.note(path, params, dict(self.headers.items()))
        self._token(urllib.parse.unquote(match.group(1)), params, switches,
                    request)

    def _body(self):
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            length = -1
        if not 0 <= length <= MAX_BODY:
            self.close_connection = True
            # Read what is under way, or the answer is lost in a reset.
            self.rfile.read(min(max(length, 0), DRAIN))
            self.plain(411 if length < 0 else 413, "text/html", "")
            return None
        return self.rfile.read(length)

    def _params(self, body):
        """The form's parameters; the secret may come by HTTP Basic."""
        kind = self.headers.get("Content-Type", "").split(";")[0].strip()
        if kind.lower() != "application/x-www-form-urlencoded":
            return {}
        params = dict(urllib.parse.parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True))
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                pair = base64.b64decode(value, validate=True).decode()
            except (binascii.Error, UnicodeError):
                pair = ":"
            name, _, secret = pair.partition(":")
            params.setdefault("client_id", urllib.parse.unquote_plus(name))
            params["client_secret"] = urllib.parse.unquote_plus(secret)
        return params

    def _token(self, tenant, params, switches, request):
        server = self.server
        if not server.pause(switches["delay"]):
            return
        if self._misbehave(switches, request):
            return
        status, headers = 200, {}
        try:
            switches["endpoint"] = server.authority + request.path
            body = server.entra.answer(tenant, params, switches)
            request.outcome = "issued"
            request.token_id = fingerprint(body["access_token"])
            request.new_refresh_token_id = fingerprint_or_empty(
                body.get("refresh_token"))
        except Refusal as refusal:
            request.outcome = str(refusal.code)
            status, body = refusal.status, refusal.body(
                server.authority, self.headers.get("client-request-id"))
            if switches["retry_after"] is not None:
                headers["Retry-After"] = switches["retry_after"]
        server.requests.changed()
        if switches["gate_before_answer"]:
            server.gate.pass_through()
            if not server.running:
                self.close_connection = True
                return
        request.answered = time.time()
        self._json(status, body, headers, switches["behaviour"])

    def _device(self, tenant, params):
        try:
            body = self.server.entra.device(
                tenant, params, self.server.switches.take(TOKEN))
            body["verification_uri"] = self.server.authority + "/devicelogin"
            body["message"] = (
                "To sign in, use a web browser to open the page %s and enter"
                " the code %s to authenticate." % (
                    body["verification_uri"], body["user_code"]))
            self._json(200, body)
        except Refusal as refusal:
            self._refuse(refusal)

    def _discovery(self):
        server = self.server
        server.discoveries += 1
        changes = dict(server.switches.get("discovery") or {})
        status = changes.pop("status", 200)
        pause = changes.pop("retry_after", None)
        body = dict(server.discovery(), **changes)
        self._json(status, {k: v for k, v in body.items() if v is not None},
                   {"Retry-After": pause} if pause is not None else {})

    def _misbehave(self, switches, request):
        """Give the answers that need no decision; True if one was given."""
        behaviour = switches["behaviour"]
        if switches["answer"] is not None:
            status, body = switches["answer"]
            request.outcome = "answer %d" % status
            request.answered = time.time()
            if not isinstance(body, str):
                body = json.dumps(body)
            self.plain(status, "application/json", body)
        elif switches["http"] is not None:
            request.outcome = "http %d" % switches["http"]
            request.answered = time.time()
            headers = {}
            if switches["retry_after"] is not None:
                headers["Retry-After"] = switches["retry_after"]
            if switches["http"] == 429:
                self._json(429, Refusal(90055).body(
                    self.server.authority), headers)
            else:
                self.plain(switches["http"], "text/html",
                            "<html><body>Service Unavailable</body></html>",
                            headers)
        elif behaviour in (None, "truncated", "drip"):
            return False
        else:
            request.outcome = behaviour
            getattr(self, "_behave_" + behaviour)()
        return True

    def _behave_silent(self):
        self.server.pause_while("silent")
        self.close_connection = True

    def _behave_reset(self):
        self.close_connection = True

    _behave_refuse = _behave_reset

    def _behave_html200(self):
        self.plain(200, "text/html; charset=utf-8", SIGN_IN_PAGE)

    def _behave_empty200(self):
        self.plain(200, "application/json", "")

    def _behave_redirect(self):
        self.plain(307, "text/html", "", {
            "Location": self.server.authority + "/redirected" + self.path})

    def _behave_oversize(self):
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b'{"access_token":"')
        while self.server.switches.get("behaviour") == "oversize" \
                and self.server.running:
            self.wfile.write(b"A" * 16384)

    def _refuse(self, refusal):
        self._json(refusal.status, refusal.body(self.server.authority))

    def _json(self, status, body, headers=None, behaviour=None):
        self.plain(status, "application/json; charset=utf-8",
                    json.dumps(body, separators=(",", ":")), headers,
                    behaviour)

    def plain(self, status, kind, text, headers=None, behaviour=None):
        data = text.encode()
        self.send_response(status)
        self.send_header("Cache-Control", "no-store, no-cache")
        self.send_header("Pragma", "no-cache")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, str(value))
        self.end_headers()
        if behaviour == "truncated":
            self.close_connection = True
            data = data[:len(data) // 2]
        if behaviour == "drip":
            self._drip(data)
        elif self.command != "HEAD":
            self.wfile.write(data)

    def _drip(self, data):
        for i in range(len(data)):
            self.wfile.write(data[i:i + 1])
            self.wfile.flush()
            if not self.server.pause(0.2):
                break


class TokenServer:
    """Listens on 127.0.0.1."""

    def __init__(self, entra, signer, tenant, switches, gate, requests,
                 log):
        self.entra = entra
        self.signer = signer
        self.tenant = tenant
        self.switches = switches
        self.gate = gate
        self.requests = requests
        self.log = log
        self.issuer = "https://login.microsoftonline.com/%s/v2.0" % tenant
        self.redirected = 0
        self.discoveries = 0
        self.pages = authorize.Pages()
        self.running = False
        self.port = None
        self.authority = None
        self.listener = None

    def start(self, port, host, certificate, key):
        self.port = port
        self.authority = "https://%s:%d" % (host, port)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.load_cert_chain(certificate, key)
        self.listener = Listener(loopback(port), self._serve)
        self.running = True
        self.switches_changed()
        self.listener.start()

    def stop(self):
        with self.switches.condition:
            self.running = False
            self.switches.condition.notify_all()
        self.gate.stop()
        if self.listener:
            self.listener.stop()

    def switches_changed(self):
        """Listen or not, as the behaviour says."""
        if not self.running:
            return
        if self.switches.get("behaviour") == "refuse":
            self.listener.pause()
        else:
            self.listener.resume()

    def pause(self, seconds):
        """Wait; False if the server is stopping."""
        if not seconds:
            return self.running
        with self.switches.condition:
            self.switches.condition.wait_for(
                lambda: not self.running, seconds)
        return self.running

    def pause_while(self, behaviour):
        """Wait until that behaviour is switched off."""
        with self.switches.condition:
            self.switches.condition.wait_for(
                lambda: not self.running
                or self.switches.get("behaviour") != behaviour)

    def note(self, path, params, headers):
        """Record a request; returns the record, to be completed."""
        headers.pop("Authorization", None)
        request = TokenRequest(
            time.time(), path, params.get("grant_type", ""),
            params.get("client_id", ""), params.get("username", ""),
            params.get("scope", ""),
            fingerprint_or_empty(params.get("client_secret")),
            fingerprint_or_empty(params.get("refresh_token")),
            sorted(params), headers)
        request.assertion = params.get("client_assertion", "")
        self.requests.add(request)
        return request

    def discovery(self):
        base = "%s/%s" % (self.authority, self.tenant)
        return {
            "token_endpoint": base + "/oauth2/v2.0/token",
            "token_endpoint_auth_methods_supported": [
                "client_secret_post", "private_key_jwt",
                "client_secret_basic"],
            "jwks_uri": base + "/discovery/v2.0/keys",
            "issuer": base + "/v2.0",
            "authorization_endpoint": base + "/oauth2/v2.0/authorize",
            "device_authorization_endpoint":
                base + "/oauth2/v2.0/devicecode",
            "response_types_supported": ["code", "id_token"],
            "scopes_supported": ["openid", "profile", "email",
                                 "offline_access"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "tenant_region_scope": "EU",
        }

    def _serve(self, connection):
        # The handshake belongs here: a silent client blocks nobody else.
        stream, address = connection, ("-", 0)
        try:
            address = connection.getpeername()
            connection.settimeout(IDLE_TIMEOUT_S)
            stream = self._context.wrap_socket(connection, server_side=True)
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Handler(stream, address, self)
        except (OSError, ValueError) as error:
            self.log("%s %s" % (address[0], error))
        finally:
            stream.close()
