# SPDX-License-Identifier: Apache-2.0
"""Who else might read a secret: tokend does not start, says which path it is
and what mends that; and when that is done, it starts."""
import glob
import os
import re
import subprocess

import pytest

from relay.tokend import ACCOUNT, UID

EX_OK, EX_CONFIG = 0, 78
NOBODY = 65534


def sealed(tokend):
    return next(p for p in glob.glob(tokend.store + "/*")
                if re.fullmatch(r"[0-9a-f]{64}", os.path.basename(p)))


def moved_behind_a_link(path):
    os.rename(path, path + ".real")
    os.symlink(path + ".real", path)


def linked(path):
    os.link(path, os.path.join(os.path.dirname(os.path.dirname(path)),
                               "second-name"))


def chown(path):
    os.chown(path, NOBODY, NOBODY)


def replaced(make):
    """The file itself is kept for the one who mends it."""
    def spoil(path):
        os.rename(path, path + ".real")
        make(path)
        os.chown(path, UID, UID)
    return spoil


def fifo(path):
    os.mkfifo(path, 0o600)


def directory_in_place(path):
    os.mkdir(path, 0o700)


def chmod(mode):
    return lambda path: os.chmod(path, mode)


def secret(name):
    return lambda tokend: tokend.secret(name)


def mend_link(path):
    os.remove(path)
    os.rename(path + ".real", path)


def mend_directory(path):
    os.rmdir(path)
    os.rename(path + ".real", path)


def mend_owner(path):
    os.chown(path, UID, UID)


def store(tokend):
    return tokend.store


KEY, PASSWORD, CLIENT = (secret(n) for n in ("seal.key", "password", "client"))

# What is wrong with which path; words of the sentence; how it is mended: by
# the very command in the sentence, if that is "command".
FAULTS = {
    "store for a group": (store, chmod(0o750), "mode 0750", "command"),
    "store for all": (store, chmod(0o701), "mode 0701", "command"),
    "store of another": (store, chown, "chown it", mend_owner),
    "store is a link": (
        store, moved_behind_a_link, "symbolic link", mend_link),
    "store is a FIFO": (store, replaced(fifo), "no directory", mend_link),
    "sealed file for a group": (sealed, chmod(0o640), "mode 0640", "command"),
    "sealed file of another": (sealed, chown, "chown it", mend_owner),
    "sealed file linked": (sealed, linked, "hard link", "command"),
    "notes for all": (lambda t: t.store + "/.notes", chmod(0o604),
                      "mode 0604", "command"),
    "key for a group": (KEY, chmod(0o660), "mode 0660", "command"),
    "key of another": (KEY, chown, "chown it", mend_owner),
    "key is a link": (KEY, moved_behind_a_link, "symbolic link", mend_link),
    "key linked": (KEY, linked, "hard link", "command"),
    "key is a FIFO": (KEY, replaced(fifo), "no regular file", mend_link),
    "key is a directory": (KEY, replaced(directory_in_place),
                           "no regular file", mend_directory),
    "password for all": (PASSWORD, chmod(0o644), "mode 0644", "command"),
    "password of another": (PASSWORD, chown, "chown it", mend_owner),
    "password is a link": (
        PASSWORD, moved_behind_a_link, "symbolic link", mend_link),
    "password linked": (PASSWORD, linked, "hard link", "command"),
    "password is a FIFO": (
        PASSWORD, replaced(fifo), "no regular file", mend_link),
    "client secret linked": (CLIENT, linked, "hard link", "command"),
}


def run(tokend, *options, user=None):
    return subprocess.run(
        [tokend.program, *options, "-c", tokend.config], user=user, group=user,
        extra_groups=None if user is None else [], capture_output=True,
        text=True, timeout=60, check=False)


@pytest.mark.parametrize("fault", FAULTS)
def test_said_with_path_and_remedy(make_tokend, fault):
    where, spoil, words, mend = FAULTS[fault]
    tokend = make_tokend()
    assert tokend.ask()["status"] == "ok"
    tokend.stop()
    path = where(tokend)
    spoil(path)
    for options, user in ((["-f"], UID), (["-t"], UID)):
        out = run(tokend, *options, user=user)
        assert out.returncode == EX_CONFIG, out.stderr
        assert path in out.stderr and words in out.stderr, out.stderr
    if mend == "command":
        command = re.search(r"(chmod 0\d+ \S+|cp -p .*)$", out.stderr.strip())
        subprocess.run(["sh", "-c", command[1]], check=True, user=UID,
                       group=UID, extra_groups=[])
    else:
        mend(path)
    assert run(tokend, "-t", user=UID).returncode == EX_OK
    # Root, who looks with -t, sees it the same way.
    assert run(tokend, "-t").returncode == EX_OK
    tokend.start()
    assert tokend.ask()["status"] == "ok"
    assert tokend.status(ACCOUNT)["refresh_token"] is True


def test_a_key_made_when_the_host_died_is_no_hard_link(make_tokend):
    """link(2) was through, unlink(2) was not."""
    tokend = make_tokend()
    tokend.stop()
    os.link(tokend.secret("seal.key"), tokend.secret("seal.key.new"))
    tokend.start()
    assert not os.path.exists(tokend.secret("seal.key.new"))


def test_generations_that_are_one_file_are_no_hard_link(make_tokend):
    """As between the two renames of a save."""
    tokend = make_tokend()
    assert tokend.ask()["status"] == "ok"
    tokend.stop()
    path = sealed(tokend)
    if os.path.exists(path + ".prev"):
        os.remove(path + ".prev")
    os.link(path, path + ".prev")
    tokend.start()
    assert tokend.ask()["status"] == "ok"
