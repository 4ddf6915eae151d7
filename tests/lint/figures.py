#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make figures: size of the code per folder, what the plugin costs its host
program, and tokend's memory when idle.

usage: figures.py BUILD_DIR
"""
import os
import re
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(TOP, "tests"))

from relay.process import Daemon  # noqa: E402

FOLDERS = ("common", "sasl-plugin", "tokend", "milter", "cli")


def sizes():
    print("folder        files  lines  comment  functions  median  p90  max")
    for folder in FOLDERS:
        path = os.path.join(TOP, folder)
        names = [os.path.join(path, n) for n in sorted(os.listdir(path))
                 if n.endswith((".c", ".h"))]
        text = "".join(open(n, encoding="utf-8").read() for n in names)
        comments = sum(c.count("\n") + 1 for c in
                       re.findall(r"/\*.*?\*/", text, re.S))
        rows = subprocess.run(["pmccabe", *[n for n in names if n.endswith(".c")]],
                              capture_output=True, text=True, check=True).stdout
        length = sorted(int(row.split("\t")[4]) for row in rows.splitlines())
        print(f"{folder:12s} {len(names):6d} {text.count(chr(10)):6d} "
              f"{100 * comments / text.count(chr(10)):7.0f}% {len(length):10d} "
              f"{statistics.median(length):7.0f} {length[len(length) * 9 // 10]:4d} "
              f"{length[-1]:4d}")


def plugin():
    so = os.path.join(BUILD, "libpostoak.so")
    out = subprocess.run(["ldd", so], capture_output=True, text=True, check=True)
    print("\nldd libpostoak.so:")
    print(out.stdout.rstrip())
    script = """
import ctypes, sys
def rss():
    with open("/proc/self/smaps_rollup") as f:
        return int(next(l for l in f if l.startswith("Rss:")).split()[1])
sasl = ctypes.CDLL("libsasl2.so.2")
before = rss()
ctypes.CDLL(sys.argv[1])
after = rss()
print(after - before)
"""
    added = subprocess.run([sys.executable, "-c", script, so],
                           capture_output=True, text=True, check=True).stdout
    print(f"resident memory a loaded libpostoak.so adds: {added.strip()} kB")


def tokend():
    with tempfile.TemporaryDirectory() as directory:
        secret = os.path.join(directory, "secret")
        with open(secret, "w", encoding="ascii",
                  opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write("x")
        config = os.path.join(directory, "postoak.conf")
        with open(config, "w", encoding="ascii") as f:
            f.write(f'''
tokend {{ listen = {{ "{directory}/t" }}  control = "{directory}/c"
    store = "{directory}/tokens"  seal_key_file = "{directory}/key" }}
application "a" {{ provider = "office365"
    tenant_id = "11111111-2222-3333-4444-555555555555"
    client_id = "66666666-7777-8888-9999-000000000000"
    client_secret_file = "{secret}" }}
account "a@contoso.com" {{ application = "a"  grant = "client_credentials" }}
''')
        daemon = Daemon([os.path.join(BUILD, "postoak-tokend"), "-f", "-c",
                         config], os.path.join(directory, "log")).start()
        with open(f"/proc/{daemon.pid}/smaps_rollup", encoding="ascii") as f:
            rows = dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))
        daemon.stop()
    # Clean pages are the libraries', private only while nobody else has them.
    print(f"\ntokend, idle: {rows['Rss']} kB resident, "
          f"{rows['Private_Dirty']} kB of it its own (private dirty)")


if __name__ == "__main__":
    sizes()
    plugin()
    tokend()
