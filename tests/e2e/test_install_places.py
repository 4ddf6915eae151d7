# SPDX-License-Identifier: Apache-2.0
"""make install with directories of one's own: what systemd reads and what the
programs have compiled in name the same places."""
import os
import re
import subprocess

import pytest

from test_install import make, tree

PLACES = {"prefix": "/opt/oak", "sysconfdir": "/opt/oak/conf",
          "localstatedir": "/opt/oak/state", "runstatedir": "/opt/oak/now"}


@pytest.fixture(name="image", scope="module")
def fixture_image(tmp_path_factory):
    """The tree that make install leaves under DESTDIR when root's umask is
    strict; from a build of its own, because the compiled-in paths differ."""
    top = tmp_path_factory.mktemp("places")
    before = os.umask(0o077)
    try:
        make(top / "build", "install", f"DESTDIR={top}/image", "OPT=-O0",
             *(f"{k}={v}" for k, v in PLACES.items()))
    finally:
        os.umask(before)
    return str(top / "image")


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


def test_places_agree(image):
    files = tree(image)
    assert all(f.startswith("opt/oak/") for f in files)
    units = os.path.join(image, "opt/oak/lib/systemd/system")
    listen = re.findall(r"ListenStream=(\S+)",
                        read(units, "postoak-tokend.socket") +
                        read(units, "postoak-control.socket"))
    assert listen == ["/opt/oak/now/postoak/tokend.sock",
                      "/opt/oak/state/spool/postfix/run/postoak/tokend.sock",
                      "/opt/oak/now/postoak/control.sock"]
    tokend = os.path.join(image, "opt/oak/sbin/postoak-tokend")
    with open(tokend, "rb") as f:
        compiled_in = f.read()
    for path in listen:
        assert path.encode() in compiled_in
    assert "ExecStart=/opt/oak/sbin/postoak-tokend\n" in \
        read(units, "postoak-tokend.service")
    out = subprocess.run([tokend, "-t"], capture_output=True, text=True,
                         check=False, timeout=60)
    assert out.stderr.startswith("/opt/oak/conf/postoak/postoak.conf: ")


def test_tmpfiles_make_every_directory_before_the_first_start(image):
    made = re.findall(r"^d (\S+) (\d+) (\S+)",
                      read(image, "opt/oak/lib/tmpfiles.d/postoak.conf"), re.M)
    assert ("/opt/oak/state/lib/postoak", "0700", "postoak") in made
    assert ("/opt/oak/state/lib/postoak-milter", "0700",
            "postoak-milter") in made
    assert ("/opt/oak/conf/postoak/secrets", "0700", "postoak") in made


def test_everybody_can_read_what_is_installed(image):
    for name in tree(image):
        mode = os.stat(os.path.join(image, name)).st_mode & 0o777
        assert mode in (0o644, 0o755), f"{name}: {mode:o}"


def test_other_places_compile_anew(directory):
    """A build for one place is not installed for another."""
    build = os.path.join(directory, "build")
    paths = os.path.join(build, "gen", "paths")
    program = os.path.join(build, "postoak")
    make(build, "sysconfdir=/one", "OPT=-O0", program)
    before = os.stat(paths).st_mtime_ns
    make(build, "sysconfdir=/one", "OPT=-O0", program)
    assert os.stat(paths).st_mtime_ns == before  # nothing depends on more
    make(build, "sysconfdir=/two", "OPT=-O0", program)
    out = subprocess.run([program, "status"], capture_output=True, text=True,
                         check=False, timeout=60)
    assert "/two/postoak/postoak.conf" in out.stderr
