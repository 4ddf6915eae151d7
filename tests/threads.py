#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make tsan: the milter, built with ThreadSanitizer, under load.

usage: threads.py BUILD

Fifty connections at once, reloads, questions on the control socket, notes and
counters; then any report of the sanitizer's is an error. Whether a race is
seen depends on what runs beside what, hence the load.
"""
import os
import subprocess
import sys
import tempfile
import threading

from milter_client import Milter
from milter_server import Server, account

CONNECTIONS, MESSAGES, ROUNDS = 50, 3000, 4
ACCOUNTS = 20
LIMITS = ('limits = {{ "{most} messages / 1m", "100000000 recipients / 24h" }} '
          'on_limit = {{ {then} }} senders = {{ "erp{n:05d}@app.example" }}')


def accounts():
    """The last one is over its limit soon."""
    def one(n):
        last = n == ACCOUNTS - 1
        return account(LIMITS.format(n=n, most=100 if last else 100000000,
                                     then='"observe"' if last else '"tempfail"'),
                       f"relay{n:05d}@contoso.com")
    return "".join(map(one, range(ACCOUNTS)))


def disturb(server, stop, faults):
    """Reloads, control requests, connections that break off."""
    verbs = [{"version": 1, "verb": verb} for verb in
             ("limits", "reload", "limits", "status", "nonsense")]
    try:
        while not stop.is_set():
            server.control(*verbs)
            server.daemon.reload()
            client = Milter(server.socket)
            client.connect()
            client._packet(b"M", b"<erp00000@app.example>\0")
            client.close(quit=False)
    except Exception as fault:
        faults.append(fault)


def load(server, build):
    for number in range(ROUNDS):
        subprocess.run(
            [os.path.join(build, "bench", "milter_load"), server.socket,
             str(server.daemon.pid), str(CONNECTIONS), str(MESSAGES),
             str(ACCOUNTS), str(number * MESSAGES)],
            check=True, timeout=120, stdout=subprocess.DEVNULL)


def main(build):
    with tempfile.TemporaryDirectory(prefix="postoak-tsan-") as directory:
        server = Server(directory, build, accounts())
        server.daemon.env["TSAN_OPTIONS"] = "exitcode=66"
        server.start()
        stop, faults = threading.Event(), []
        other = threading.Thread(target=disturb, args=(server, stop, faults))
        other.start()
        try:
            load(server, build)
        finally:
            stop.set()
            other.join()
            code = server.daemon.stop()
        log = server.log()
    reports = log.count("WARNING: ThreadSanitizer")
    if reports or faults or code != 0:
        print(log[log.find("WARNING: ThreadSanitizer"):][:6000])
    messages = log.count(": rewritten: ")
    reloads = log.count("configuration")
    print(f"{messages} messages, {CONNECTIONS} connections, {reloads} reloads: "
          f"{reports} reports, {len(faults)} faults {faults or ''}")
    return 1 if reports or faults or code != 0 else 0


if __name__ == "__main__":
    sys.exit(main(os.path.abspath(sys.argv[1])))
