# SPDX-License-Identifier: Apache-2.0
"""Client assertions: JWTs in place of a client secret (RFC 7523).

What an application signed with its certificate's key is checked as Entra ID
does it: thumbprint, signature, audience, times. What another issuer signed
must match a federated credential of the application, letter by letter.
"""

import datetime
import hashlib
import json
import threading
import time
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from .aadsts import Refusal
from .certificates import DAY, common_name, pem_of_key
from .tokens import b64url, b64url_decode, compact

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE_AUDIENCE = "api://AzureADTokenExchange"
SKEW_S = 300
PADDINGS = {
    "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), 32),
    "RS256": padding.PKCS1v15(),
}


class AppCertificate:
    """A self-signed certificate of an application, and its key."""

    def __init__(self, days=30, name="Contoso relay", bits=2048):
        now = datetime.datetime.utcnow()
        self.key = rsa.generate_private_key(65537, bits)
        self.certificate = (
            x509.CertificateBuilder()
            .subject_name(common_name(name)).issuer_name(common_name(name))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 60 * DAY)
            .not_valid_after(now + days * DAY)
            .sign(self.key, hashes.SHA256()))

    @property
    def expires(self):
        return self.certificate.not_valid_after.strftime("%Y-%m-%d")

    @property
    def pem(self):
        return self.certificate.public_bytes(
            serialization.Encoding.PEM).decode()

    @property
    def key_pem(self):
        return pem_of_key(self.key).decode()

    def encrypted_key_pem(self, passphrase):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(
                passphrase.encode())).decode()

    def pkcs12(self, passphrase=None):
        return pkcs12.serialize_key_and_certificates(
            b"relay", self.key, self.certificate, None,
            serialization.BestAvailableEncryption(passphrase.encode())
            if passphrase else serialization.NoEncryption())

    def thumbprint(self, digest=hashlib.sha256):
        der = self.certificate.public_bytes(serialization.Encoding.DER)
        return b64url(digest(der).digest())


class Issuer:
    """Somebody else whose tokens an application may show."""

    def __init__(self, url="https://issuer.example"):
        self.url = url
        self.key = rsa.generate_private_key(65537, 2048)

    def token(self, subject, audience=EXCHANGE_AUDIENCE, lifetime=3600,
              **claims):
        now = int(time.time())
        body = {"iss": self.url, "sub": subject, "aud": audience,
                "iat": now, "nbf": now, "exp": now + lifetime, **claims}
        text = b64url(compact({"alg": "RS256", "typ": "JWT"})) + "." + \
            b64url(compact(body))
        signature = self.key.sign(
            text.encode(), PADDINGS["RS256"], hashes.SHA256())
        return text + "." + b64url(signature)


@dataclass
class Federated:
    """A federated identity credential of an application."""

    issuer: Issuer
    subject: str
    audience: str = EXCHANGE_AUDIENCE


def split(text):
    """Return (header, claims, what is signed, signature)."""
    try:
        head, body, signature = text.split(".")
        return (json.loads(b64url_decode(head)),
                json.loads(b64url_decode(body)),
                (head + "." + body).encode(), b64url_decode(signature))
    except (ValueError, UnicodeError):
        raise Refusal(50012) from None


def verify(key, algorithm, text, signature):
    if algorithm not in PADDINGS:
        raise Refusal(700027)
    try:
        key.verify(signature, text, PADDINGS[algorithm], hashes.SHA256())
    except InvalidSignature:
        raise Refusal(700027) from None


def check_times(claims):
    now = time.time()
    if not (claims.get("nbf", now) - SKEW_S <= now < claims.get("exp", 0)):
        raise Refusal(700024)


class Checker:
    """Checks assertions; remembers each jti it has seen."""

    def __init__(self):
        self._seen = set()
        self._lock = threading.Lock()

    def check(self, client, params, endpoint):
        """Return if the assertion proves that it is client; else Refusal."""
        if params.get("client_assertion_type") != ASSERTION_TYPE:
            raise Refusal(900144, parameter="client_assertion_type")
        header, claims, text, signature = split(params["client_assertion"])
        if claims.get("iss") == client.client_id:
            self._certificate(client, header, claims, text, signature)
            if claims.get("aud") != endpoint or \
                    claims.get("sub") != client.client_id:
                raise Refusal(50012)
            self._first_use(claims.get("jti"))
        else:
            self._federated(client, header, claims, text, signature)
        check_times(claims)

    @staticmethod
    def _certificate(client, header, claims, text, signature):
        for known in client.certificates:
            if header.get("x5t#S256") == known.thumbprint() and \
                    header.get("x5t") == known.thumbprint(hashlib.sha1):
                break
        else:
            raise Refusal(700027)
        if known.certificate.not_valid_after < datetime.datetime.utcnow():
            raise Refusal(700027)
        verify(known.key.public_key(), header.get("alg"), text, signature)

    @staticmethod
    def _federated(client, header, claims, text, signature):
        def match(rows, code, test):
            rows = [row for row in rows if test(row)]
            if not rows:
                raise Refusal(code)
            return rows
        if not client.federated:
            raise Refusal(70021)
        rows = match(client.federated, 700211,
                     lambda row: row.issuer.url == claims.get("iss"))
        rows = match(rows, 700213,
                     lambda row: row.subject == claims.get("sub"))
        rows = match(rows, 700212,
                     lambda row: row.audience == claims.get("aud"))
        verify(rows[0].issuer.key.public_key(), header.get("alg"), text,
               signature)

    def _first_use(self, jti):
        with self._lock:
            if not jti or jti in self._seen:
                raise Refusal(50012)
            self._seen.add(jti)
