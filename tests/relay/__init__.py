# SPDX-License-Identifier: Apache-2.0
"""A complete private relay: Postfix, postoak-tokend and postoak-milter, run
from one directory without touching the host's own mail system."""
from .process import Daemon, free_port, wait_until
from .postfix import Postfix
from .relay import Relay

__all__ = ["Daemon", "Postfix", "Relay", "free_port", "wait_until"]
