# SPDX-License-Identifier: Apache-2.0
"""The verbs are known to the manual and to the shells' completions."""
import os
import re
import subprocess

import pytest

from login_tool import Terminal

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
COMPLETION = os.path.join(TOP, "contrib", "completion")


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as f:
        return f.read()


@pytest.fixture
def verbs(build):
    out = subprocess.run([os.path.join(build, "postoak"), "help"], check=True,
                         capture_output=True, text=True, timeout=20)
    found = re.findall(r"^  ([a-z]+) ", out.stdout, re.M)
    assert len(found) > 10
    return found


def test_each_verb_has_its_manual_and_its_completion(verbs):
    manual = read("cli", "postoak.1")
    assert not [v for v in verbs if not re.search(rf"^\.It Cm {v}\b", manual,
                                                  re.M)]
    for name in ("postoak.bash", "_postoak"):
        cases = set()
        for words in re.findall(r"^\t([a-z |]+)\)", read(
                "contrib", "completion", name), re.M):
            cases.update(words.split(" | "))
        # These take no argument.
        assert not set(verbs) - {"help", "reload"} - cases, name


def bash(build, *words):
    script = ('source "$1"; shift; COMP_WORDS=("$@"); '
              'COMP_CWORD=$(($# - 1)); _postoak "$1"; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    out = subprocess.run(
        ["bash", "--norc", "-c", script, "bash",
         os.path.join(COMPLETION, "postoak.bash"),
         os.path.join(build, "postoak"), *words],
        check=True, capture_output=True, text=True, timeout=20)
    assert out.stderr == ""
    return out.stdout.split()


def test_bash(build, verbs, directory):
    assert bash(build, "sta") == ["status"]
    assert set(verbs) < set(bash(build, ""))
    assert bash(build, "status", "--w") == ["--watch"]
    assert bash(build, "-c", "/none", "import", "--a") == ["--apply"]
    open(os.path.join(directory, "x.export"), "w", encoding="ascii").close()
    assert bash(build, "restore", directory + "/x") == \
        [directory + "/x.export"]


def test_zsh(build, verbs):
    """A person types, and looks at what the shell makes of it."""
    subprocess.run(["zsh", "-f", "-n", os.path.join(COMPLETION, "_postoak")],
                   check=True, timeout=20)
    shell = Terminal("zsh", "-f", PATH=f"{build}:/usr/bin:/bin", PS1="ready> ",
                     TERM="xterm")
    try:
        shell.wait_text("ready> ")
        shell.type("fpath=(%s $fpath); autoload -Uz compinit; "
                   "compinit -u -D; setopt no_beep; PS1=r2'> '\n" % COMPLETION)
        shell.wait_text(r"r2> ")
        for typed, text in (("postoak relo\t", r"postoak reload"),
                            ("\x15postoak status --wa\t",
                             r"postoak status --watch"),
                            ("\x15postoak release send\t",
                             r"postoak release sendmail"),
                            ("\x15postoak \t", r"explain +-- what an error"),
                            ):
            shell.type(typed)
            shell.wait_text(text)
        for verb in verbs:
            shell.wait_text(rf"{verb} +-- ")
    finally:
        shell.close()
