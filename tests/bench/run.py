#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make bench: size and speed, side by side with what does only the least.

usage: run.py --build DIR [--only NAME] [--peer PLUGIN.so]

One line a figure: name, ours, the other side's, ratio, goal, ok or short.
NAME is that of a line or of a family (plugin, answer, ...). The exit code says
whether it could measure, not what.
"""
import argparse
import contextlib
import os
import sys
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench import accounts, answer, idle, milter, plugin, postfix, shared  # noqa: E402
from bench.line import HEAD, show  # noqa: E402

# One file a family. Each has FIGURES: the names of the lines, and the function
# that measures and yields them. prepare(), if a family has one, is called before
# the first figure of all; bench.stack ends what it began.
FAMILIES = (plugin, answer, accounts, idle, milter, postfix, shared)


def family_name(family):
    return family.__name__.rpartition(".")[2]


def wanted(family, names, only):
    return only in (None, family_name(family)) or only in names


def all_names():
    return [name for family in FAMILIES for names, _ in family.FIGURES
            for name in names]


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True, type=os.path.abspath)
    parser.add_argument("--only", metavar="NAME")
    parser.add_argument("--peer", metavar="PLUGIN.so", type=os.path.abspath)
    bench = parser.parse_args()
    if bench.only not in (None, *all_names(), *map(family_name, FAMILIES)):
        parser.error(f"{bench.only}: one of {' '.join(all_names())}, or of "
                     f"the families {' '.join(map(family_name, FAMILIES))}")
    if bench.only == "plugin-peer" and not bench.peer:
        parser.error("plugin-peer: name the other plugin with PEER=")
    if bench.peer and not os.path.isfile(bench.peer):
        parser.error(f"{bench.peer}: there is no such plugin")
    return bench


def measure(bench, family, names, figure):
    """Print a figure's lines; False if it could not be measured."""
    try:
        for line in figure(bench):
            if bench.only in (None, family_name(family), line.name):
                print(show(line), flush=True)
    except Exception:  # whatever it is: the other figures go on
        traceback.print_exc()
        print(f"{names[0]}: not measured", flush=True)
        return False
    return True


def main():
    bench = parse()
    begin = time.monotonic()
    figures = [(family, names, figure) for family in FAMILIES
               for names, figure in family.FIGURES
               if wanted(family, names, bench.only)]
    with contextlib.ExitStack() as bench.stack:
        for family in dict.fromkeys(family for family, _, _ in figures):
            getattr(family, "prepare", lambda bench: None)(bench)
        print(HEAD, flush=True)
        good = [measure(bench, *figure) for figure in figures]
    print(f"{sum(good)} of {len(good)} measured in "
          f"{time.monotonic() - begin:.0f} s, at a load of "
          f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
