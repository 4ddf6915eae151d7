# SPDX-License-Identifier: Apache-2.0
"""What docs/troubleshooting.md quotes is what the programs say, and what it and
docs/migration.md call for exists."""
import glob
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


def read(*path):
    with open(os.path.join(TOP, *path), encoding="utf-8") as f:
        return f.read()


def said():
    """All texts of the programs: C's literals as the compiler joins them, and
    the tables."""
    texts = []
    for path in glob.glob(os.path.join(TOP, "*", "*.c")):
        source = read(path)
        source = re.sub(r'"\s*\\?\n\s*"', "", source)
        texts += re.findall(r'"((?:[^"\\\n]|\\.)*)"', source)
    for path in glob.glob(os.path.join(TOP, "*", "*.tsv")):
        texts += read(path).splitlines()
    return [t.replace('\\"', '"').replace("\t", " ") for t in texts]


def quoted():
    """(heading, its pieces): code in headings and at the start of items."""
    text = re.sub(r"\n  (?=\S)", " ", read("docs", "troubleshooting.md"))
    for found in re.findall(r"^(?:###|-) `([^`]+)`", text, re.M):
        yield found, [p for p in re.split(r"\s*\.\.\.\s*", found) if p]


def test_each_quoted_line_is_said_by_a_program():
    texts = said()
    seen = list(quoted())
    assert len(seen) > 20
    for heading, pieces in seen:
        for piece in pieces:
            reply = re.fullmatch(r"(\d{3}) (\d\.\d\.\d+)", piece)
            if reply:  # a row of the table of replies
                assert any(t.startswith(f"{reply[2]} {reply[1]} ")
                           for t in texts), heading
                continue
            assert len(piece) >= 8 and any(piece in t for t in texts), \
                (heading, piece)


def test_the_verbs_named_exist(build):
    out = subprocess.run([os.path.join(build, "postoak"), "help"], check=True,
                         capture_output=True, text=True, timeout=20)
    verbs = set(re.findall(r"^  ([a-z]+) ", out.stdout, re.M))
    for page in ("migration.md", "troubleshooting.md"):
        commands = re.findall(r"`(postoak [a-z]+[^`]*)`|"
                              r"^ {4,}(.*postoak .*)$", read("docs", page),
                              re.M)
        named = {verb for command in commands for verb in re.findall(
            r"postoak ([a-z]+)", " ".join(command))}
        assert named and not named - verbs, page
