# SPDX-License-Identifier: Apache-2.0
"""A stand-in for Office 365: token endpoint and mail servers for tests."""

from .processes import StartError
from .standin import Office365

__all__ = ["Office365", "StartError"]
