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


@pytest.fixture
def fake(directory):
    """A tool with accounts, one of them of an enemy's making, in a directory
    whose files are his, too."""
    path = os.path.join(directory, "postoak")
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n[ $# -eq 0 ] || printf '[%s]' \"$@\" >&2\n"
                "cat <<'EOF'\n"
                '  "account": "relay@contoso.com",\n'
                '  "account": "$(touch ran1)@contoso.com",\n'
                '  "account": "`touch ran2`",\n'
                "EOF\n")
    os.chmod(path, 0o755)
    for name in ("$(touch ran3)", "`touch ran4`", "two words"):
        os.mkdir(os.path.join(directory, name))
    return directory


def test_bash_runs_nothing_it_is_offered(fake):
    for verb in ("status", "import", "restore", "setup"):
        subprocess.run(
            ["bash", "--norc", "-c",
             'source "$1"; COMP_LINE="postoak $2 "; COMP_CWORD=2; '
             'COMP_WORDS=(postoak "$2" ""); _postoak ./postoak; '
             '((${#COMPREPLY[@]} > 3))', "bash",
             os.path.join(COMPLETION, "postoak.bash"), verb],
            check=True, cwd=fake, timeout=20)
    assert not [n for n in os.listdir(fake) if n.startswith("ran")]


def test_bash_in_the_middle_of_a_word(fake):
    """A person types: readline parts words at "@"."""
    shell = Terminal("bash", "--norc", "-i", PS1="ready> ",
                     PATH=f"{fake}:/usr/bin:/bin")
    try:
        shell.wait_text("ready> ")
        shell.type(f"cd {fake}; source {COMPLETION}/postoak.bash; "
                   "PS1=r2'> '\n")
        shell.wait_text("r2> ")
        for typed, text in (("status rel\t", "[status][relay@contoso.com]"),
                            ("token relay@con\t",
                             "[token][relay@contoso.com]"),
                            ("import tw\t", "[import][two words/]")):
            shell.type("postoak " + typed + "\n")
            shell.wait_text(re.escape(text))
    finally:
        shell.close()


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
