# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a directory, a stand-in for Office 365, a relay in front of it."""
import contextlib
import os
import re
import shutil
import sys
import tempfile

import pytest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)

from milter_server import Server, account  # noqa: E402
from office365 import Office365  # noqa: E402
from redis_server import Redis  # noqa: E402
from relay import Relay  # noqa: E402
from relay.checked import Checked, no_office  # noqa: E402
from relay.relay import ACCOUNT  # noqa: E402
from relay.tokend import Tokend  # noqa: E402

# No test asks a real name server: nobody answers here, at once.
os.environ["POSTOAK_NAMESERVER"] = "127.0.0.1:1"

BUILD = os.environ.get("POSTOAK_BUILD",
                       os.path.join(os.path.dirname(TESTS), "build"))


@pytest.fixture(scope="session")
def build():
    return BUILD


@contextlib.contextmanager
def new_directory():
    path = tempfile.mkdtemp(prefix="postoak-", dir="/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def directory():
    """A directory that every user may enter, gone after the test."""
    with new_directory() as path:
        yield path


@pytest.fixture(scope="module")
def place():
    """The same for all tests of a module."""
    with new_directory() as path:
        yield path


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


@contextlib.contextmanager
def checked_relay(path, office):
    os.mkdir(os.path.join(path, "relay"))
    relay = Relay(os.path.join(path, "relay"), BUILD, office,
                  accounts=ACCOUNT.replace(
                      "limits", 'max_message_size = "35M"\nlimits'))
    relay.prepare()
    try:
        yield Checked(relay)
    finally:
        relay.stop()


@pytest.fixture(scope="module")
def checked(place):
    """One relay for all faults of a module; see relay/checked.py."""
    with Office365(os.path.join(place, "office"), mode="exchange") as o, \
            checked_relay(place, o) as made:
        yield made


@pytest.fixture(scope="module")
def checked_alone(place):
    """The same where nobody asks the provider: there is none."""
    with checked_relay(place, no_office(place)) as made:
        yield made


@pytest.fixture
def entra(directory):
    """The stand-in's token endpoint."""
    path = os.path.join(directory, "office365")
    with Office365(path, mode="exchange") as o:
        o.add_user("second@contoso.com", o.password)
        yield o


@pytest.fixture
def make_tokend(directory, entra, build):
    made = []

    def make(start=True, **settings):
        tokend = Tokend(os.path.join(directory, f"tokend{len(made)}"), build,
                        entra, **settings)
        made.append(tokend)
        return tokend.start() if start else tokend
    yield make
    for tokend in made:
        tokend.stop()


@pytest.fixture
def tokend(make_tokend):
    return make_tokend()


@pytest.fixture
def redis(directory):
    """Makes Redis servers and Sentinels; they end with the test."""
    made = []

    def make(*settings, start=True, **options):
        server = Redis(os.path.join(directory, f"redis{len(made)}"), *settings,
                       **options)
        made.append(server)
        return server.start() if start else server
    yield make
    for server in made:
        server.stop()


@pytest.fixture
def serve(directory, build):
    """Starts milters in directories of their own."""
    started = []

    def make(accounts=None, start=True, **options):
        path = os.path.join(directory, f"m{len(started)}")
        os.makedirs(path)
        server = Server(path, build, accounts or account(), **options)
        started.append(server)
        return server.start() if start else server
    make.started = started
    yield make
    for server in started:
        server.daemon.stop()


def late(servers):
    return any(re.search("are away.*(in time|timed out|too slow)", server.log())
               for server in servers)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A shared store has 40 ms for its answer, by the contract, and a busy
    machine may need longer: the milter then counts by itself, as it should,
    and other numbers come out than those of a test about something else. Such
    a test is done anew, with new servers, if one has said that it was so."""
    values = pyfuncitem.funcargs
    if "redis" not in values or "serve" not in values:
        return None
    names = pyfuncitem._fixtureinfo.argnames
    started = values["serve"].started
    for _ in range(4):
        before = len(started)
        try:
            pyfuncitem.obj(**{name: values[name] for name in names})
            return True
        except (AssertionError, TimeoutError):
            if not late(started[before:]):
                raise
    return None  # the last time as every test
