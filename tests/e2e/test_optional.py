# SPDX-License-Identifier: Apache-2.0
"""Built without the libraries that are optional: hiredis and libqrencode."""
import os
import subprocess

import pytest

from milter_server import Server, account, promise
from test_install import make


@pytest.fixture
def bare(build):
    """Kept with the build, so that it is made once."""
    path = os.path.join(build, "bare")
    make(path, "HAVE_HIREDIS=", "HAVE_QRENCODE=", "OPT=-O0", "all")
    return path


def test_without_them(bare, directory):
    for program in ("postoak", "postoak-milter", "postoak-tokend"):
        out = subprocess.run(["ldd", os.path.join(bare, program)], check=True,
                             capture_output=True, text=True, timeout=60).stdout
        assert "libc.so" in out
        assert "hiredis" not in out and "qrencode" not in out
    server = Server(directory, bare, account('limits = { "1 messages / 1h" }'))
    server.start()
    try:
        promise(server.send("<erp@app.example>", headers=[("From", "erp@app.example")]))
        assert b"1 of 1 messages in the last hour" in server.send().reply
    finally:
        server.daemon.stop()
    # What it lacks is said, not done by halves.
    server.counters = "redis://localhost"
    server.write(account())
    out = subprocess.run([server.program, "-t", "-c", server.config], check=False,
                         capture_output=True, text=True, timeout=60)
    assert out.returncode == 78
    assert "without hiredis" in out.stderr and server.config + ":" in out.stderr
