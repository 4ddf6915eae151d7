# SPDX-License-Identifier: Apache-2.0
"""Signed tokens: access tokens as Exchange Online gets them, and their check.

The format is the JWT of version 1.0 that Entra ID issues for the Outlook
resource, signed with RS256 and padded to the length that tokens of users in
many groups have.
"""

import base64
import hashlib
import json
import secrets
import time
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from .certificates import pem_of_public

HEADER_BYTES, SIGNATURE_BYTES = 202, 342  # as `sign` makes them, in base64
OPTIONAL = ("rh", "aio", "wids", "signin_state", "sid", "puid", "ipaddr",
            "enfpolids", "amr", "xms_tcdt", "xms_idrel", "app_displayname",
            "acr", "name")
CLOCK_BACK_S = 300  # Entra dates tokens back by five minutes


class TokenRefused(Exception):
    """The token is no good; the text says why."""


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fingerprint(text):
    """First 16 hex digits of the SHA-256: postoak's `token_id`."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stable_guid(*parts):
    """The same GUID for the same words, as object identifiers need it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "/".join(parts)))


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


class Signer:
    """One RSA key with the identifier under which Dovecot finds it."""

    def __init__(self):
        self.renew()

    def renew(self):
        """Make a new key; what the old one signed is refused from now on."""
        self._key = rsa.generate_private_key(65537, 2048)
        digest = hashlib.sha1(pem_of_public(self._key)).digest()
        self.key_id = b64url(digest)
        self.public_pem = pem_of_public(self._key)

    def jwk(self, issuer):
        numbers = self._key.public_key().public_numbers()
        return {
            "kty": "RSA", "use": "sig", "kid": self.key_id,
            "x5t": self.key_id,
            "n": b64url(numbers.n.to_bytes(256, "big")),
            "e": b64url(numbers.e.to_bytes(3, "big")),
            "issuer": issuer,
        }

    def sign(self, claims, key_id=None):
        """Return the JWT; another key_id than our own makes a forgery."""
        key_id = key_id or self.key_id
        head = {"typ": "JWT", "nonce": secrets.token_urlsafe(32),
                "alg": "RS256", "x5t": key_id, "kid": key_id}
        text = b64url(compact(head)) + "." + b64url(compact(claims))
        signature = self._key.sign(
            text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return text + "." + b64url(signature)

    def check(self, token, audiences):
        """Return the claims of a token that is valid now, or raise."""
        try:
            head, body, signature = token.split(".")
            header = json.loads(b64url_decode(head))
            claims = json.loads(b64url_decode(body))
            self._key.public_key().verify(
                b64url_decode(signature), (head + "." + body).encode(),
                padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise TokenRefused("signature") from None
        except (ValueError, UnicodeError):
            raise TokenRefused("not a JWT") from None
        if header.get("alg") != "RS256" or header.get("kid") != self.key_id:
            raise TokenRefused("unknown key or algorithm")
        if claims.get("aud") not in audiences:
            raise TokenRefused("audience")
        now = time.time()
        if not claims.get("nbf", now) <= now < claims.get("exp", 0):
            raise TokenRefused("not within its time")
        return claims


def common_claims(tenant, client_id, audience, lifetime, acr):
    now = int(time.time())
    return {
        "aud": audience,
        "iss": "https://sts.windows.net/%s/" % tenant,
        "iat": now - CLOCK_BACK_S,
        "nbf": now - CLOCK_BACK_S,
        "exp": now + int(lifetime),
        "aio": "E2ZgYB" + secrets.token_urlsafe(24),
        "app_displayname": "Contoso relay",
        "appid": client_id,
        "appidacr": acr,
        "rh": "1.AX0A" + secrets.token_urlsafe(30) + ".",
        "tid": tenant,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
        "xms_idrel": "1 22",
        "xms_tcdt": 1577836800,
    }


def user_claims(tenant, client_id, audience, lifetime, acr, upn, scopes):
    """The claims of a delegated token."""
    claims = common_claims(tenant, client_id, audience, lifetime, acr)
    object_id = stable_guid(tenant, "user", upn.lower())
    claims.update({
        "acr": "1",
        "amr": ["pwd"],
        "enfpolids": [],
        "idtyp": "user",
        "ipaddr": "192.0.2.10",
        "name": upn.split("@")[0].title(),
        "oid": object_id,
        "puid": "10032000" + fingerprint(upn)[:8].upper(),
        "scp": " ".join(scopes),
        "sid": stable_guid(tenant, "session", upn.lower()),
        "signin_state": ["kmsi"],
        "sub": b64url(hashlib.sha256((upn + client_id).encode()).digest()),
        "unique_name": upn,
        "upn": upn,
        "wids": ["b79fbf4d-3ef9-4689-8143-76b194e85509"],
    })
    return claims


def app_claims(tenant, client_id, audience, lifetime, acr, roles):
    """The claims of an app-only token; no role, no `roles` claim."""
    claims = common_claims(tenant, client_id, audience, lifetime, acr)
    object_id = stable_guid(tenant, "principal", client_id)
    claims.update({
        "idp": "https://sts.windows.net/%s/" % tenant,
        "idtyp": "app",
        "oid": object_id,
        "sub": object_id,
        "wids": ["0997a1d0-0d1d-4acb-b408-d5ca73121e90"],
    })
    if roles:
        claims["roles"] = list(roles)
    return claims


def padded(claims, token_bytes):
    """Make the token about that long, from some 1200 bytes up.

    A user's groups are what makes real tokens long; they are added, then
    random text. For a short token, claims that nobody needs are left out.
    """
    claims = dict(claims)
    wanted = (token_bytes - 2 - HEADER_BYTES - SIGNATURE_BYTES) * 3 // 4
    for name in OPTIONAL:
        if len(compact(claims)) > wanted:
            claims.pop(name, None)
    wanted -= len(compact(claims))
    if wanted > 60:
        claims["groups"] = [
            str(uuid.uuid4()) for _ in range((wanted - 12) // 39)]
        wanted -= 12 + 39 * len(claims["groups"])
    if wanted > 0:
        claims["uti"] += secrets.token_urlsafe(wanted)[:wanted]
    return claims
