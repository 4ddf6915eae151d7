#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make run: a complete relay in the foreground, told hop by hop.

usage: run.py --build DIR [--once] [--config FILE] [--to ADDRESS]

Without a configuration it relays into the stand-in for Office 365. Everything
lives in one directory below the build directory and ends with this program.
"""
import argparse
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from office365 import Office365  # noqa: E402
from relay import wait_until  # noqa: E402
from relay.real import RealRelay  # noqa: E402
from relay.relay import Relay  # noqa: E402

SENDER, RECIPIENT = "erp@app.example", "customer@example.net"

ACCOUNT = """
account "relay@contoso.com" {
    application   = "contoso"
    grant         = "password"
    password_file = "secrets/relay.password"
    from_name     = "%n"
    reply_to      = "original"
}
"""


def say(text="", indent=""):
    for line in text.splitlines() or [""]:
        print(textwrap.fill(line, 78, initial_indent=indent,
                            subsequent_indent=indent + "    ",
                            break_long_words=False, break_on_hyphens=False))
    sys.stdout.flush()


def hop(number, who, *lines):
    say(f"\n{number}. {who}")
    for line in lines:
        say(line, "     ")


def all_may_enter(path):
    """Postfix's and the daemons' users must get into the directory."""
    while True:
        if not os.stat(path).st_mode & stat.S_IXOTH:
            return False
        if path == "/":
            return True
        path = os.path.dirname(path)


def enter_namespace(directory):
    """Below a path that only its owner may enter (a home directory, say)
    the relay's other users could not work: show them the same directory
    under /mnt, in a mount namespace that ends with us."""
    if all_may_enter(directory) and len(directory) < 60:
        return directory
    if os.environ.get("POSTOAK_RUN_INNER") == directory:
        subprocess.run(["mount", "--bind", directory, "/mnt"], check=True)
        return "/mnt"
    probe = subprocess.run(["unshare", "--mount", "true"],
                           capture_output=True, text=True)
    if probe.returncode != 0:
        os.rmdir(directory)
        sys.exit(f"run: user postfix may not enter {directory}, and this "
                 f"system allows no mount namespace ({probe.stderr.strip()}). "
                 "Clone below a directory that all may enter, /srv for example.")
    os.environ["POSTOAK_RUN_INNER"] = directory
    os.execvp("unshare", ["unshare", "--mount", "--propagation", "private",
                          "--", sys.executable, *sys.argv])
    return None  # not reached


def private_directory(build):
    inner = os.environ.get("POSTOAK_RUN_INNER")
    if inner:
        return inner
    directory = tempfile.mkdtemp(prefix="run-", dir=build)
    os.chmod(directory, 0o755)
    return directory


def life(seconds):
    return f"{seconds // 60} minutes" if seconds >= 120 else f"{seconds} seconds"


def first_of(pattern, text, otherwise="(not in the log)"):
    found = re.search(pattern, text)
    return found.group(1) if found else otherwise


def describe(relay, office, queue_id):
    """Tell the way of the first message, from what each hop recorded."""
    request = office.token_requests[-1]
    account = relay.status()
    message = office.messages()[0]
    log = relay.postfix.log()
    token = relay.postoak("token", account["account"]).strip()

    def one(name):
        return " and ".join(message.header(name)) or "(none)"
    reply = first_of(rf"{queue_id}: to=.*status=sent \((.*)\)", log)
    hop(1, f"Application -> relay, 127.0.0.1:{relay.postfix.port} (plain SMTP)",
        f"envelope sender  {SENDER}", f"From:            ERP System <{SENDER}>",
        f"queue id         {queue_id}")
    hop(2, "postoak-milter made the sender the account's own",
        f"envelope sender  {SENDER} -> {message.mail_from}",
        f"From:            ERP System <{SENDER}> -> {one('From')}",
        f"Reply-To:        (none) -> {one('Reply-To')}")
    hop(3, "smtp(8), chrooted, asked postoak-tokend for a token",
        f"account          {account['account']}, grant {request.grant}",
        f"token            {len(token)} bytes, "
        f"{life(account['expires_in'])} left, {len(office.token_requests)} "
        "request to the token endpoint",
        f"scope            {account.get('scope') or '-'}")
    hop(4, f"relay -> {office.host}:{office.smtp_port} (STARTTLS, "
        f"certificate verified, AUTH {message.auth_mechanism.upper()})",
        "the server checked the token's signature, audience, life and user",
        f"answer           {reply}")
    hop(5, "Delivered header")
    for name, value in message.headers:
        say(f"{name}: {' '.join(value.split())}", "     ")


def run_stand_in(relay_directory, build, once):
    os.mkdir(os.path.join(relay_directory, "office365"))
    with Office365(os.path.join(relay_directory, "office365")) as office:
        relay = Relay(relay_directory, build, office, accounts=ACCOUNT)
        with relay:
            queue_id = relay.send(SENDER, [RECIPIENT], "Invoice 4711",
                                  From=f"ERP System <{SENDER}>")
            try:
                wait_until(lambda: office.messages() or failure(relay, queue_id),
                           "the first delivery", 60)
            except TimeoutError as error:
                sys.exit(f"run: {error}\n" + relay.postfix.log()[-3000:])
            if not office.messages():
                sys.exit("run: not delivered: " + failure(relay, queue_id))
            relay.postfix.wait_log(rf"{queue_id}: to=.*status=sent")
            describe(relay, office, queue_id)
            if once:
                say("\nDelivered.")
                return
            stay(relay)


def failure(relay, queue_id):
    """The first reason for which the message was not sent, if any."""
    for line in relay.postfix.log().splitlines():
        if "SASL authentication failure:" in line:
            return line.partition("SASL authentication failure: ")[2]
        if queue_id in line and re.search("status=(deferred|bounced)", line):
            return line.partition("status=")[2]
    return ""


def tool(relay):
    """How to call the tool from another terminal."""
    command = f"{relay.program('postoak')} -c {relay.config}"
    if "POSTOAK_RUN_INNER" in os.environ:
        # Our /mnt is nobody else's.
        command = f"nsenter -m -t {os.getpid()} {command}"
    return f"sudo {command}" if "SUDO_USER" in os.environ else command


def stay(relay, sender="me@app.example", recipient=RECIPIENT):
    """Take more mail until Ctrl-C; show each line of the mail log."""
    port = relay.postfix.port
    say(f"\nThe relay stays up on 127.0.0.1:{port}. Try, in another terminal:\n")
    # Not by say(): a command is copied in one piece.
    print(f"    printf 'From: Me <{sender}>\\nSubject: test\\n\\nhello\\n' |"
          f" \\\n      curl -s smtp://127.0.0.1:{port} --mail-from {sender}"
          f" \\\n      --mail-rcpt {recipient} -T -\n\n    {tool(relay)} status")
    say("\nCtrl-C ends it. The mail log follows.\n")
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    shown = len(relay.postfix.log())
    while not stopped.wait(0.2):
        text = relay.postfix.log()
        if len(text) > shown:
            sys.stdout.write(text[shown:])
            sys.stdout.flush()
            shown = len(text)
    say("\nEnding.")


def send_test(relay, sender, recipient):
    queue_id = relay.send(sender, [recipient], "postoak: test message",
                          From=sender)
    say(f"Sent a test message from {sender} to {recipient}, "
        f"queue id {queue_id}.")


def run_real(directory, options):
    """Relay to the real servers of a configuration. A mistake is told with
    its place in the reader's own file, not in the copy the relay works with."""
    try:
        relay_real(directory, options)
    except RuntimeError as error:
        copies = os.path.join(directory, "etc", "")
        site = os.path.join(os.path.dirname(os.path.abspath(options.config)), "")
        text = str(error).replace(copies + "postoak.conf", options.config)
        sys.exit(f"run: {text.replace(copies, site).strip()}")


def relay_real(directory, options):
    with RealRelay(directory, options.build, os.path.abspath(options.config),
                   options.relayhost, options.ca) as relay:
        say(relay.postoak("status", check=False).stdout)
        sender = relay.first_account()
        if options.to:
            send_test(relay, sender, options.to)
        if not options.once:
            stay(relay, sender, options.to or "you@example.com")
            return
        if not options.to:
            say(f"Waiting ten minutes for a message on 127.0.0.1:"
                f"{relay.postfix.port}; with TO=you@example.com one is sent.")
        sent = r"(\w+): to=.*status=(sent|deferred|bounced) (.*)"
        found = relay.postfix.wait_log(sent, 600)
        reason = failure(relay, found.group(1))
        if found.group(2) != "sent":
            sys.exit(f"run: not delivered: {reason or found.group(3)}")
        say(f"Delivered: {found.group(3)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    parser.add_argument("--once", action="store_true")
    parser.add_argument("--config")
    parser.add_argument("--to")
    parser.add_argument("--relayhost", help="with --config: instead of the "
                        "configuration's own server")
    parser.add_argument("--ca", help="with --config: CA of the servers; "
                        "default: the system's")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("run: Postfix needs root to start; use sudo")
    if options.config and not os.path.isfile(options.config):
        sys.exit(f"run: there is no configuration {options.config}")
    directory = private_directory(os.path.abspath(options.build))
    where = enter_namespace(directory)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        if options.config:
            run_real(where, options)
        else:
            say("postoak: a complete relay in front of the stand-in for "
                "Office 365")
            run_stand_in(where, options.build, options.once)
    except KeyboardInterrupt:
        say("\nEnding.")
    except (RuntimeError, OSError, TimeoutError) as error:
        sys.exit(f"run: {error}")
    finally:
        shutil.rmtree(where, ignore_errors=True)
        if where != directory:
            subprocess.run(["umount", "/mnt"], check=False)
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
