# SPDX-License-Identifier: Apache-2.0
"""A token leaves only for the account's hosts, and only over verified TLS."""
import os
import re

import pytest

from office365 import Office365
from relay import Relay, wait_until


@pytest.fixture
def hostile(directory, office, build):
    """A relay in front of a server of its own choice; the server's capture
    says what came in. The token endpoint stays the good one."""
    made = []

    def make(server_settings, host="localhost", **postfix):
        path = os.path.join(directory, "hostile")
        os.mkdir(path)
        server = Office365(path, mode="exchange", **server_settings)
        server.start()
        made.append(server)
        path = os.path.join(directory, "relay")
        os.mkdir(path)
        relay = Relay(path, build, office)
        relay.prepare()
        target = f"[{host}]:{server.smtp_port}"
        relay.postfix.settings.update({
            "relayhost": target,
            "smtp_sasl_password_maps":
                f"inline:{{ {{ {target} = relay@contoso.com:- }} }}",
            "smtp_tls_CAfile": server.ca_file,
            **postfix})
        made.append(relay)
        relay.tokend.start()
        relay.milter.start()
        relay.postfix.start()
        # A token is there to be lost.
        relay.postoak("refresh", "relay@contoso.com")
        return relay, server
    yield make
    for part in reversed(made):
        part.stop()


def token_of(relay):
    return relay.postoak("token", "relay@contoso.com").strip().encode()


def assert_no_token(relay, server):
    """No piece of the token, plain or in base64 at any alignment, came in."""
    import base64
    token = token_of(relay)
    captured = bytes(server.captured)
    assert token[:40] not in captured
    for shift in range(3):
        piece = base64.b64encode(token[shift:shift + 48])
        assert piece not in captured.replace(b"\r\n", b"")
    assert not re.search(rb"AUTH XOAUTH2|auth=Bearer", captured), captured


def test_the_capture_sees_tokens(hostile, office):
    """The reverse, so that the others prove something: a good server of a
    listed name gets the token, and the capture shows it."""
    relay, server = hostile({})
    relay.send()
    wait_until(lambda: b"AUTH XOAUTH2" in bytes(server.captured), "an AUTH")
    wait_until(lambda: b"dXNlcj1yZWxheUBjb250b3NvLmNvb" in bytes(server.captured),
               "the response")


def test_another_host(hostile):
    """The name is not one of the application's hosts."""
    relay, server = hostile({}, host="127.0.0.1",
                            smtp_tls_secure_cert_match="localhost")
    queue_id = relay.send()
    relay.postfix.wait_log(r"SASL authentication failure:.*127\.0\.0\.1")
    relay.postfix.wait_log(rf"{queue_id}:.*status=deferred")
    assert b"auth=Bearer" not in bytes(server.captured)
    assert b"dXNlcj1" not in bytes(server.captured)


def test_without_tls(hostile):
    """No STARTTLS, but XOAUTH2 is offered in the clear."""
    relay, server = hostile(dict(tls=False, auth_without_tls=True))
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}:.*status=deferred")
    assert_no_token(relay, server)


def test_without_tls_and_without_demanding_it(hostile):
    """Even with TLS optional the mechanism is not used in the clear."""
    relay, server = hostile(dict(tls=False, auth_without_tls=True), smtp_tls_security_level="may")
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}:.*status=deferred")
    assert_no_token(relay, server)


def test_certificate_of_another_name(hostile):
    relay, server = hostile(dict(certificate_names=["mail.elsewhere.test"]))
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}:.*status=deferred")
    assert_no_token(relay, server)


def test_certificate_of_another_name_and_opportunistic_tls(hostile):
    """Encrypted, but to whom? Not verified: no token."""
    relay, server = hostile(dict(certificate_names=["mail.elsewhere.test"]),
                            smtp_tls_security_level="encrypt")
    queue_id = relay.send()
    relay.postfix.wait_log(rf"{queue_id}:.*status=deferred")
    assert_no_token(relay, server)
