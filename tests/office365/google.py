# SPDX-License-Identifier: Apache-2.0
"""Google's service accounts: a signed assertion for one user is the grant."""

import json
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from .aadsts import Refusal
from .assertions import PADDINGS, split
from .certificates import pem_of_key

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class GoogleRefusal(Refusal):
    """An error as Google words it."""

    def __init__(self, status, error, words):
        super().__init__(0)
        self.code, self.status = error, status
        self._body = {"error": error, "error_description": words}

    def body(self, authority, correlation_id=None):
        return self._body


class ServiceAccount:
    """With domain-wide delegation for the scopes given."""

    def __init__(self, scopes=(),
                 email="relay@project.iam.gserviceaccount.com"):
        self.email, self.scopes = email, set(scopes)
        self.key_id = "0123456789abcdef"
        self.key = rsa.generate_private_key(65537, 2048)

    @property
    def json(self):
        """The file the console offers."""
        return json.dumps({
            "type": "service_account", "private_key_id": self.key_id,
            "private_key": pem_of_key(self.key).decode(),
            "client_email": self.email, "client_id": "1234567890",
            "token_uri": "https://oauth2.googleapis.com/token"}, indent=2)


def check(accounts, text, endpoint):
    """Return the user and scopes an assertion is for; raises Refusal."""
    header, claims, signed, signature = split(text)
    account = accounts.get(claims.get("iss"))
    if account is None:
        raise GoogleRefusal(400, "invalid_grant",
                            "Invalid grant: account not found")
    try:
        if (header.get("alg"), header.get("kid")) != ("RS256", account.key_id):
            raise InvalidSignature
        account.key.public_key().verify(
            signature, signed, PADDINGS["RS256"], hashes.SHA256())
    except InvalidSignature:
        raise GoogleRefusal(400, "invalid_grant",
                            "Invalid JWT Signature.") from None
    if claims.get("aud") != endpoint or not (
            claims["iat"] - 300 <= time.time() < claims["exp"]
            <= claims["iat"] + 3600):
        raise GoogleRefusal(400, "invalid_grant", "Invalid JWT: aud or times.")
    scopes = set(claims.get("scope", "").split())
    if not scopes or not scopes <= account.scopes:
        raise GoogleRefusal(
            401, "unauthorized_client",
            "Client is unauthorized to retrieve access tokens using this"
            " method, or client not authorized for any of the scopes"
            " requested.")
    return claims.get("sub"), scopes
