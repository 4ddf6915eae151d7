# SPDX-License-Identifier: Apache-2.0
"""Counters on a disk that is full: nobody notices but the log."""
import os
import subprocess

import pytest

from milter_server import OWN, account, promise
from relay import wait_until


def fill_up(directory):
    """The name of a file that takes what is left of the directory's disk."""
    name = os.path.join(directory, "filler")
    with open(name, "wb", buffering=0) as f:
        for size in (4096, 1):
            try:
                while True:
                    f.write(b"x" * size)
            except OSError:
                pass
    return name


def send_all(server, numbers):
    with server.client() as client:
        for i in numbers:
            promise(client.send(f"<u{i}@app.example>", ["a@b.example"],
                                [("From", OWN)], queue_id=f"q{i}"))


def test_a_full_disk_is_counted_in_memory(serve):
    """Nobody notices but the log, which says so once; then it is on the disk."""
    if os.geteuid() != 0:
        pytest.fail("this test mounts a small file system: run it as root")
    server = serve(account('limits = { "1000 messages / 1h" }'), start=False)
    counters = os.path.join(server.directory, "counters")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", counters], check=True)
    try:
        server.start()
        server.daemon.stop()
        # What it has taken for its journal beforehand is gone, too.
        os.unlink(os.path.join(counters, "journal"))
        filler = fill_up(counters)
        server.start()
        send_all(server, range(300))
        assert server.log().count("counters cannot be written") == 1
        os.unlink(filler)
        wait_until(lambda: "counters are written again" in server.log(), "the disk to be used")
        send_all(server, range(300, 310))
        server.daemon.kill()
        server.start()
        # Those of before, known by their queue ids, are not counted again.
        send_all(server, range(290, 310))
        assert server.limits(OWN)[0]["limits"][0]["used"] == 310
        assert server.log().count("counters cannot be written") == 1
    finally:
        server.daemon.stop()
        subprocess.run(["umount", counters], check=True)
