# SPDX-License-Identifier: Apache-2.0
"""The tool's verb token for a user who is no administrator, as a mail program's
PassCmd runs it."""
import json
import os
import re
import subprocess

import pytest

EX_OK, EX_UNAVAILABLE, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 0, 69, 75, 77, 78
NOBODY = 65534
ALLOWED, OTHER = "second@contoso.com", "relay@contoso.com"


@pytest.fixture
def as_nobody(build):
    """The tool as the user nobody, whom only ALLOWED lists in allow_users."""
    def run(tokend, verb, *argv):
        return subprocess.run(
            [os.path.join(build, "postoak"), "-c", tokend.config, verb, *argv],
            capture_output=True, text=True, timeout=90, stdin=subprocess.DEVNULL,
            user=NOBODY, group=NOBODY, extra_groups=[], cwd="/")
    return run


def test_a_listed_user_gets_the_token_and_nothing_else(tokend, as_nobody):
    out = as_nobody(tokend, "token", ALLOWED)
    assert (out.returncode, out.stderr) == (EX_OK, "")
    assert re.fullmatch(r"[\w.-]{1000,}\n", out.stdout)
    assert out.stdout == tokend.control("token", ALLOWED)["token"] + "\n"
    answer = json.loads(as_nobody(tokend, "token", ALLOWED, "--json").stdout)
    ours = tokend.control("token", ALLOWED)
    assert answer.keys() == ours.keys()
    assert answer["token_id"] == ours["token_id"]
    assert 0 < answer["expires_in"] <= 3600


def test_others_are_told_what_to_change(tokend, as_nobody):
    out = as_nobody(tokend, "token", OTHER)
    assert (out.returncode, out.stdout) == (EX_NOPERM, "")
    assert OTHER in out.stderr and "allow_users" in out.stderr
    # What else there is to ask is the administrators'.
    out = as_nobody(tokend, "status")
    assert (out.returncode, out.stdout) == (EX_NOPERM, "")
    assert "admin_group" in out.stderr


def test_the_exit_code_says_whether_trying_again_helps(
        make_tokend, entra, as_nobody):
    tokend = make_tokend()
    for switches, code in (({"http": 503}, EX_TEMPFAIL),
                           ({"http": None, "error": "50076"}, EX_CONFIG)):
        entra.set(**switches)
        out = as_nobody(tokend, "token", ALLOWED)
        assert (out.returncode, out.stdout) == (code, "")
        assert ALLOWED in out.stderr
        tokend.restart()
    out = as_nobody(tokend, "token", "third@contoso.com")
    assert (out.returncode, out.stdout) == (EX_CONFIG, "")
    assert "third@contoso.com" in out.stderr
    tokend.stop()
    out = as_nobody(tokend, "token", ALLOWED, "--json")
    assert out.returncode == EX_UNAVAILABLE
    assert json.loads(out.stdout)["code"] == "unreachable"
