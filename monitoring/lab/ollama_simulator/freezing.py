"""Process that can be stopped and continued by signals."""

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
        """Continue the stopped process."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)
