# SPDX-License-Identifier: Apache-2.0
"""postoak status --watch on a terminal: what it draws, and what it leaves."""
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import termios

import pyte
import pytest

from login_tool import Terminal
from relay import wait_until

TAKEN, GIVEN_BACK = "\x1b[?1049h", "\x1b[?1049l"
ACCOUNT = "relay@contoso.com"


class Screen(Terminal):
    """The tool on a terminal that is looked at as a person does."""

    def __init__(self, relay, *argv, rows=24, columns=80, **env):
        self.rows, self.columns = rows, columns
        super().__init__("sh", "-c", f"stty rows {rows} columns {columns}; "
                         'exec "$0" "$@"', relay.program("postoak"), "-c",
                         relay.config, "status", "--watch", *argv, **env)

    def lines(self):
        screen = pyte.Screen(self.columns, self.rows)
        stream = pyte.Stream(screen)
        stream.feed(self.text.partition(TAKEN)[2])
        return [line.rstrip() for line in screen.display]

    def wait_line(self, *words):
        return wait_until(lambda: next(
            (line for line in self.lines() if all(w in line for w in words)),
            None), f"{words} in {self.lines()}", 30)

    def resize(self, rows, columns):
        self.rows, self.columns = rows, columns
        self.text = TAKEN  # what was drawn for the old size
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def echoes(self):
        return bool(termios.tcgetattr(self.ours)[3] & termios.ECHO)

    def end(self, number):
        self._process.send_signal(number)
        return self.wait()


@pytest.fixture
def watch(relay):
    with contextlib.ExitStack() as stack:
        def start(*argv, **options):
            screen = Screen(relay, *argv, **options)
            stack.callback(screen.close)
            return screen
        yield start


def test_it_draws_in_place_and_follows(watch, relay):
    relay.postoak("refresh", ACCOUNT)
    screen = watch()
    screen.wait_line(ACCOUNT, "ok", "minutes left", "0 of 10000 this minute")
    screen.wait_line("10000 messages / 1m", "....................")
    assert not screen.echoes()
    relay.postoak("logout", ACCOUNT)
    screen.wait_line(ACCOUNT, "idle", "none")
    # The same place: there is one heading, one account.
    assert sum(ACCOUNT in line for line in screen.lines()) == 1
    relay.tokend.stop()
    screen.wait_line("postoak-tokend does not answer")
    assert not any("idle" in line for line in screen.lines())
    screen.type("q")
    assert screen.wait() == 0
    assert screen.text.split("\0")[0].endswith(GIVEN_BACK)
    assert screen.echoes()


def test_whatever_ends_it_gives_the_terminal_back(watch):
    for number in (signal.SIGINT, signal.SIGTERM):
        screen = watch()
        screen.wait_line(ACCOUNT)
        assert screen.end(number) == -number
        assert screen.text.split("\0")[0].endswith("\x1b[?25h" + GIVEN_BACK)
        assert screen.echoes()


def test_a_smaller_terminal_has_the_worst_first(watch, relay):
    """A new size counts at once; what has no room is counted."""
    relay.write_secret("relay.password", "wrong")
    relay.tokend.stop()
    relay.tokend.start()
    relay.postoak("refresh", ACCOUNT, check=False)
    screen = watch()
    screen.wait_line(ACCOUNT, "NEEDS")
    screen.wait_line("50126")
    screen.resize(5, 40)
    line = screen.wait_line("more lines")
    assert screen.lines()[-1] == line
    assert screen.lines()[2].startswith("ACCOUNT")
    assert screen.lines()[3].startswith(ACCOUNT)
    screen.resize(50, 200)
    screen.wait_line("10000 messages / 1m", "this minute")


def test_what_a_terminal_can(watch, relay):
    """Colours, unless they are declined; where nothing can be drawn over, a
    pipe or a dumb terminal, all of it once and a word about it."""
    screen = watch()
    screen.wait_line(ACCOUNT)
    assert "\x1b[1m" in screen.text
    plain = watch(NO_COLOR="1")
    plain.wait_line(ACCOUNT)
    assert "\x1b[1m" not in plain.text and "\x1b[3" not in plain.text
    dumb = watch(TERM="dumb")
    assert dumb.wait() == 0
    assert "\x1b" not in dumb.text and ACCOUNT in dumb.text
    out = subprocess.run(
        [relay.program("postoak"), "-c", relay.config, "status", "--watch"],
        capture_output=True, text=True, timeout=60)
    assert out.returncode == 0 and out.stdout.count(ACCOUNT) == 1
    assert "\x1b" not in out.stdout and "shown once" in out.stderr
    out = relay.postoak("status", "--watch", "--json", check=False)
    assert out.returncode == os.EX_USAGE and "take one" in out.stderr
