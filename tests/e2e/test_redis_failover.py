# SPDX-License-Identifier: Apache-2.0
"""Two relay hosts, two servers: a replica takes the place of its master, which
had not told it everything. Together the hosts never exceed a limit."""
import concurrent.futures
import os

from milter_server import account
from relay import wait_until
from test_redis import granted, used
from test_redis_faults import fill, wait_back

LIMIT = account('limits = { "100 messages / 1h" }')


def replicas(redis):
    master = redis()
    replica = redis(f"replicaof 127.0.0.1 {master.port}")
    wait_until(lambda: "master_link_status:up" in replica.cli("info", "replication"),
               "a replica")
    return master, replica


def burst(hosts, each):
    """Messages through all hosts at once; how many were taken."""
    with concurrent.futures.ThreadPoolExecutor(len(hosts)) as pool:
        return sum(pool.map(lambda host: granted(host, each), hosts))


def test_a_replica_by_hand(redis, serve):
    """The address stays, another server is there: what a virtual IP does."""
    master, replica = replicas(redis)
    link = os.path.join(master.directory, "store.sock")
    os.symlink(master.socket, link)
    hosts = [serve(LIMIT, counters=f"redis+unix://{link}") for _ in range(2)]
    fill(hosts[0], 20)
    fill(hosts[1], 30)
    # What is counted from here on the replica does not hear of.
    replica.cli("replicaof", "no", "one")
    fill(hosts[0], 6)
    fill(hosts[1], 4)
    assert replica.cli("hget", next(k for k in replica.cli("keys", "*").splitlines()
                                    if k.endswith("|3600")), "s") < "60"
    master.kill()
    # Half of the 40 that are free for each, if they know of all.
    taken = 60 + burst(hosts, 30)
    assert 60 < taken <= 100
    os.symlink(replica.socket, link + ".new")
    os.rename(link + ".new", link)
    wait_back(*hosts)
    assert [used(host) for host in hosts] == [taken, taken]
    taken += burst(hosts, 60)
    assert taken <= 100
    wait_until(lambda: burst(hosts, 5) * 0 + used(hosts[0]) == 100, "a full limit")


def test_sentinel(redis, serve):
    master, replica = replicas(redis)
    sentinel = redis(
        f"sentinel monitor relays 127.0.0.1 {master.port} 1",
        "sentinel down-after-milliseconds relays 1000",
        "sentinel failover-timeout relays 2000", sentinel=True)
    wait_until(lambda: f"{replica.port}" in sentinel.cli("sentinel", "replicas", "relays"),
               "Sentinel to know the replica")
    hosts = [serve(LIMIT, counters=f"redis+sentinel://127.0.0.1:1,127.0.0.1:{sentinel.port}/relays/0")
             for _ in range(2)]
    wait_back(*hosts)
    fill(hosts[0], 20)
    fill(hosts[1], 20)
    master.kill()
    taken = 40 + burst(hosts, 40)
    assert 40 < taken <= 100
    wait_until(lambda: "role:master" in replica.cli("info", "replication"), "the new master")
    wait_back(*hosts)
    assert [used(host) for host in hosts] == [taken, taken]
    taken += burst(hosts, 60)
    assert taken <= 100


def test_sentinel_does_not_know_the_master(redis, serve):
    master = redis()
    sentinel = redis(f"sentinel monitor relays 127.0.0.1 {master.port} 1", sentinel=True)
    server = serve(LIMIT, counters=f"redis+sentinel://127.0.0.1:{sentinel.port}/others")
    assert 'Sentinel knows no master "others"' in server.log()
    assert granted(server, 60) == 50
