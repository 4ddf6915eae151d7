# SPDX-License-Identifier: Apache-2.0
"""The address parser beside another one: Python's email with its modern
policy, on collected From fields (from_fields.txt) and on generated ones. Each
difference has to be one of those explained in RULES."""
import collections
import email.policy
import os
import random
import re
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
SEED, GENERATED = 20261124, 10000

# Their remarks about what is right but old, or above ASCII.
HARMLESS = {"ObsoleteHeaderDefect", "NonASCIILocalPartDefect", "UndecodableBytesDefect"}

Ours = collections.namedtuple("Ours", "problem addresses count")
Theirs = collections.namedtuple("Theirs", "problem addresses")


def ours(build, values):
    """What address_parse says of each."""
    asked = b"".join(b"%d\n%s" % (len(value), value) for value in values)
    out = subprocess.run([os.path.join(build, "unit", "addresses")], input=asked,
                         capture_output=True, timeout=60, check=True)
    for line in out.stdout.decode().splitlines():
        if line.startswith("- "):
            yield Ours(line[2:], [], 0)
            continue
        _, count, _, _, *found = line.split()
        yield Ours(None, [tuple(bytes.fromhex(part).decode() for part in one.split("@"))
                          for one in found], int(count))


def theirs(value):
    try:
        field = email.policy.default.header_fetch_parse(
            "From", value.decode("utf-8", "surrogateescape"))
        found = [(a.username, a.domain) for a in field.addresses]
        defects = {type(defect).__name__ for defect in field.defects} - HARMLESS
    # Its faults are of many kinds: IndexError, AttributeError, ...
    except Exception as fault:  # pylint: disable=broad-except
        return Theirs(f"crashed: {type(fault).__name__}", [])
    if defects:
        return Theirs(" ".join(sorted(defects)), found)
    if not found or any(not local or not domain for local, domain in found):
        return Theirs("no address", found)
    return Theirs(None, found)


class Case:
    def __init__(self, value, our, their):
        self.value, self.our, self.their = value, our, their
        self.text = value.decode("utf-8", "surrogateescape")

    @property
    def same(self):
        """Both refuse, or both read the same mailboxes (ours keeps 16)."""
        if self.our.problem or self.their.problem:
            return bool(self.our.problem and self.their.problem)
        return (self.our.addresses == self.their.addresses[:16]
                and self.our.count == len(self.their.addresses))

    def __str__(self):
        return f"{self.value!r}\n    ours:   {self.our}\n    theirs: {self.their}"


def refused_for(case, *problems):
    """Only we refuse it, and for one of these reasons."""
    return case.our.problem in problems and not case.their.problem


ENCODED = re.compile(r"=\?[^?]*\?[bq]\?[^?]*\?=", re.I)
SPECIAL = r"[][()<>@,;:\\\".\x00-\x1f]"
SPECIAL_INSIDE = re.compile(
    rf"=\?[^?]*{SPECIAL}[^?]*\?[bq]\?[^?]*\?=|=\?[^?]*\?[bq]\?[^?]*{SPECIAL}[^?]*\?=", re.I)


def only_they(case):
    """Only they refuse it."""
    return bool(case.their.problem) and not case.our.problem


def any_part(case, wanted):
    return any(wanted(local, domain) for local, domain in case.their.addresses)


# (what, why, when); the first that fits explains a difference. The condition
# looks at the value, or at what the other one read, not only at our word.
RULES = [
    ("a line break that folds nothing",
     "Python takes all line breaks out before it reads; to an MTA or a lenient"
     " reader the rest may be another field",
     lambda c: refused_for(c, "a bare line break", "a bare carriage return",
                           "a control character")
     and re.search(r"\r(?!\n)|\n(?![ \t])", c.text)),
    ("a long local part",
     "RFC 5321 4.5.3.1.1: 64 octets",
     lambda c: refused_for(c, "something that is no local part before '@'")
     and any_part(c, lambda local, _: len(local.encode("utf-8", "replace")) > 64)),
    ("a long domain",
     "RFC 5321 4.5.3.1.2: 255 octets",
     lambda c: refused_for(c, "a domain that is too long")
     and any_part(c, lambda _, domain: len(domain.encode("utf-8", "replace")) > 255)),
    ("bytes that are no UTF-8 in an address",
     "RFC 6532 allows UTF-8 only; Python hands them on as surrogates",
     lambda c: refused_for(c, "something that is no local part before '@'",
                           "a domain that is not UTF-8")
     and (any_part(c, lambda *parts: re.search("[\ud800-\udfff]", "".join(parts)))
          or re.search("<[^>]*@[^>:]*[\ud800-\udfff][^>:]*:", c.text))),
    ("a fold inside a quoted local part",
     "it would have to be written as something else than it was",
     lambda c: refused_for(c, "something that is no local part before '@'")
     and re.search(r'"[^"]*\n[ \t][^"]*"', c.text)),
    ("comments nested more than 32 deep",
     "nobody's name; a bound instead of recursion",
     lambda c: refused_for(c, "comments nested too deeply") and "(" * 8 in c.text),
    ("a quoted pair, a bracket, a blank or more than ASCII in a domain literal",
     "obsolete (RFC 5322 4.4) or of no use, and read differently everywhere",
     lambda c: refused_for(c, "a domain literal that is none")
     and re.search(r"\[[^]]*[^!-Z^-~][^]]*\]", c.text)),
    ("a special character inside an encoded word",
     "RFC 2047 5 (3) forbids it in a phrase; Python looks for encoded words"
     " first and hides the rest of the syntax in them",
     lambda c: c.our.problem and not c.their.problem and SPECIAL_INSIDE.search(c.text)),
    ("an encoded word where none may be",
     "in quotes, in an address, not set off by blanks or not decodable: it is"
     " text to us (and not harmless: address_is_plain, name_is_harmless),"
     " while Python decodes it and remarks on that",
     lambda c: not c.our.problem and ENCODED.search(c.text)
     and (c.their.problem or any("=?" in local for local, _ in c.our.addresses))),
    ("a dot before the address",
     "obs-phrase (RFC 5322 4.1) ends with a dot; Python crashes",
     lambda c: c.their.problem == "crashed: AttributeError" and only_they(c)
     and re.search(r"\.(\s|\(.*\))*<", c.text, re.S)),
]


def collected():
    with open(os.path.join(HERE, "from_fields.txt"), encoding="ascii") as f:
        for line in f.read().splitlines():
            if line and not re.match(r"#|\[\w+\]$", line):
                yield line.encode().decode("unicode_escape").encode("latin-1")


ADDRESSES = ["relay@contoso.com", "a.b@c.example", "a@[192.0.2.1]", '"a b"@c.example',
             '"a"@b.example', "a . b@c . example", "a@b", "=?utf-8?q?a?=@b.example",
             "j\xfc@b.example", "a@b\xfc.example", "a(c)@(d)b.example", "a@b.example.",
             ".a@b.example", "a..b@c.example", "a", "@b.example", "a@", "x" * 65 + "@b.example",
             "a@" + "d" * 256, '"a".b@c.example', '""@b.example', "a@[x\\]y]", "a@b@c.example"]
ROUTES = ["@x.example:", "@x.example,@y.example:", "@x:", ",@x.example:"]
WORDS = ["Ann", "Other", "J.", '"Other, Ann"', '"a \\"b\\" \\\\ c"', '""', "=?utf-8?q?J=C3=BC?=",
         "=?utf-8?b?SsO8?=", "=?x", "(c)", "(a (b) \\) c)", "M\xfcller", "\udcfc", ".", "a@b.example",
         '"=?utf-8?q?x?="', "'x'", "a=b", "(" * 33 + ")" * 33]
DAMAGE = list("<>()\"\\,:;@.[] \t\r\n\0\x01\x7f") + ["\n ", "\r\n\t", "\r\n", "=?", "?=", "\xe9",
                                                    "\udcff", "a", "  "]


def mailbox(rng):
    words = [rng.choice(WORDS) for _ in range(rng.choice((0, 0, 1, 2, 3)))]
    address = rng.choice(ADDRESSES if rng.random() < 0.5 else ADDRESSES[:7])
    text = rng.choice((" ", " ", " ", "", "\n ", " (c) ")).join(words)
    if words or rng.random() < 0.5:
        route = rng.choice(ROUTES) if rng.random() < 0.1 else ""
        text += rng.choice((" ", " ", "")) + f"<{route}{address}>"
    else:
        text += address
    if rng.random() < 0.1:
        text += rng.choice((" ", "")) + rng.choice(WORDS)
    return text


def generated(rng):
    text = rng.choice((", ", ", ", ",", ",\n ", "; ")).join(
        mailbox(rng) for _ in range(rng.choice((1, 1, 1, 1, 2, 3, 20))))
    if rng.random() < 0.1:
        text = rng.choice(("Team", '"A Team"', "")) + f":{text}" + rng.choice((";", ";", ";,", ""))
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        at = rng.randrange(len(text) + 1)
        text = text[:at] + rng.choice(DAMAGE + [""]) + text[at + rng.choice((0, 0, 1)):]
    return text.encode("utf-8", "surrogateescape")


@pytest.fixture(scope="module")
def cases():
    build = os.environ.get("POSTOAK_BUILD", os.path.join(HERE, "..", "..", "build"))
    rng = random.Random(SEED)
    values = list(collected()) + [generated(rng) for _ in range(GENERATED)]
    return [Case(value, our, theirs(value)) for value, our in
            zip(values, ours(build, values), strict=True)]


def test_every_difference_is_explained(cases):
    used, unexplained = collections.Counter(), []
    for case in cases:
        if case.same:
            used["the same"] += 1
            continue
        for what, _, when in RULES:
            if when(case):
                used[what] += 1
                break
        else:
            unexplained.append(case)
    for what, count in used.most_common():
        print(f"{count:6d} {what}")
    assert not unexplained, "\n".join([f"{len(unexplained)} differences"] +
                                      [str(case) for case in unexplained[:60]])
    # An explanation that explains nothing is none; other versions of Python
    # may have mended a fault of this one.
    unused = [what for what, _, _ in RULES if what not in used]
    assert not unused or sys.version_info[:2] != (3, 11), unused
