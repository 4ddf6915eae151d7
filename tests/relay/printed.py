# SPDX-License-Identifier: Apache-2.0
"""A relay whose Postfix knows nothing but what "postoak mta postfix" printed."""
import os
import subprocess

OWN = ("relayhost", "smtp_sasl_auth_enable", "smtp_sasl_password_maps",
       "smtp_sasl_mechanism_filter", "smtp_sasl_security_options",
       "smtp_sasl_tls_security_options", "smtp_tls_security_level",
       "smtp_sasl_tls_verified_security_options", "smtp_tls_CAfile",
       "smtpd_milters", "non_smtpd_milters", "milter_default_action")


def shell(commands):
    out = subprocess.run(["sh", "-e"], input=commands, text=True, timeout=120,
                         capture_output=True)
    assert (out.returncode, out.stderr) == (0, "")


def start_with_printed_settings(relay, *more):
    """A relay whose Postfix knows nothing but what the tool printed."""
    for name in OWN:
        relay.postfix.settings.pop(name)
    relay.postfix.write()
    shell(relay.postoak(
        "mta", "postfix", "--commands", "--relay",
        f"{relay.office.host}:{relay.office.smtp_port}", "--chroot", "y",
        "--config-directory", relay.postfix.config, "--queue-directory",
        relay.postfix.spool, *more))
    main = os.path.join(relay.postfix.config, "main.cf")
    with open(main, encoding="utf-8") as f:
        text = f.read()
    # start() writes main.cf and master.cf anew: hand it what is there now.
    relay.postfix.write_settings = lambda: _put(main, text)
    with open(os.path.join(relay.postfix.config, "master.cf"),
              encoding="utf-8") as f:
        relay.postfix.master = f.read().replace("{", "{{").replace("}", "}}")
    relay.tokend.start()
    relay.milter.start()
    relay.postfix.start()


def _put(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.utime(path, (os.stat(path).st_mtime - 10,) * 2)
