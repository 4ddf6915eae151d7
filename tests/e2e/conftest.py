# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a directory, a stand-in for Office 365, a relay in front of it."""
import os
import shutil
import sys
import tempfile

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)

from office365 import Office365  # noqa: E402
from relay import Relay  # noqa: E402

BUILD = os.environ.get("POSTOAK_BUILD",
                       os.path.join(os.path.dirname(TESTS), "build"))


@pytest.fixture
def build():
    return BUILD


@pytest.fixture
def directory():
    """A directory that every user may enter, gone after the test."""
    path = tempfile.mkdtemp(prefix="postoak-", dir="/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def office(directory):
    """The stand-in: token endpoint, Postfix with Dovecot. Its own limits are
    off: tests that are about them switch them on."""
    path = os.path.join(directory, "office365")
    os.mkdir(path)
    with Office365(path) as o:
        o.set(max_connections=None, messages_per_minute=None)
        yield o


@pytest.fixture
def make_relay(directory, office):
    """Build relays with their own settings; all end with the test."""
    started = []

    def make(start=True, **settings):
        path = os.path.join(directory, f"relay{len(started)}")
        os.mkdir(path)
        relay = Relay(path, BUILD, office, **settings)
        started.append(relay)
        return relay.start() if start else relay.prepare()
    yield make
    for relay in started:
        relay.stop()


@pytest.fixture
def relay(make_relay):
    return make_relay()
