# SPDX-License-Identifier: Apache-2.0
"""Ten thousand accounts: start, memory, a day of refreshes."""
import os
import socket
import statistics
import subprocess
import time

from bench.line import Line, at_most
from bench.place import account, place

CROWD = 10000
STARTS = 5
USUAL_TOKEN_BYTES = 1500
TOKENS = 1000  # fetched by so many: each waits for the disk
SETTLED = 24  # of a day's 144 buckets: the common start is forgotten by then


def name(number):
    return f"user{number}@contoso.com"


def warm_tokend(here, count):
    """A tokend, not started, with a sealed refresh token for each account."""
    tokend = here.tokend(
        here.endpoint(USUAL_TOKEN_BYTES),
        [account(name(i), grant="authorization_code") for i in range(count)],
        start=False)
    subprocess.run([here.program("seal"),
                    os.path.join(tokend.directory, "tokens"),
                    os.path.join(tokend.directory, "seal.key"), str(count)],
                   check=True)
    here.stack.callback(tokend.stop)
    return tokend


def first_answer_ns(tokend, request):
    """From exec to a token. Who asks tries every millisecond."""
    begin = time.monotonic_ns()
    tokend.start(wait=False)
    while True:
        try:
            tokend.ask_raw(request)
            return time.monotonic_ns() - begin
        except (FileNotFoundError, ConnectionRefusedError):
            time.sleep(0.001)
            if not tokend.alive():
                raise RuntimeError(tokend.read_log()) from None


def ask_for_all(tokend, count):
    """Every account's token, over one connection."""
    with socket.socket(socket.AF_UNIX) as s, s.makefile("rb") as f:
        s.settimeout(60)
        s.connect(tokend.socket)
        for i in range(count):
            s.sendall(tokend.request(name(i)).encode())
            if f.readline() != b"status=ok\n":
                raise RuntimeError(f"{name(i)} has no token")
            while f.readline() != b"\n":
                pass


def resident_kb(here, count):
    """With one token, with those of TOKENS accounts more; and how long the
    first answer took, from exec."""
    tokend = warm_tokend(here, count)
    took = []
    for _ in range(STARTS):
        tokend.stop()
        took.append(first_answer_ns(tokend, tokend.request(name(count // 2))))
    warm = tokend.resident_kb()
    ask_for_all(tokend, min(count, TOKENS))
    return warm, tokend.resident_kb(), statistics.median(took)


def crowd(bench):
    with place(bench.build) as here:
        one = resident_kb(here, 1)
        many = resident_kb(here, CROWD)
    yield at_most("accounts-start", many[2], 1e9,
                  lambda ns: f"{ns / 1e6:.0f} ms", f"{one[2] / 1e6:.0f} ms one")
    warm = (many[0] - one[0]) * 1024 / (CROWD - 1)
    yield at_most("accounts-memory", warm, 4096, "{:.0f} B each".format,
                  f"{one[0]} kB one")
    token = (many[1] - many[0]) * 1024 / TOKENS
    yield at_most("accounts-token", warm + token, 4096,
                  "{:.0f} B each".format, f"{one[1]} kB one")


def day(bench):
    with place(bench.build) as here:
        out = subprocess.run([here.program("day"), str(CROWD)], check=True,
                             capture_output=True, text=True).stdout
    rows, together = out.splitlines()
    buckets = [int(n) for n in rows.split()]
    for hour in range(24):
        number = sum(buckets[6 * hour:6 * hour + 6])
        print(f"    {hour:02d}:00 {number:6d} {'*' * (number // 400)}")
    settled = buckets[SETTLED:]
    mean = statistics.mean(settled)
    ratio = max(settled) / mean
    yield Line("accounts-day", f"{max(settled)}/10min", f"{mean:.0f} mean",
               ratio, f"at most 1.15 x mean; {together} at once",
               ratio <= 1.15 and min(settled) >= 0.85 * mean)


FIGURES = (
    (("accounts-start", "accounts-memory", "accounts-token"), crowd),
    (("accounts-day",), day),
)
