"""A process that can be stopped where it is, and go on later."""

from __future__ import annotations

import signal
import subprocess
from typing import Any


class Freezable:
    """Whatever runs in a process of its own."""

    _process: subprocess.Popen[Any] | None

    def freeze(self) -> None:
        """Stop the process where it is: connections are taken by the system, and nobody answers."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
