# SPDX-License-Identifier: Apache-2.0
"""The stand-in's switches, its gate, and lists that can be waited on."""

import contextlib
import threading
import time

# Consulted once for each token request.
TOKEN = {
    "lifetime": 3600,        # seconds an access token lives
    "delay": 0,              # seconds before the answer is computed
    "error": None,           # an AADSTS number as text: "50126"
    "suberror": None,        # with error: its suberror ...
    "claims": None,          # ... and its claims string
    "http": None,            # a bare HTTP status: 500, 503, 429, ...
    "retry_after": None,     # the Retry-After header of error answers
    "answer": None,          # a whole answer: (status, JSON text or document)
    "behaviour": None,       # see BEHAVIOURS
    "token_bytes": 5000,     # length of an access token
    "rotate": True,          # a new refresh token with each answer
    "revoke_old": False,     # the used refresh token dies (Entra: no)
    "string_numbers": False, # expires_in as text, as v1 and IMDS do
    "ipaddr": "192.0.2.10",  # where users' tokens say the request came from
    "clock_off": 0,          # seconds the Date header is ahead
    "gate_before_answer": False,
    "device_interval": 5,    # seconds between polls, as announced
    "device_lifetime": 900,  # seconds a device code lives
    "code_lifetime": 600,    # seconds an authorization code lives
    "authorize_error": None, # an AADSTS number instead of a login page
    "discovery": None,       # members to change; status, retry_after: of the answer
    "grant_scope": None,     # what a sign-in grants, whatever was asked for
}
# Consulted once for each AUTH, for each message.
AUTH = {"auth_reply": None}
MESSAGE = {
    "message_reply": None,      # a whole reply after the end of data
    "max_connections": 3,       # None: no limit
    "messages_per_minute": 30,  # None: no limit
}
BEHAVIOURS = (
    None,
    "silent",     # takes the request, never answers
    "refuse",     # connection refused
    "reset",      # connection dropped after the request
    "html200",    # a web page with status 200
    "empty200",   # nothing with status 200
    "truncated",  # half of the announced body, then the connection ends
    "redirect",   # 307 to another path of this server
    "drip",       # a byte now and then
    "oversize",   # a body without end
)


class Switches:
    """Thread-safe; a change counts from the next request on."""

    def __init__(self):
        self.condition = threading.Condition()
        self.changed = lambda: None
        self._values = {**TOKEN, **AUTH, **MESSAGE}
        self._counted = {}  # name -> [uses left, value afterwards]

    def set(self, once=None, **values):
        unknown = set(values) - set(self._values)
        if unknown:
            raise TypeError("no such switch: " + ", ".join(sorted(unknown)))
        behaviour = values.get("behaviour")
        if behaviour not in BEHAVIOURS:
            raise ValueError("no such behaviour: %r" % behaviour)
        if once is not None and behaviour == "refuse":
            raise ValueError("refused connections cannot be counted")
        with self.condition:
            for name, value in values.items():
                before = self._counted.pop(name, (0, self._values[name]))[1]
                if once is not None:
                    self._counted[name] = [once, before]
                self._values[name] = value
            self.condition.notify_all()
        self.changed()

    def get(self, name):
        with self.condition:
            return self._values[name]

    def take(self, group):
        """The group's values for one use; counts `once` down."""
        with self.condition:
            values = {name: self._values[name] for name in group}
            for name in group:
                if name in self._counted:
                    self._count_down(name)
            return values

    def _count_down(self, name):
        counter = self._counted[name]
        counter[0] -= 1
        if counter[0] <= 0:
            self._values[name] = counter[1]
            del self._counted[name]


class Gate:
    """Holds finished answers back until released."""

    def __init__(self, switches):
        self._switches = switches
        self._condition = switches.condition
        self._held = 0
        self._stopping = False

    @contextlib.contextmanager
    def closed(self):
        """Hold answers inside the `with` block."""
        self._switches.set(gate_before_answer=True)
        try:
            yield self
        finally:
            self.release()

    def release(self):
        """Let all held answers go, hold no more."""
        self._switches.set(gate_before_answer=False)

    def wait_held(self, count=1, timeout=60):
        """Wait until that many answers are computed and held."""
        with self._condition:
            if not self._condition.wait_for(
                    lambda: self._held >= count, timeout):
                raise TimeoutError("%d of %d answers held after %s s" % (
                    self._held, count, timeout))

    def stop(self):
        with self._condition:
            self._stopping = True
            self._condition.notify_all()

    def pass_through(self):
        """Called with a finished answer; returns when it may be sent."""
        with self._condition:
            self._held += 1
            self._condition.notify_all()
            self._condition.wait_for(
                lambda: self._stopping
                or not self._switches.get("gate_before_answer"))
            self._held -= 1


class Record:
    """A list that grows in one thread and is waited on in another."""

    def __init__(self, what):
        self._what = what
        self._items = []
        self._condition = threading.Condition()

    def add(self, item):
        with self._condition:
            self._items.append(item)
            self._condition.notify_all()

    def changed(self):
        """Wake the waiters: an item was completed."""
        with self._condition:
            self._condition.notify_all()

    def items(self):
        with self._condition:
            return list(self._items)

    def clear(self):
        with self._condition:
            self._items.clear()

    def wait(self, count, timeout):
        """Return the items once there are that many; else TimeoutError."""
        deadline = time.monotonic() + timeout
        with self._condition:
            while len(self._items) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("%d of %d %s after %s s" % (
                        len(self._items), count, self._what, timeout))
                self._condition.wait(left)
            return list(self._items)
