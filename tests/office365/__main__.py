# SPDX-License-Identifier: Apache-2.0
"""Run the stand-in from a shell until Ctrl-C.

    /usr/bin/python3 tests/office365 --directory DIR [--mode exchange] ...

prints `name=value` lines, then `ready`, then the header of each message that
it accepts. DIR/office365.env holds the same lines for other programs.
"""

import argparse
import os
import signal
import sys
import threading

if not __package__:
    # Run as a folder: make the package importable under its name.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from office365 import Office365, StartError  # noqa: E402
from office365.standin import MODES  # noqa: E402

NAMES = ("mode", "tenant", "authority", "token_endpoint", "ca_file", "host",
         "smtp_port", "imap_port", "imaps_port", "pop_port", "pops_port",
         "client_id", "client_secret", "user", "password", "smtp_log",
         "dovecot_log", "token_log")


def arguments():
    parser = argparse.ArgumentParser(
        prog="office365", description="A stand-in for Office 365.")
    parser.add_argument("--directory", required=True,
                        help="folder of its own; made if absent")
    parser.add_argument("--mode", choices=MODES, default="postfix")
    parser.add_argument("--host", default="localhost",
                        help="name in URLs and certificates")
    parser.add_argument("--smtp-port", type=int)
    parser.add_argument("--token-port", type=int)
    parser.add_argument("--lifetime", type=int, default=3600,
                        help="seconds an access token lives")
    parser.add_argument("--token-bytes", type=int, default=5000)
    parser.add_argument("--no-limits", action="store_true",
                        help="any number of connections and messages")
    parser.add_argument("--mailbox", action="append", default=[],
                        metavar="ADDRESS", help="one more mailbox")
    return parser.parse_args()


def build(options):
    office = Office365(
        options.directory, mode=options.mode, host=options.host,
        smtp_port=options.smtp_port, token_port=options.token_port)
    office.set(lifetime=options.lifetime, token_bytes=options.token_bytes)
    if options.no_limits:
        office.set(max_connections=None, messages_per_minute=None)
    for address in options.mailbox:
        office.add_mailbox(address)
    return office


def announce(office):
    lines = ["%s=%s" % (name, getattr(office, name)) for name in NAMES
             if getattr(office, name) is not None]
    text = "\n".join(lines) + "\n"
    with open(os.path.join(office.directory, "office365.env"), "w") as out:
        out.write(text)
    print(text + "ready", flush=True)


def show(message, number):
    print("\nmessage %d: user=%s mechanism=%s from=<%s> to=%s" % (
        number, message.auth_user, message.auth_mechanism, message.mail_from,
        ",".join("<%s>" % name for name in message.rcpt_to)))
    for name, value in message.headers:
        print("  %s: %s" % (name, value), flush=True)


def follow(office, stopping):
    """Print what is accepted until a signal has set stopping.

    A signal must not raise in the middle of anything: an exception inside a
    lock's own code would leave it locked.
    """
    number = 0
    while not stopping.is_set():
        try:
            messages = office.wait_messages(number + 1, timeout=0.2)
        except TimeoutError:
            continue
        for message in messages[number:]:
            number += 1
            show(message, number)


def main():
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        with build(arguments()) as office:
            announce(office)
            follow(office, stopping)
        return 0
    except (StartError, OSError) as error:
        print("office365: %s" % error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
