# SPDX-License-Identifier: Apache-2.0
"""postoak import: what sasl-xoauth2 and a password table had goes on with
postoak, tried at the provider, and stays where it was."""
import json
import os
import re
import subprocess

import pytest

EX_OK, EX_UNAVAILABLE, EX_NOPERM, EX_CONFIG = 0, 69, 77, 78
SECRETS = ("stand-in-client-secret", "1.AX0A", "pass:word")
USER = "second@contoso.com"
SCOPE = "https://outlook.office.com/SMTP.Send offline_access"


@pytest.fixture
def old(directory, entra):
    """Files as sasl-xoauth2 has them on a host whose smtp(8) is chrooted; two
    senders share an account, and another server's password is among them."""
    path = os.path.join(directory, "old")
    os.makedirs(os.path.join(path, "spool", "etc", "tokens"))

    def write(name, content):
        with open(os.path.join(path, name), "w", encoding="utf-8") as f:
            f.write(content if isinstance(content, str)
                    else json.dumps(content))
        return os.path.join(path, name)

    write("sasl-xoauth2.conf", {
        "client_id": entra.client_id, "client_secret": entra.client_secret,
        "token_endpoint": entra.token_endpoint, "scope": SCOPE,
        "ca_bundle_file": entra.ca_file, "log_full_trace_on_failure": "yes",
        "flavour": "vanilla"})
    write("spool/etc/tokens/" + USER, {
        "access_token": "old", "expiry": "0",
        "refresh_token": entra.issue_refresh_token(USER)})
    write("sasl_passwd", f"[localhost]:587 {USER}:/etc/tokens/{USER}\n"
          f"sales@contoso.com {USER}:/etc/tokens/{USER}\n"
          "mail.example.org other:pass:word\n")
    return path


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def content(path):
    return {os.path.join(base, name): read(os.path.join(base, name))
            for base, _, names in os.walk(path) for name in names}


@pytest.fixture
def run(build, old):
    def run(tokend, *argv):
        out = subprocess.run(
            [os.path.join(build, "postoak"), "-c", tokend.config, "import",
             "--queue-directory", os.path.join(old, "spool"), *argv,
             os.path.join(old, "sasl_passwd"),
             os.path.join(old, "sasl-xoauth2.conf")],
            capture_output=True, text=True, timeout=60, check=False)
        assert not any(s in out.stdout + out.stderr for s in SECRETS)
        return out
    return run


@pytest.fixture
def fresh(make_tokend):
    """A tokend whose only account is another one's."""
    tokend = make_tokend(start=False)
    tokend.write_config(accounts='account "relay@contoso.com" {{ '
                        'grant = "refresh_token" }} # keep {grant}{password}'
                        '{allow}\n')
    return tokend.start()


def test_shown_then_done_then_nothing_to_do(fresh, run, old, entra):
    before, config = content(old), read(fresh.config)
    out = run(fresh)
    assert out.returncode == EX_OK, out.stderr
    assert f'+account "{USER}" {{' in out.stdout
    assert "+++ " + fresh.config in out.stdout and "--apply" in out.stdout
    for words in ('"flavour" is not known', "not Microsoft's nor Google's"):
        assert words in " ".join(out.stdout.split())
    assert read(fresh.config) == config
    assert not entra.token_requests

    out = run(fresh, "--apply")
    assert out.returncode == EX_OK, out.stdout + out.stderr
    assert "the refresh token is kept" in out.stdout
    assert fresh.ask(account=USER)["status"] == "ok"
    assert len(entra.token_requests) == 1
    assert fresh.check().returncode == EX_OK
    text = read(fresh.config)
    assert "# keep" in text and entra.client_secret not in text
    # It is the application that is there: nobody's secret is written twice.
    assert text.count("application \"") == 1

    out = run(fresh, "--apply")
    assert out.returncode == EX_OK and "@@" not in out.stdout
    assert "keeps it" in " ".join(out.stdout.split())
    assert read(fresh.config) == text
    assert content(old) == before
    assert len(entra.token_requests) == 1


def test_into_an_empty_configuration(fresh, run, entra):
    """Secrets get their directory's owner; without a daemon the rest waits."""
    fresh.stop()
    empty = (f'tokend {{ control = "{fresh.control_path}"\n'
             f'store = "{fresh.store}" }}\n')
    with open(fresh.config, "w", encoding="utf-8") as f:
        f.write(empty)
    out = run(fresh, "--apply")
    assert out.returncode == EX_UNAVAILABLE
    assert "run this again" in " ".join(out.stderr.split())
    path = fresh.secret("custom.client")
    status = os.stat(path)
    assert (status.st_mode & 0o777, status.st_uid) == (0o600, fresh.uid)
    assert read(path) == entra.client_secret
    assert fresh.check().returncode == EX_OK


def test_a_token_that_is_dead_counts_for_nothing(fresh, run, entra):
    entra.revoke_refresh_tokens()
    out = run(fresh, "--apply")
    assert out.returncode == EX_NOPERM, out.stdout + out.stderr
    assert fresh.status(USER)["refresh_token"] is False


def test_what_would_be_refused_is_known_before_it_is_written(
        fresh, run, old, entra):
    """Also nothing is written through a link that somebody has planted."""
    victim = os.path.join(old, "victim")
    with open(victim, "w", encoding="ascii") as f:
        f.write("as it was")
    os.symlink(victim, fresh.config + ".import")
    token = os.path.join(old, "third@contoso.com")
    with open(token, "w", encoding="utf-8") as f:
        json.dump({"client_id": "c", "refresh_token": "r",
                   "proxy": "gopher://proxy"}, f)
    before = read(fresh.config), os.listdir(os.path.dirname(fresh.config))
    for argv in ([token], ["--apply", token]):
        out = run(fresh, *argv)
        assert out.returncode == EX_CONFIG, out.stdout + out.stderr
        assert "is not written" in out.stdout
        assert re.search(r":\d+: .*proxy.*gopher", out.stderr), out.stderr
        assert (read(fresh.config),
                os.listdir(os.path.dirname(fresh.config))) == before
    assert read(victim) == "as it was"
    assert not entra.token_requests


def test_files_that_are_no_tokens(fresh, run, old):
    """They are left out, or refused, and nothing hangs."""
    tokens = os.path.join(old, "spool", "etc", "tokens")
    with open(os.path.join(tokens, "deep@contoso.com"), "w",
              encoding="ascii") as f:
        f.write('{"client_id":' + "[" * 100000 + "]" * 100000 + "}")
    with open(os.path.join(tokens, "huge@contoso.com"), "w",
              encoding="ascii") as f:
        f.truncate(64 * 1024 * 1024)
    os.mkfifo(os.path.join(tokens, "fifo@contoso.com"))
    os.symlink("/dev/zero", os.path.join(tokens, "zero@contoso.com"))
    names = sorted(os.listdir(tokens))
    with open(os.path.join(old, "sasl_passwd"), "a", encoding="ascii") as f:
        f.writelines(f"{n} {n}:/etc/tokens/{n}\n" for n in names)
        f.write('evil@contoso.com x"}\x01:pass:word\n')
    out = run(fresh)
    assert out.returncode == EX_OK, out.stderr
    words = " ".join(out.stdout.split())
    for name in set(names) - {USER}:
        assert name in words and f'"{name}"' not in words, words
    assert "is no JSON document" in words and "has characters" in words


def test_a_configuration_that_would_be_bad_is_not_written(fresh, run, old):
    with open(fresh.config, "a", encoding="utf-8") as f:
        f.write("nonsense = 1\n")
    before = read(fresh.config)
    out = run(fresh, "--apply")
    assert out.returncode == EX_CONFIG and "nonsense" in out.stderr
    assert read(fresh.config) == before
    out = run(fresh, os.path.join(old, "none"))
    assert out.returncode == EX_CONFIG
