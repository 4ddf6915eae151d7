# SPDX-License-Identifier: Apache-2.0
"""Counters that several hosts share, in a real Redis; each host a milter.

What goes wrong with the store is in test_redis_faults.py and
test_redis_failover.py."""
import concurrent.futures
import os
import subprocess
import time

import pytest

from milter_server import OWN, account, promise
from relay import wait_until


def url(server):
    return f"redis+unix://{server.socket}"


def used(server, number=0):
    return server.limits()[0]["limits"][number]["used"]


def granted(server, count, **options):
    """How many of so many messages were taken."""
    with server.client() as client:
        return sum(client.send(f"<{OWN}>", ["a@b.example"], [("From", OWN)],
                               **options).action == "continue"
                   for _ in range(count))


def test_one_round_trip_a_message(redis, serve):
    """By the server's own count, with two limits, granted and refused."""
    store = redis()
    server = serve(account('limits = { "60 messages / 1h", "9 M bytes / 1h" }'.replace("9 M", "9000000")),
                   counters=url(store))
    before, text = store.calls("evalsha"), store.calls("eval")
    assert granted(server, 100) == 60
    assert store.calls("evalsha") - before == 100
    assert store.calls("eval") == text
    assert "away" not in server.log()


def test_two_hosts_never_exceed_a_limit(redis, serve):
    store = redis()
    hosts = [serve(account('limits = { "100 messages / 1h" }'), counters=url(store))
             for _ in range(2)]
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        taken = list(pool.map(lambda i: granted(hosts[i % 2], 20), range(10)))
    assert sum(taken) == 100
    assert [used(host) for host in hosts] == [100, 100]
    # Both had their part of it.
    assert sum(taken[::2]) and sum(taken[1::2])
    result = hosts[1].send()
    assert b"has sent 100 of 100 messages in the last hour; try again in 6" in result.reply


def test_a_queue_id_is_its_hosts(redis, serve):
    store = redis()
    hosts = [serve(account('limits = { "9 messages / 1h" }'), counters=url(store))
             for _ in range(2)]
    for _ in range(3):
        for host in hosts:
            assert host.send(queue_id="4XYZ").action == "continue"
    assert used(hosts[0]) == 2


def test_counts_outlive_the_milter_and_a_changed_number(redis, serve):
    store = redis()
    server = serve(account('limits = { "5 messages / 1h" }'), counters=url(store))
    assert granted(server, 3) == 3
    server.daemon.kill()
    server.write(account('limits = { "4 messages / 1h" }'))
    server.start()
    # Nobody else has counted there, and the server is the same.
    assert granted(server, 9) == 1
    assert "away" not in server.log()


def test_all_limits_or_none(redis, serve):
    store = redis()
    server = serve(account('limits = { "10 messages / 1h", "login 2 recipients / 1h" }'),
                   counters=url(store))
    for login, taken in (("a", 2), ("b", 2)):
        assert granted(server, 5, login=login) == taken
    assert used(server) == 4


def test_observe_counts_on(redis, serve):
    store = redis()
    server = serve(account('limits = { "2 messages / 1h" } on_limit = { "observe" }'),
                   counters=url(store))
    assert granted(server, 5) == 5
    assert used(server) == 5
    assert "only observed" in server.log() and "away" not in server.log()


def test_keys_expire_and_are_one_hash_slot(redis, serve):
    store = redis()
    server = serve(account('limits = { "5 messages / 1m" }'), counters=url(store))
    assert server.send(queue_id="4X").action == "continue"
    keys = store.cli("keys", "*").splitlines()
    assert len(keys) == 3 and all(k.startswith("{postoak}:") for k in keys)
    for key in keys:
        left = int(store.cli("pttl", key))
        # The window and a bucket more; the state of all stays.
        assert left == -1 if key.endswith(":state") else 0 < left <= 300000, key
        if key.endswith("|60"):
            assert 50000 < left < 63000


PASSWORD = "pass word"


@pytest.fixture
def secret(directory):
    path = os.path.join(directory, "counters.password")
    with open(path, "w", encoding="utf-8") as f:
        f.write(PASSWORD + "\n")
    os.chmod(path, 0o600)
    return path


def certificates(directory):
    """A certificate for localhost, of a CA of its own."""
    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=directory, check=True,
                       capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-subj", "/CN=a CA", "-days", "9")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem",
            "-out", "request.pem", "-subj", "/CN=localhost")
    with open(os.path.join(directory, "ext"), "w", encoding="utf-8") as f:
        f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey",
            "ca.key", "-CAcreateserial", "-out", "cert.pem", "-days", "9",
            "-extfile", "ext")
    return {name: os.path.join(directory, f"{path}.pem")
            for name, path in (("ca", "ca"), ("cert", "cert"), ("key", "key"))}


def test_tcp_password_database(redis, serve, secret):
    store = redis(f'requirepass "{PASSWORD}"', start=False)
    store.password = PASSWORD
    store.start()
    server = serve(account('limits = { "5 messages / 1h" }'),
                   counters=f"redis://127.0.0.1:{store.port}/3",
                   more=f'counters_password_file = "{secret}"')
    assert granted(server, 7) == 5 and "away" not in server.log()
    assert store.cli("-n", "3", "dbsize") != "0" and store.cli("dbsize") == "0"


def test_acl_user_with_the_documented_commands(redis, serve, secret):
    """The list in the manual is all it needs."""
    manual = os.path.join(os.path.dirname(__file__), "../../milter/postoak-milter.8")
    with open(manual, encoding="utf-8") as f:
        line, = (line for line in f if line.startswith(".Li evalsha eval"))
    commands = " ".join("+" + word for word in line.split()[1:] + ["auth", "select"])
    store = redis(f"user milter on >{PASSWORD.replace(' ', '')} ~{{postoak}}:* &{{postoak}}:* {commands}")
    with open(secret, "w", encoding="utf-8") as f:
        f.write(PASSWORD.replace(" ", ""))
    server = serve(account('limits = { "5 messages / 1h" }'),
                   counters=f"redis://milter@localhost:{store.port}/0",
                   more=f'counters_password_file = "{secret}"')
    assert granted(server, 7) == 5
    wait_until(lambda: store.calls("hget") > 10, "a look at the server")
    assert server.control({"version": 1, "verb": "limits"})[0]["status"] == "ok"
    assert "away" not in server.log()


def test_a_wrong_password_is_said_and_mail_goes_on(redis, serve, secret):
    with open(secret, "w", encoding="utf-8") as f:
        f.write(PASSWORD)
    store = redis("requirepass other", start=False)
    store.password = "other"
    store.start()
    server = serve(account('limits = { "10 messages / 1h" }'), counters=url(store),
                   more=f'counters_password_file = "{secret}"')
    assert granted(server, 10) == 5
    assert server.log().count("are away") == 1
    assert "WRONGPASS" in server.log() and PASSWORD not in server.log()
    with open(secret, "w", encoding="utf-8") as f:
        f.write("other")
    wait_until(lambda: "are back" in server.log(), "the right password")
    assert granted(server, 10) == 5


def test_a_password_others_can_read_is_refused(serve, secret):
    os.chmod(secret, 0o644)
    server = serve(start=False, counters="redis://localhost",
                   more=f'counters_password_file = "{secret}"')
    for option in ("-t", "-f"):
        out = subprocess.run([server.program, option, "-c", server.config],
                             capture_output=True, text=True, timeout=60)
        assert out.returncode == 78 and "chmod 0600" in out.stderr, out.stderr


def test_tls(redis, serve, directory):
    tls = certificates(directory)
    store = redis(tls=tls)
    server = serve(account('limits = { "5 messages / 1h" }'),
                   counters=f"rediss://localhost:{store.port}/0",
                   more=f'counters_ca_file = "{tls["ca"]}"')
    assert granted(server, 7) == 5 and "away" not in server.log()
    assert used(server) == 5


def test_tls_checks_the_certificate(redis, serve, directory):
    tls = certificates(directory)
    store = redis(tls=tls)
    stranger = serve(counters=f"rediss://localhost:{store.port}/0")
    assert "certificate" in stranger.log(), stranger.log()
    other = serve(counters=f"rediss://localhost.localdomain:{store.port}/0",
                  more=f'counters_ca_file = "{tls["ca"]}"')
    # Whether the name is known here or not, it is not the certificate's.
    assert "are away" in other.log()
    address = serve(counters=f"rediss://127.0.0.1:{store.port}/0",
                    more=f'counters_ca_file = "{tls["ca"]}"')
    promise(address.send())
    assert "away" not in address.log()


def test_no_callback_waits_for_a_busy_store(redis, serve):
    """Fifty sessions at once, eight connections."""
    store = redis()
    server = serve(account('limits = { "100000 messages / 1h" }'), counters=url(store))
    slowest = []  # round trips of messages, for who looks at a failure

    def session(_):
        with server.client() as client:
            for _ in range(20):
                began = time.monotonic()
                assert client.send(f"<{OWN}>", ["a@b.example"], [("From", OWN)]).action == "continue"
                slowest.append(time.monotonic() - began)
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        list(pool.map(session, range(50)))
    assert len(slowest) == 1000
    # A busy machine may have been late now and then: nothing counts twice.
    wait_until(lambda: used(server) == 1000, "1000 messages counted")


def test_a_reset_is_for_all_hosts(redis, serve):
    """And it is not undone by what a host that was not there remembers."""
    store = redis()
    hosts = [serve(account('limits = { "100 messages / 1h" }'), counters=url(store))
             for _ in range(2)]
    for host in hosts:
        wait_until(lambda h=host: granted(h, 5) == 5, "five messages taken")
    assert used(hosts[0]) >= 10
    wait_until(lambda: hosts[0].control({"version": 1, "verb": "limits",
                                         "reset": True})[0]["status"] == "ok", "a reset")
    assert [used(host) for host in hosts] == [0, 0]
    aways = hosts[1].log().count("are away")
    assert hosts[1].send().action == "continue"
    assert hosts[1].log().count("are away") == aways
    hosts[1].daemon.kill()
    hosts[1].start()
    assert used(hosts[1]) == 1


def test_a_reset_while_the_store_is_away_says_so(redis, serve):
    server = serve(counters=url(redis(start=False)))
    answer, = server.control({"version": 1, "verb": "limits", "reset": True})
    assert answer["status"] == "error"
    assert "nothing was reset" in answer["text"]
