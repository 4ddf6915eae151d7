# SPDX-License-Identifier: Apache-2.0
"""The README's first command, as a newcomer gives it."""
import os
import re
import shutil
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def make_run(build, *settings, top=TOP, timeout=300):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("MAKE", "MFLAGS", "PYTEST", "POSTOAK"))}
    return subprocess.run(
        ["make", "run", f"BUILD={build}", *settings], env=env, cwd=top,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=timeout)


def assert_told(out):
    assert out.returncode == 0, out.stdout + out.stderr
    text = " ".join(out.stdout.split())
    assert "envelope sender erp@app.example -> relay@contoso.com" in text
    assert re.search(r"From: ERP System <erp@app.example> -> "
                     r"\"?ERP System\"? <relay@contoso.com>", text)
    assert "grant password" in text
    assert re.search(r"token \d{4} bytes, \d+ minutes left", text)
    assert re.search(r"answer 250 2\.0\.0", text)
    assert "X-Original-From:" in out.stdout
    assert out.stdout.rstrip().endswith("Delivered.")


@pytest.fixture
def copy_of_build(build, directory):
    """make run works below its build directory: not in everybody's."""
    path = os.path.join(directory, "build")
    os.mkdir(path)
    for name in os.listdir(build):
        source = os.path.join(build, name)
        if name in ("obj", "pic", "gen"):
            shutil.copytree(source, os.path.join(path, name))
        elif name in ("postoak", "postoak-tokend", "postoak-milter",
                      "libpostoak.so"):
            shutil.copy2(source, path)
    return path


def test_once_and_once_more(copy_of_build):
    for _ in range(2):
        assert_told(make_run(copy_of_build, "ONCE=1"))
    left = [n for n in os.listdir(copy_of_build) if n.startswith("run-")]
    assert not left


def test_below_a_directory_that_only_its_owner_may_enter(copy_of_build):
    """A clone in a home directory: Postfix's user cannot get in."""
    os.chmod(os.path.dirname(copy_of_build), 0o700)
    assert_told(make_run(copy_of_build, "ONCE=1"))
    os.chmod(os.path.dirname(copy_of_build), 0o755)


def test_configuration(copy_of_build, directory, office):
    """CONFIG= relays to the servers of that configuration: here those of the
    stand-in, at a port that RELAYHOST= names."""
    config = write_config(directory, office, office.client_secret)
    out = make_run(copy_of_build, "ONCE=1", f"CONFIG={config}",
                   "TO=someone@example.net", f"CA={office.ca_file}",
                   f"RELAYHOST=[localhost]:{office.smtp_port}")
    assert out.returncode == 0, out.stdout + out.stderr
    message, = office.wait_messages(1)
    assert message.mail_from == "relay@contoso.com"
    assert "250 2.0.0" in out.stdout


def test_it_fails_with_the_reason(copy_of_build, directory, office):
    config = write_config(directory, office, "not-the-secret")
    out = make_run(copy_of_build, "ONCE=1", f"CONFIG={config}",
                   "TO=someone@example.net", f"CA={office.ca_file}",
                   f"RELAYHOST=[localhost]:{office.smtp_port}")
    assert out.returncode != 0
    assert "secrets/client" in out.stderr + out.stdout


def test_a_mistake_is_told_with_its_own_place(copy_of_build, directory, office):
    """Not with the place in the relay's copy of the configuration."""
    config = write_config(directory, office, office.client_secret)
    with open(config, encoding="ascii") as f:
        text = f.read()
    with open(config, "w", encoding="ascii") as f:
        f.write("tokend {\n    # not used here\n}\n" +
                text.replace('"password"', '"pasword"'))
    out = make_run(copy_of_build, "ONCE=1", f"CONFIG={config}")
    assert out.returncode != 0
    line = text[:text.index('"password"')].count("\n") + 4
    assert f'{config}:{line}: account "relay@contoso.com": grant = "pasword"' \
        in out.stderr
    assert "Traceback" not in out.stderr


def write_config(directory, office, secret):
    path = os.path.join(directory, "site")
    os.makedirs(os.path.join(path, "secrets"), mode=0o700)
    for name, value in (("client", secret), ("password", office.password)):
        with open(os.path.join(path, "secrets", name), "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(value)
    config = os.path.join(path, "postoak.conf")
    with open(config, "w", encoding="ascii") as f:
        f.write(f"""
application "site" {{
    provider           = "custom"
    tenant_id          = "{office.tenant}"
    client_id          = "{office.client_id}"
    client_secret_file = "secrets/client"
    token_endpoint     = "{office.token_endpoint}"
    scope              = "https://outlook.office.com/SMTP.Send offline_access"
    hosts              = {{ "localhost" }}
    ca_file            = "{office.ca_file}"
}}
account "relay@contoso.com" {{
    application   = "site"
    grant         = "password"
    password_file = "secrets/password"
}}
""")
    return config
