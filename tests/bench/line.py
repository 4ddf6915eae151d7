# SPDX-License-Identifier: Apache-2.0
"""What the bench prints: one line a figure, aligned."""
import statistics
from collections import namedtuple

# ours and other are texts with their unit; ratio is a number or None; ok says
# whether the goal is met.
Line = namedtuple("Line", "name ours other ratio goal ok")

COLUMNS = "{:24} {:>12} {:>14} {:>7}  {:38} {}"
HEAD = COLUMNS.format("name", "ours", "other side", "ratio", "goal", "")


def show(line):
    ratio = "-" if line.ratio is None else f"{line.ratio:.2f}"
    return COLUMNS.format(line.name, line.ours, line.other, ratio, line.goal,
                          "ok" if line.ok else "short")


def micro(ns):
    return f"{ns / 1000:.1f} us"


def milli(ns):
    return f"{ns / 1e6:.3f} ms"


def compared(name, ours, other, most, unit=micro, against="the other side"):
    """ours against other; both lists of the same rounds, taken by turns. The
    ratio is the median of the rounds' ratios: what disturbed one round does
    not count."""
    ratio = statistics.median(a / b for a, b in zip(ours, other))
    return Line(name, unit(statistics.median(ours)),
                unit(statistics.median(other)), ratio,
                f"at most {most:g} x {against}", ratio <= most)


def at_most(name, value, most, unit, other="-", ratio=None):
    """value against a fixed goal; unit makes a text of both."""
    return Line(name, unit(value), other, ratio, f"at most {unit(most)}",
                value <= most)
