# SPDX-License-Identifier: Apache-2.0
"""Held mail with counters that several hosts share: the budget is common, the
mail queue each host's own."""
from milter_server import account


def limited(number):
    return account(f'limits = {{ "{number} messages / 1h" }} on_limit = {{ "hold" }}')


def step(server, name, *ids):
    answer, = server.control({"version": 1, "verb": "release", "step": name, "ids": list(ids)})
    assert answer["status"] == "ok", answer
    return answer.get("ids", answer.get("messages"))


def plan(server):
    return [(entry["id"], entry["fits"]) for entry in step(server, "plan")]


def used(server):
    return server.limits()[0]["limits"][0]["used"]


def test_held_here_counted_there(redis, serve):
    store = redis()
    hosts = [serve(limited(2), counters=f"redis+unix://{store.socket}") for _ in range(2)]
    for host in hosts:
        step(host, "done")
    results = [hosts[i % 2].send(queue_id=f"QUEUE{i}") for i in range(6)]
    assert [result.quarantine is not None for result in results] == [False] * 2 + [True] * 4
    assert b"postoak: account relay@contoso.com has sent 2 of 2" in results[2].quarantine
    assert plan(hosts[0]) == [("QUEUE2", False)] and plan(hosts[1]) == [("QUEUE3", False)]
    for host in hosts:
        host.write(limited(3))
        host.daemon.reload()
    assert step(hosts[0], "take", "QUEUE2") == ["QUEUE2"] and used(hosts[1]) == 3
    assert step(hosts[1], "take", "QUEUE3") == []
    # Whoever dies: it was counted, and is not counted again.
    hosts[0].daemon.kill()
    hosts[0].start()
    assert plan(hosts[0]) == [("QUEUE2", True), ("QUEUE4", False)]
    assert step(hosts[0], "take", "QUEUE2") == ["QUEUE2"] and used(hosts[1]) == 3
    step(hosts[0], "done", "QUEUE2")
    assert plan(hosts[0]) == [("QUEUE4", False)]
    assert [host.limits()[0]["held"]["count"] for host in hosts] == [1, 2]
