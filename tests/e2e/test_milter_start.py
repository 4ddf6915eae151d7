# SPDX-License-Identifier: Apache-2.0
"""The milter before it serves: options, -t, what it says when it starts."""
import os
import shutil
import subprocess

import pytest

from milter_server import account
from relay import wait_until


@pytest.mark.parametrize("break_it,words", [
    (lambda t: t.replace("unix:", "unx:"), "listen"),
    (lambda t: t.replace("/milter.sock", "/" + 100 * "d" + "/m"), "listen"),
    (lambda t: t.replace('"lmdb:', '"mysql:'), "counters"),
    (lambda t: t.replace('"lmdb:', '"redis://h/'), "is not a place for counters"),
    (lambda t: t.replace('"lmdb:', '"redis://u:p@h/'), "(not shown)\" has a password"),
    (lambda t: t + account('senders = { "a@b.c" }', "x@y.z")
        + account('senders = { "A@B.C" }', "v@w.x"), "senders"),
    (lambda t: t + account('send_as = { "nonsense" }', "x@y.z"), "send_as"),
    (lambda t: t.replace('unmatched = "pass"', 'unmatched = "nobody@x"'), "unmatched"),
])
def test_bad_configuration(serve, break_it, words):
    server = serve(start=False)
    with open(server.config, encoding="utf-8") as f:
        text = break_it(f.read())
    with open(server.config, "w", encoding="utf-8") as f:
        f.write(text)
    out = subprocess.run([server.program, "-t", "-c", server.config],
                         capture_output=True, text=True, timeout=60)
    assert out.returncode == 78, out.stderr
    # For whoever asked: no line of a log, with its time and program.
    assert words in out.stderr and out.stderr.startswith(server.config + ":")


def test_check_only(serve):
    server = serve(start=False)
    out = subprocess.run([server.program, "-t", "-c", server.config],
                         capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and not out.stderr, out.stderr
    assert not os.path.exists(server.socket)


def check(server):
    return subprocess.run([server.program, "-t", "-c", server.config],
                          capture_output=True, text=True, timeout=60)


def test_check_looks_at_the_directories(serve):
    server = serve(start=False)
    counters = os.path.join(server.directory, "counters")
    os.chmod(counters, 0o755)
    out = check(server)
    assert out.returncode == 78
    assert out.stderr.startswith(f"{server.config}: milter: counters: {counters} can be read by")
    assert "chmod 0700" in out.stderr
    os.rmdir(counters)
    out = check(server)
    assert out.returncode == 78 and f"counters: {counters} No such file" in out.stderr
    assert "make the directory" in out.stderr
    with open(counters, "wb"):
        pass
    assert "is no directory" in check(server).stderr


@pytest.mark.parametrize("option,name", [("listen", "milter"), ("control", "control")])
def test_check_looks_at_the_sockets_directories(serve, option, name):
    server = serve(start=False)
    with open(server.config, encoding="utf-8") as f:
        text = f.read()
    with open(server.config, "w", encoding="utf-8") as f:
        f.write(text.replace(f"/{name}.sock", f"/gone/{name}.sock"))
    out = check(server)
    assert out.returncode == 78
    assert f"{option}: {server.directory}/gone No such file" in out.stderr


def test_check_as_the_milters_user(serve):
    if os.geteuid() != 0:
        pytest.fail("this test takes another user's rights: run it as root")
    server = serve(start=False)
    # The build may be below a directory that only its owner may enter.
    program = shutil.copy2(server.program, server.directory)
    out = subprocess.run([program, "-t", "-c", server.config], user=65534,
                         capture_output=True, text=True, timeout=60)
    assert out.returncode == 78 and "cannot be written to by this user" in out.stderr


def test_what_has_no_effect_is_said(serve):
    """At the start and when the configuration is read again."""
    server = serve(start=False)
    with open(server.config, encoding="utf-8") as f:
        text = f.read()
    with open(server.config, "w", encoding="utf-8") as f:
        f.write(text.replace("milter {", 'milter {\n    metrics = "127.0.0.1:9467"'))
    server.start()
    words = "metrics is not in this version"
    wait_until(lambda: server.log().count(words) == 1, "the line at the start")
    server.control({"version": 1, "verb": "reload"})
    wait_until(lambda: server.log().count(words) == 2, "the line again")


def test_usage_names_its_own_options_only(serve):
    server = serve(account(), start=False)
    out = subprocess.run([server.program, "--help"], capture_output=True,
                         text=True, timeout=60)
    assert out.returncode == 0 and "--via" not in out.stdout and "-t" in out.stdout
    out = subprocess.run([server.program, "--via=/run/x"], capture_output=True,
                         text=True, timeout=60)
    assert out.returncode == 64 and out.stderr.startswith("usage: ")
