# SPDX-License-Identifier: Apache-2.0
"""Every state the files of the store can be in: the table in ARCHITECTURE.md
says what follows, and each row is built here and started on."""
import contextlib
import fcntl
import glob
import os
import re
import subprocess

import pytest

from relay.tokend import ACCOUNT, UID

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
EX_CONFIG = 78


def table():
    """{state: (used, [what is put aside])}"""
    with open(os.path.join(TOP, "ARCHITECTURE.md"), encoding="utf-8") as f:
        part = f.read().partition("### States of the store")[2]
    rows = re.findall(r"^\| (.*?) \| (.*?) \| ?(.*?) ?\|$", part, re.M)
    return {state: (used, sorted(aside.split()))
            for state, used, aside in rows[2:]}


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb", opener=lambda p, n: os.open(p, n, 0o600)) as f:
        f.write(data)
    os.chown(path, UID, UID)


def contents(tokend):
    """What lies in the store, but for temporary files."""
    return [read(p) for p in glob.glob(tokend.store + "/*")
            if os.path.isfile(p) and not os.path.islink(p)
            and os.access(p, os.R_OK)
            and not os.path.basename(p).startswith("tmp.")]


class Place:
    """A store with two generations of the account's refresh token."""

    def __init__(self, tokend, entra):
        self.tokend, self.store = tokend, tokend.store
        self.key = tokend.secret("seal.key")
        token = entra.issue_refresh_token(ACCOUNT)
        tokend.control("import", ACCOUNT, refresh_token=token)
        self.before = entra.token_requests[-1].new_refresh_token_id
        tokend.control("refresh", ACCOUNT)
        self.newest = entra.token_requests[-1].new_refresh_token_id
        assert self.newest != self.before
        tokend.control("refresh", "second@contoso.com")
        tokend.stop()
        self.temp = tokend.temp_file()
        self.x = os.path.join(
            self.store, os.path.basename(self.temp)[len("tmp."):])
        self.prev = self.x + ".prev"
        self.other, = (p for p in glob.glob(self.store + "/*")
                       if p not in (self.x, self.prev))
        self.id = read(self.x).split(b"\n")[0].split()[-1].decode()

    def instead(self, make):
        os.remove(self.x)
        make(self.x)
        os.chown(self.x, UID, UID, follow_symlinks=False)

    def edit(self, old, new, path=None):
        data = read(path or self.x)
        assert old in data
        write(path or self.x, data.replace(old, new, 1))

    def tear(self, path):
        data = read(path)
        write(path, data[:len(data) * 2 // 3])


def no_store(p):
    for path in glob.glob(p.store + "/*") + [p.store + "/.notes"]:
        with contextlib.suppress(FileNotFoundError):
            os.remove(path)
    os.rmdir(p.store)


def no_file(p):
    os.remove(p.x)
    os.remove(p.prev)


def one_file(p):
    os.remove(p.prev)
    os.link(p.x, p.prev)
    os.link(p.x, p.temp + ".prev")


def only_torn_temporary(p):
    os.rename(p.x, p.temp)
    p.tear(p.temp)
    os.remove(p.prev)


def torn_alone(p):
    p.tear(p.x)
    os.remove(p.prev)


def both_torn(p):
    p.tear(p.x)
    p.tear(p.prev)


def flip(p):
    data = bytearray(read(p.x))
    data[len(data) // 2] ^= 1
    write(p.x, bytes(data))


def aside_for_the_key(p):
    os.rename(p.x, f"{p.x}.key-{p.id}")
    os.remove(p.prev)


OTHER_ID = "0123456789abcdef"


def own_aside(p):
    data = read(p.x)
    os.rename(p.x, f"{p.x}.key-{p.id}")
    write(p.x, data.replace(p.id.encode(), OTHER_ID.encode(), 1))


def aside_twice(p):
    write(f"{p.x}.key-{OTHER_ID}", b"an older one")
    p.edit(p.id.encode(), OTHER_ID.encode())


def notes_directory(p):
    with contextlib.suppress(FileNotFoundError):
        os.remove(p.store + "/.notes")
    os.mkdir(p.store + "/.notes", 0o700)
    os.chown(p.store + "/.notes", UID, UID)


BUILD = {
    "no store": no_store,
    "no file": no_file,
    "X": lambda p: os.remove(p.prev),
    "X and X.prev": lambda p: None,
    "X.prev only: died between unlink and rename":
        lambda p: os.remove(p.x),
    "X and X.prev are one file: died between the renames of a save": one_file,
    "whole temporary file: died before the rename":
        lambda p: write(p.temp, read(p.prev)),
    "torn temporary file: died while writing":
        lambda p: write(p.temp, read(p.x)[:100]),
    "torn temporary file only: died in the first save": only_torn_temporary,
    "X torn, X.prev good": lambda p: p.tear(p.x),
    "X torn, no X.prev": torn_alone,
    "X good, X.prev torn": lambda p: p.tear(p.prev),
    "both torn": both_torn,
    "X empty, X.prev good": lambda p: write(p.x, b""),
    "X too long, X.prev good":
        lambda p: write(p.x, read(p.x) + b"x" * 100000),
    "one bit of X changed, X.prev good": flip,
    "X of a later version, X.prev good":
        lambda p: p.edit(b"sealed 1", b"sealed 2"),
    "X of another account, X.prev good":
        lambda p: write(p.x, read(p.other)),
    "X under another key, X.prev good":
        lambda p: p.edit(p.id.encode(), OTHER_ID.encode()),
    "key changed": lambda p: write(p.key, b"k" * 32),
    "key lost": lambda p: os.remove(p.key),
    "put aside for its key, and the key is back": aside_for_the_key,
    "X under another key, its own put aside, and the key is back":
        own_aside,
    "X under another key, one put aside for that key already":
        aside_twice,
    "key file torn": lambda p: write(p.key, read(p.key)[:20]),
    "X cannot be read": lambda p: os.chmod(p.x, 0),
    "directory in place of X, X.prev good":
        lambda p: p.instead(lambda x: os.mkdir(x, 0o700)),
    "FIFO in place of X, X.prev good":
        lambda p: p.instead(lambda x: os.mkfifo(x, 0o600)),
    "symbolic link in place of X, X.prev good":
        lambda p: p.instead(lambda x: os.symlink("/dev/zero", x)),
    "file of another name":
        lambda p: write(p.store + "/lost+found.txt", b"?"),
    "notes torn": lambda p: write(p.store + "/.notes", b"about=acco"),
    "directory in place of the notes": notes_directory,
    "another tokend holds the store": lambda p: None,
}


def test_the_table_has_each_state_and_no_other():
    assert list(table()) == list(BUILD)


@pytest.fixture
def place(make_tokend, entra):
    return Place(make_tokend(grant="refresh_token"), entra)


@contextlib.contextmanager
def held(state, store):
    """The lock of another tokend, if that is the state."""
    fd = os.open(store, os.O_RDONLY) if state.startswith("another") else -1
    if fd != -1:
        fcntl.flock(fd, fcntl.LOCK_EX)
    yield
    if fd != -1:
        os.close(fd)


def set_aside(place):
    """What lies beside the account's file: damaged, key."""
    names = (os.path.basename(p)[len(os.path.basename(place.x)):]
             for p in glob.glob(place.x + "*"))
    return sorted(m[1] for m in (re.search(r"\.(damaged|key)-", n)
                                 for n in names) if m)


@pytest.mark.parametrize("state", BUILD)
def test_state(place, entra, state):
    used, aside = table()[state]
    tokend = place.tokend
    BUILD[state](place)
    before = contents(tokend) if os.path.isdir(place.store) else []
    with held(state, place.store):
        if used == "does not start":
            out = subprocess.run(tokend.command, user=UID, group=UID,
                                 extra_groups=[], capture_output=True,
                                 text=True, timeout=60, check=False)
            assert out.returncode == EX_CONFIG and out.stderr
            assert contents(tokend) == before
            return
        tokend.start()
    # Nothing was written over, and nothing but left-overs is gone.
    assert set_aside(place) == aside
    after = contents(tokend)
    assert all(data in after for data in before)
    assert not glob.glob(place.store + "/tmp.*")
    answer = tokend.ask()
    if used == "none":
        assert answer["status"] == "error"
        sign_in_again(place, entra, before)
        return
    assert answer["status"] == "ok"
    assert entra.token_requests[-1].refresh_token_id == getattr(place, used)
    tokend.restart()
    assert tokend.ask()["status"] == "ok"


def sign_in_again(place, entra, before):
    """It does not cost what could not be opened, either."""
    token = entra.issue_refresh_token(ACCOUNT)
    answer = place.tokend.control("import", ACCOUNT, refresh_token=token)
    assert answer["status"] == "ok"
    after = contents(place.tokend)
    assert all(data in after for data in before)
    place.tokend.restart()
    answer = place.tokend.ask()
    if os.path.exists(place.x) and os.stat(place.x).st_mode & 0o700:
        assert answer["status"] == "ok"


@pytest.mark.parametrize("state", ["key changed", "key lost"])
def test_key_is_said_aloud_and_may_come_back(place, entra, state):
    """With login attempts in between: nothing is written over."""
    tokend, key = place.tokend, read(place.key)
    newest = read(place.x)
    BUILD[state](place)
    tokend.start()
    log = tokend.read_log()
    assert "sealed with another key" in log and place.id in log
    if state == "key lost":
        assert "new one was made" in log
    assert tokend.ask()["code"] == "login_required"
    revoked = entra.issue_refresh_token(ACCOUNT)
    entra.revoke_refresh_tokens()
    good = entra.issue_refresh_token(ACCOUNT)
    assert tokend.control("import", ACCOUNT,
                          refresh_token=revoked)["status"] == "error"
    assert newest in contents(tokend)
    assert tokend.control("import", ACCOUNT,
                          refresh_token=good)["status"] == "ok"
    assert tokend.control("refresh", ACCOUNT)["status"] == "ok"
    assert newest in contents(tokend)
    tokend.stop()
    write(place.key, key)
    tokend.start()
    # Sealed with the key in between: put aside in its turn; the old is back,
    # and is used at once.
    assert newest in contents(tokend)
    assert "is back with its key" in tokend.read_log()
    assert tokend.status()["refresh_token"] is True


def test_two_keys_that_take_turns(place, entra):
    """What the other one sealed outlasts attempts that fail and a sign-in."""
    tokend, keys = place.tokend, (read(place.key), b"k" * 32)
    attempts = (("import", {"refresh_token": "1.of-nobody"}),
                ("restore", {"file": "postoak_export=1\n\n",
                             "passphrase": "of twelve bytes"}))
    for turn in (1, 0, 1, 0):
        foreign = read(place.x)
        write(place.key, keys[turn])
        tokend.start()
        for verb, more in attempts:
            assert tokend.control(verb, ACCOUNT, **more)["status"] == "error"
            assert foreign in contents(tokend)
        token = entra.issue_refresh_token(ACCOUNT)
        assert tokend.control("import", ACCOUNT,
                              refresh_token=token)["status"] == "ok"
        assert read(place.x) != foreign and foreign in contents(tokend)
        tokend.stop()
