# SPDX-License-Identifier: Apache-2.0
"""Whom postoak-tokend shows its secrets: the configured endpoint, known by its
certificate, over TLS 1.2 or later, and nobody else."""
import contextlib
import os
import re
import socket
import ssl
import threading
import warnings

import pytest

from office365.certificates import Authority
from relay.tokend import ACCOUNT


class Endpoint:
    """An HTTPS server that keeps what it is told and answers nothing."""

    def __init__(self, certificate, key, version=None):
        self.heard, self.met = [], threading.Event()
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        if version is not None:
            self.context.set_ciphers("DEFAULT@SECLEVEL=0")
            with warnings.catch_warnings():  # it is known to be old
                warnings.simplefilter("ignore", DeprecationWarning)
                self.context.minimum_version = version
                self.context.maximum_version = version
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    @property
    def url(self):
        port = self.listener.getsockname()[1]
        return f"https://localhost:{port}/oauth2/v2.0/token"

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.settimeout(60)
            with contextlib.suppress(OSError), \
                    self.context.wrap_socket(client, server_side=True) as tls:
                self.heard.append(tls.recv(65536))
            client.close()
            self.met.set()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def endpoint():
    made = []

    def make(*argv, **more):
        made.append(Endpoint(*argv, **more))
        return made[-1]
    yield make
    for one in made:
        one.close()


def point_at(tokend, url, ca_file):
    with open(tokend.config, encoding="utf-8") as f:
        text = f.read()
    text = re.sub(r'(token_endpoint\s*= )"[^"]*"', rf'\1"{url}"', text)
    text = re.sub(r'(ca_file\s*= )"[^"]*"', rf'\1"{ca_file}"', text)
    with open(tokend.config, "w", encoding="utf-8") as f:
        f.write(text)


@pytest.mark.parametrize("case, words", [
    ("good", "cut off"),
    ("unknown authority", "certificate"),
    ("another name", "no alternative certificate subject name matches"),
    ("expired", "expired"),
    ("TLS 1.1", "protocol"),
])
def test_certificate(make_tokend, endpoint, directory, case, words):
    tokend = make_tokend(start=False)
    own = Authority(os.path.join(directory, "own"))
    names = ["elsewhere.example"] if case == "another name" else ["localhost"]
    pair = own.issue("server", names, days=-1 if case == "expired" else 30)
    trusted = own
    if case == "unknown authority":
        trusted = Authority(os.path.join(directory, "other"))
    version = ssl.TLSVersion.TLSv1_1 if case == "TLS 1.1" else None
    server = endpoint(*pair, version=version)
    point_at(tokend, server.url, trusted.ca_file)
    tokend.start()
    answer = tokend.ask(wait_ms=20000)
    assert server.met.wait(60)
    assert (answer["kind"], answer["code"]) == ("temporary", "endpoint")
    assert words in answer["text"] and ACCOUNT in answer["text"]
    # The secret went out in the one good case only: the test can tell.
    assert bool(server.heard and server.heard[0]) == (case == "good")
