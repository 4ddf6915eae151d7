# SPDX-License-Identifier: Apache-2.0
"""A private Postfix that takes submissions as smtp.office365.com does.

Nothing of the machine's own Postfix is read or touched: configuration, queue
and data are in our directory. What is accepted goes to discard(8).
"""

import grp
import os
import pwd
import time

from . import processes

DAEMONS = "/usr/lib/postfix/sbin"

MAIN = """\
compatibility_level = 3.6
queue_directory = {directory}/queue
data_directory = {directory}/data
meta_directory = {directory}/etc
daemon_directory = {daemons}
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {log}
maillog_file_prefixes = {directory}
myhostname = smtp.office365.test
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtp_dns_support_level = disabled
local_header_rewrite_clients =
default_transport = discard:
local_transport = discard:
relay_transport = discard:
virtual_transport = discard:
message_size_limit = 157286400
mailbox_size_limit = 0
queue_minfree = 0
smtputf8_enable = yes
default_process_limit = 200
smtpd_banner = {host} Microsoft ESMTP MAIL Service ready
smtpd_discard_ehlo_keywords = etrn
disable_vrfy_command = yes
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_timeout = 60
smtpd_hard_error_limit = 1000
smtpd_delay_reject = no
smtpd_sender_restrictions = permit_sasl_authenticated,
  check_sender_access static:{{530 5.7.57 Client not authenticated to send mail.}}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtpd_tls_security_level = {tls}
smtpd_tls_auth_only = {tls_auth_only}
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_mandatory_protocols = >=TLSv1.2
smtpd_tls_protocols = >=TLSv1.2
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {sasl}
smtpd_sasl_security_options = noanonymous
smtpd_sasl_authenticated_header = yes
smtpd_milters = unix:{milter}
milter_default_action = tempfail
milter_mail_macros = i {{mail_addr}} {{auth_type}} {{auth_authen}}
milter_end_of_data_macros = i
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
tlsmgr    unix - - n 1000? 1 tlsmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
error     unix - - n - - error
retry     unix - - n - - error
discard   unix - - n - - discard
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""
QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "flush",
          "hold", "incoming", "saved", "trace", "private")


class Postfix:
    """Needs root, and a directory that user postfix can reach."""

    def __init__(self, directory, port=None):
        self.directory = directory
        self.log = os.path.join(directory, "smtp.log")
        self.port = port or processes.reserve_port()
        self._child = None

    def start(self, host, certificate, key, sasl, milter, tls,
              auth_without_tls):
        etc = os.path.join(self.directory, "etc")
        os.makedirs(etc, exist_ok=True)
        with open(os.path.join(etc, "main.cf"), "w") as out:
            out.write(MAIN.format(
                directory=self.directory, daemons=DAEMONS, log=self.log,
                host=host, certificate=certificate, key=key, sasl=sasl,
                milter=milter, tls="may" if tls else "none",
                tls_auth_only="no" if auth_without_tls else "yes"))
        with open(os.path.join(etc, "master.cf"), "w") as out:
            out.write(MASTER.format(port=self.port))
        open(os.path.join(etc, "dynamicmaps.cf"), "w").close()
        # Postfix waits until a main.cf has not changed for a second.
        before = time.time() - 10
        os.utime(os.path.join(etc, "main.cf"), (before, before))
        self._make_queue()
        self._child = processes.Child(
            [DAEMONS + "/master", "-d", "-c", etc],
            os.path.join(self.directory, "postfix.out"))

    def wait(self):
        processes.wait_for_port(self.port, self._child.alive, self.log)

    def stop(self):
        if self._child:
            self._child.stop()

    def _make_queue(self):
        owner = pwd.getpwnam("postfix").pw_uid
        drop = grp.getgrnam("postdrop").gr_gid
        queue = os.path.join(self.directory, "queue")
        os.makedirs(os.path.join(queue, "pid"), exist_ok=True)
        for name in QUEUES:
            make(os.path.join(queue, name), 0o700, owner, -1)
        make(os.path.join(queue, "maildrop"), 0o730, owner, drop)
        make(os.path.join(queue, "public"), 0o710, owner, drop)
        make(os.path.join(self.directory, "data"), 0o700, owner, -1)


def make(path, mode, uid, gid):
    os.makedirs(path, exist_ok=True)
    os.chown(path, uid, gid)
    os.chmod(path, mode)
