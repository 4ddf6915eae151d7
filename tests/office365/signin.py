# SPDX-License-Identifier: Apache-2.0
"""People who sign in: device codes and authorization codes.

Each code works once, for the application it was made for, for as long as it
lives; who polls faster than was announced is told to slow down (RFC 8628
section 3.5).
"""

import base64
import hashlib
import secrets
import threading
import time
import urllib.parse
from dataclasses import dataclass, field

from .aadsts import Refusal

LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"
SLOWER_S = 5


def is_registered(uri, registered):
    """Entra ID compares all of a redirect URI, but of http://localhost not
    the port."""
    parts = urllib.parse.urlsplit(uri)
    plain = "http://localhost" + (parts.path if parts.path != "/" else "")
    return uri in registered or (
        parts.scheme == "http" and parts.hostname == "localhost"
        and not parts.query and plain in registered)


@dataclass
class Device:
    """A device code; `upn` is set when somebody has signed in with it."""

    client_id: str
    scope: str
    user_code: str
    interval: float
    dies: float
    upn: str = ""
    declined: bool = False
    polled: float = field(default_factory=time.monotonic)
    polls: list = field(default_factory=list)  # times
    slowed: int = 0


@dataclass
class Code:
    """An authorization code."""

    client_id: str
    scope: str
    redirect_uri: str
    challenge: str
    upn: str
    dies: float
    used: bool = False


class SignIns:
    """Of one tenant. Methods may be called from any thread."""

    def __init__(self):
        self._condition = threading.Condition()
        self._devices = {}
        self._codes = {}

    def new_device(self, client_id, scope, switches):
        user_code = "".join(secrets.choice(LETTERS) for _ in range(9))
        device_code = secrets.token_urlsafe(150)
        lifetime, interval = (
            switches["device_lifetime"], switches["device_interval"])
        with self._condition:
            self._devices[device_code] = Device(
                client_id, scope, user_code, interval,
                time.monotonic() + lifetime)
            self._condition.notify_all()
        return {"device_code": device_code, "user_code": user_code,
                "expires_in": lifetime, "interval": interval}

    def devices(self):
        with self._condition:
            return list(self._devices.values())

    def wait_device(self, polls=0, after=None, timeout=60):
        """The newest device code, another than `after`, once it was polled so
        often."""
        def there():
            newest = list(self._devices.values())[-1:]
            return newest and newest[0] is not after \
                and len(newest[0].polls) >= polls
        with self._condition:
            if not self._condition.wait_for(there, timeout):
                raise TimeoutError("no device code with %d polls" % polls)
            return list(self._devices.values())[-1]

    def approve(self, user_code, upn):
        """What the person does on the page of verification_uri."""
        with self._condition:
            self._find(user_code).upn = upn

    def decline(self, user_code):
        with self._condition:
            self._find(user_code).declined = True

    def expire(self, user_code):
        with self._condition:
            self._find(user_code).dies = time.monotonic()

    def slow_down(self, user_code):
        """The next poll is too early, whenever it comes."""
        with self._condition:
            self._find(user_code).polled = time.monotonic() + 3600

    def _find(self, user_code):
        return next(device for device in self._devices.values()
                    if device.user_code == user_code)

    def poll(self, client_id, device_code):
        """The device if somebody has signed in; raises Refusal."""
        now = time.monotonic()
        with self._condition:
            device = self._devices.get(device_code)
            if device is None or \
                    device.client_id.lower() != client_id.lower():
                raise Refusal(70018)
            early = now - device.polled < device.interval - 0.05
            device.polled = now
            device.polls.append(now)
            self._condition.notify_all()
            if now >= device.dies:
                raise Refusal(70020)
            if early:
                device.interval += SLOWER_S
                device.slowed += 1
                raise Refusal(700169)
            if device.declined:
                raise Refusal(70017)
            if not device.upn:
                raise Refusal(70016)
            del self._devices[device_code]
            return device

    # --- authorization codes

    def new_code(self, client_id, scope, redirect_uri, challenge, upn,
                 lifetime):
        value = "1.AX0A" + secrets.token_urlsafe(600)
        with self._condition:
            self._codes[value] = Code(
                client_id, scope, redirect_uri, challenge, upn,
                time.monotonic() + lifetime)
        return value

    def redeem(self, client_id, value, redirect_uri, verifier):
        """The code if all fits, which ends it; raises Refusal."""
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        with self._condition:
            code = self._codes.get(value)
            if code is None or code.client_id.lower() != client_id.lower():
                raise Refusal(70000)
            if code.used:
                raise Refusal(54005)
            if time.monotonic() >= code.dies:
                raise Refusal(70008)
            if code.redirect_uri != redirect_uri:
                raise Refusal(500112, redirect_uri=redirect_uri,
                              first=code.redirect_uri)
            if code.challenge and challenge != code.challenge:
                raise Refusal(501481)
            code.used = True
            return code
