#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Lint: the rules of the house that a program can check.

usage: lint.py BUILD_DIR

Each check prints what it found, one line a finding with file and line; the
last line counts checks: "lint: N passed, N failed".
"""
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(TOP, "build")

FUNCTION_LINES, COMPLEXITY, FILE_LINES, HEADER_LINES = 60, 15, 500, 120

# A foreign library has one door.
DOORS = {
    "curl/": {"tokend/http.c", "cli/mailwire.c"},
    "openssl/": {"tokend/crypto.c", "tokend/keypair.c", "tokend/http.c",
                 "milter/redis_tls.c", "cli/certificate.c"},
    "json-c/": {"common/json.c"},
    "event2/http.h": {"tokend/metrics.c", "tokend/redirect.c"},
    "lmdb.h": {"milter/counters_lmdb.c", "milter/lmdb_file.c", "milter/lmdb_file.h",
               "milter/lmdb_work.c", "milter/notes_lmdb.c",
               "milter/lmdb_check.c"},
    "hiredis": {"milter/redis_link.c"},
    "qrencode.h": {"cli/qr.c"},
    "resolv.h": {"cli/dns.c"},
    "sasl/": {"sasl-plugin/xoauth2.c", "sasl-plugin/program.h",
              "cli/sasl_plugins.c"},
    "libmilter/": {"milter/session.c", "milter/answer.c", "milter/answer.h",
                   "milter/main.c"},
}
CONFUSE_DOOR = re.compile(r"^common/conf(_\w+)?\.[ch]$")

# Who may include whom, beside the own folder.
PLUGIN_SAFE = {"err.h", "buf.h", "wire.h"}


def files(*suffixes):
    """Files git knows or would add, relative to the top."""
    out = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=TOP, capture_output=True, text=True)
    if out.returncode == 0:
        names = out.stdout.splitlines()
    else:  # a source archive
        names = [os.path.relpath(os.path.join(d, f), TOP)
                 for d, _, fs in os.walk(TOP) for f in fs]
    return sorted(n for n in names if n.endswith(suffixes)
                  and not n.startswith("build/")
                  and os.path.isfile(os.path.join(TOP, n)))


def read(name):
    with open(os.path.join(TOP, name), encoding="utf-8", errors="replace") as f:
        return f.read()


def run(*argv):
    return subprocess.run(argv, cwd=TOP, capture_output=True, text=True)


def check_format():
    """clang-format 14 would change nothing"""
    for name in files(".c", ".h"):
        out = run("clang-format-14", "--dry-run", "-Werror", name)
        if out.returncode:
            yield out.stderr.splitlines()[0] if out.stderr else name


def check_sizes():
    """functions of at most 60 lines and complexity 15, files of 500 lines"""
    for name in files(".c", ".h", ".py"):
        limit = HEADER_LINES if name.endswith(".h") else FILE_LINES
        lines = read(name).count("\n")
        if lines > limit:
            yield f"{name}: {lines} lines, at most {limit}"
    out = run("pmccabe", *files(".c"))
    for line in out.stdout.splitlines():
        row = line.split("\t")
        if len(row) < 6:
            continue
        complexity, length, where = int(row[0]), int(row[4]), row[5]
        if complexity > COMPLEXITY or length > FUNCTION_LINES:
            yield f"{where}: complexity {complexity}, {length} lines"


def reading_order():
    """tests/lint/order as {folder: {module: place}}"""
    order = {}
    for line in read("tests/lint/order").splitlines():
        line = line.split("#")[0].strip()
        if line:
            folder, _, module = line.partition("/")
            order.setdefault(folder, {})[module] = len(order.get(folder, {}))
    return order


def includes(name):
    pattern = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
    for number, line in enumerate(read(name).splitlines(), 1):
        found = pattern.match(line)
        if found:
            yield number, found.group(1), found.group(2)


def check_order():
    """a file includes only headers that come later in tests/lint/order"""
    order = reading_order()
    for name in files(".c", ".h"):
        folder, _, rest = name.partition("/")
        if folder not in ("common", "sasl-plugin", "tokend", "milter", "cli"):
            continue
        module = rest.rsplit(".", 1)[0]
        places = order.get(folder, {})
        if module not in places:
            yield f"{name}: not listed in tests/lint/order"
            continue
        for number, quote, header in includes(name):
            if quote != '"' or header.endswith(".inc"):
                continue
            other = header.rsplit(".", 1)[0]
            if os.path.exists(os.path.join(TOP, folder, header)):
                if other != module and places.get(other, -1) < places[module]:
                    yield f"{name}:{number}: {header} comes earlier in the order"
            elif not os.path.exists(os.path.join(TOP, "common", header)):
                yield f"{name}:{number}: {header} is of a folder that {folder} must not include"
            elif folder == "sasl-plugin" and header not in PLUGIN_SAFE:
                yield f"{name}:{number}: {header} is not safe inside the plugin"
    for folder, places in order.items():
        for module in places:
            if not any(os.path.exists(os.path.join(TOP, folder, module + s))
                       for s in (".c", ".h")):
                yield f"tests/lint/order: {folder}/{module} does not exist"


def check_own_header_first():
    """the own header is the first include of its .c"""
    for name in files(".c"):
        header = os.path.basename(name)[:-2] + ".h"
        if name.startswith("tests/") or not os.path.exists(
                os.path.join(TOP, os.path.dirname(name), header)):
            continue
        first = next(includes(name), None)
        if first is None or first[2] != header:
            yield f"{name}: {header} is not its first include"


def check_doors():
    """a foreign library is included in its door only"""
    for name in files(".c", ".h"):
        if name.startswith("tests/"):
            continue
        for number, _, header in includes(name):
            for prefix, doors in DOORS.items():
                if header.startswith(prefix) and name not in doors:
                    yield f"{name}:{number}: <{header}> belongs into {', '.join(sorted(doors))}"
            if header == "confuse.h" and not CONFUSE_DOOR.match(name):
                yield f"{name}:{number}: <confuse.h> belongs into common/conf*.c"


def check_plugin():
    """the plugin exports one symbol and links libc only"""
    so = os.path.join(BUILD, "libpostoak.so")
    out = run("nm", "-D", "--defined-only", so)
    symbols = [line.split()[-1] for line in out.stdout.splitlines()]
    if symbols != ["sasl_client_plug_init"]:
        yield f"{so}: exports {symbols or out.stderr}"
    out = run("readelf", "-d", so)
    needed = re.findall(r"NEEDED.*\[(.*)\]", out.stdout)
    if needed != ["libc.so.6"]:
        yield f"{so}: links {needed}"
    if "NODLOPEN" in out.stdout:
        yield f"{so}: cannot be loaded with dlopen"


def check_hardening():
    """programs are position independent, fully relocated read-only, no executable stack"""
    for program in ("postoak", "postoak-tokend", "postoak-milter", "libpostoak.so"):
        path = os.path.join(BUILD, program)
        out = run("readelf", "-W", "-h", "-l", "-d", path).stdout
        if "DYN" not in out or "GNU_RELRO" not in out or "BIND_NOW" not in out:
            yield f"{path}: not PIE, RELRO and BIND_NOW"
        if re.search(r"GNU_STACK.*RWE", out):
            yield f"{path}: executable stack"


def check_manuals():
    """mandoc -T lint -W warning is silent"""
    for name in files(".1", ".5", ".7", ".8"):
        out = run("mandoc", "-T", "lint", "-W", "warning", name)
        yield from (out.stdout + out.stderr).splitlines()


def check_options():
    """every option of a configuration table has its entry in postoak.conf(5), and the reverse"""
    in_code = set()
    for name in files(".c"):
        if CONFUSE_DOOR.match(name):
            in_code |= set(re.findall(
                r'\b(?:TEXT|VALUE|LIST|WHOLE|CFG_FUNC)\(\s*"([a-z_]+)"', read(name)))
    manual = read("common/postoak.conf.5")
    in_manual = set(re.findall(r"^\.It Ic ([a-z_]+)", manual, re.M))
    for option in sorted(in_code - in_manual):
        yield f"common/postoak.conf.5: no entry for {option}"
    for option in sorted(in_manual - in_code):
        yield f"common/postoak.conf.5: {option} is no option"
    if len(in_code) < 30:
        yield f"only {len(in_code)} options were found in common/conf*.c: has their form changed?"


def check_licence():
    """every file has its SPDX line"""
    suffixes = (".c", ".h", ".py", ".sh", ".awk", ".1", ".5", ".8", ".map",
                ".service", ".socket", ".conf", "Makefile")
    for name in files(*suffixes):
        if "SPDX-License-Identifier: Apache-2.0" not in read(name)[:600]:
            yield f"{name}: no SPDX line"


def check_tests():
    """no test is skipped and none sleeps to synchronise"""
    for name in files(".py", ".c"):
        if not name.startswith("tests/") or name == "tests/lint/lint.py":
            continue
        for number, line in enumerate(read(name).splitlines(), 1):
            if re.search(r"pytest\.(mark\.)?(skip|xfail)|\bskip\(\)", line):
                yield f"{name}:{number}: a skipped test"


def check_threats():
    """each test that SECURITY.md names exists"""
    named = re.findall(r"`(test_\w+)::(\w+)`", read("SECURITY.md"))
    for file, function in named:
        form = re.compile(r"^(?:def )?%s\(" % function, re.M)
        if not any(os.path.exists(os.path.join(TOP, place))
                   and form.search(read(place))
                   for place in (f"tests/unit/{file}.c",
                                 f"tests/e2e/{file}.py")):
            yield f"SECURITY.md: there is no {file}::{function}"
    if len(named) < 30:
        yield f"only {len(named)} tests were found in SECURITY.md: has their form changed?"


def main():
    failed = passed = 0
    for name, check in sorted(globals().items()):
        if not name.startswith("check_"):
            continue
        findings = list(check())
        for finding in findings:
            print(f"    {finding}")
        failed, passed = failed + bool(findings), passed + (not findings)
        print(f"  LINT   {'failed' if findings else 'ok':6s} {check.__doc__}")
    print(f"lint: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
