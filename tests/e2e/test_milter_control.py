# SPDX-License-Identifier: Apache-2.0
"""The milter's control socket takes nonsense for what it is."""
import os
import random
import socket

from milter_server import account

VERBS = ("limits", "release", "watch", "reload", "nothing", None, 7)
KEYS = ("account", "reset", "fullest", "step", "ids", "kind", "id", "sender", "server", "text")
WORDS = ("plan", "gone", "take", "done", "refused", "sent", "full", "relay@contoso.com", "",
         "\x1b[2J\n", "a" * 5000, "é\x00", 'x"@' * 200)


def value(rng, deep=0):
    kind = rng.randrange(6)
    if kind < 3:
        return rng.choice(WORDS)
    if kind == 3 and deep < 3:
        return [value(rng, deep + 1) for _ in range(rng.randrange(5))]
    if kind == 4 and deep < 3:
        return {rng.choice(KEYS): value(rng, deep + 1)}
    return rng.choice((None, True, -1, 2 ** 63, 1e300))


def test_any_request_is_answered(serve):
    server = serve(account('on_limit = { "hold", "tempfail" }'))
    seed = int(os.environ.get("POSTOAK_SEED", random.randrange(2 ** 32)))
    print(f"POSTOAK_SEED={seed}")
    rng = random.Random(seed)
    requests = [{"version": rng.choice((1, 1, 1, 1, 2, "1")), "verb": rng.choice(VERBS),
                 **{key: value(rng) for key in rng.sample(KEYS, rng.randrange(6))}} for _ in range(400)]
    garbage = [b"\n", b"{\n", b"[]\n", b"\xff\xfe\x00\n", b"[" * 3000 + b"\n", b'{"version":1}\n']
    for request in requests + garbage:
        assert server.control(request)[0]["status"] in ("ok", "error"), request
    # Without an end it is not waited for for ever, and bars nobody.
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(os.path.join(server.directory, "control.sock"))
        try:
            s.sendall(b"x" * 100000)
            assert s.recv(10) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert server.control({"version": 1, "verb": "limits"})[0]["status"] == "ok"
    assert "\x1b" not in server.log()
