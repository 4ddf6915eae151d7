# SPDX-License-Identifier: Apache-2.0
"""Counters in a Redis server: what a message asks of it, by its own count."""
from redis_server import Redis

from bench.line import Line
from bench.milter import Load, Ours
from bench.place import place

MESSAGES = 20000


def scripts(store):
    """So often was the server asked to run a script."""
    return store.calls("evalsha") + store.calls("eval")


def round_trips(bench):
    with place(bench.build) as here:
        store = Redis(here.path("redis")).start()
        here.stack.callback(store.stop)
        load = Load(here)
        ours = Ours(here, counters=f"redis+unix://{store.socket}")
        load.run(ours, 1, 100)
        before = scripts(store)
        load.run(ours, 10, MESSAGES)
        trips = scripts(store) - before
    yield Line("redis-round-trips", str(trips), f"{MESSAGES} sent",
               trips / MESSAGES, "exactly 1 a message", trips == MESSAGES)


FIGURES = ((("redis-round-trips",), round_trips),)
