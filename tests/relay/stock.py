# SPDX-License-Identifier: Apache-2.0
"""A Postfix as Debian's package sets it up, in a directory of its own."""
import os

SHARE = "/usr/share/postfix"

# What its post-installation script asks for, and what makes it private.
ANSWERS = """
# --- of the installation
myhostname = relay.example.test
alias_maps =
alias_database =
mydestination = $myhostname, localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
# --- of the test
queue_directory = {spool}
data_directory = {data}
maillog_file = {log}
maillog_file_prefixes = {directory}
import_environment = MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ SASL_PATH={directory}/sasl2
smtp_host_lookup = native
queue_run_delay = 1s
minimal_backoff_time = 3s
maximal_backoff_time = 4s
"""


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def lay_out(postfix):
    """Directories and Debian's files for this Postfix, which is not started."""
    def write_settings():
        main = read(f"{SHARE}/main.cf.debian") + read(f"{SHARE}/main.cf.tls")
        # The host may have no such certificate.
        main = main.replace("smtpd_tls_", "#smtpd_tls_")
        with open(os.path.join(postfix.config, "main.cf"), "w", encoding="utf-8") as f:
            f.write(main + ANSWERS.format(
                spool=postfix.spool, data=postfix.data, log=postfix.log_path,
                directory=postfix.directory))
    postfix.write_settings = write_settings
    master = read(f"{SHARE}/master.cf.dist").replace("{", "{{").replace("}", "}}")
    postfix.master = master.replace("\nsmtp      inet", "\n127.0.0.1:{port}      inet")
    postfix.write()
    return postfix
