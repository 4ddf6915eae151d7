# SPDX-License-Identifier: Apache-2.0
"""Another computer: a network namespace of its own, with nothing on it but the
port that an ssh -L line would open there."""
import os
import socket
import subprocess
import tempfile
import threading

# Run in a network namespace of its own: what ssh -L does there, and curl.
ELSEWHERE = """
import socket, subprocess, sys, threading
port, relay, address = int(sys.argv[1]), sys.argv[2], sys.argv[3]
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
server = socket.create_server(("127.0.0.1", port))
def pump(source, sink):
    while (data := source.recv(65536)):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)
def forward():
    while True:
        near, far = server.accept()[0], socket.socket(socket.AF_UNIX)
        far.connect(relay)
        for pair in ((near, far), (far, near)):
            threading.Thread(target=pump, args=pair, daemon=True).start()
threading.Thread(target=forward, daemon=True).start()
out = subprocess.run(["curl", "-sSL", "--noproxy", "*", "--max-time", "20",
                      address], capture_output=True, text=True)
print(out.stdout, out.stderr)
"""


def visit_elsewhere(address, port, target):
    """What a browser elsewhere sees behind `address`."""
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        path = os.path.join(directory, "wire")
        wire = socket.socket(socket.AF_UNIX)
        wire.bind(path)
        wire.listen()

        def pump(source, sink):
            while (data := source.recv(65536)):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

        def carry():
            while True:
                try:
                    far = wire.accept()[0]
                except OSError:
                    return
                near = socket.create_connection(target)
                for pair in ((far, near), (near, far)):
                    threading.Thread(target=pump, args=pair,
                                     daemon=True).start()
        thread = threading.Thread(target=carry, daemon=True)
        thread.start()
        try:
            out = subprocess.run(
                ["unshare", "--net", "/usr/bin/python3", "-c", ELSEWHERE,
                 str(port), path, address],
                capture_output=True, text=True, timeout=60, check=True)
        finally:
            wire.shutdown(socket.SHUT_RDWR)
            wire.close()
            thread.join(10)
    return out.stdout
