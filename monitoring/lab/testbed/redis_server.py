"""Runs a Redis server that a drill can kill and freeze."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from monitoring.lab.ollama_simulator.freezing import Freezable
from monitoring.lab.testbed.web_process import free_port

START_SECONDS = 10.0


class RedisProcess(Freezable):
    """A redis-server without persistence; its address stays the same over restarts."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def why_not() -> str:
        """Return why there can be no Redis here; empty: there can."""
        return "" if shutil.which("redis-server") else "there is no redis-server on this machine"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start, and wait until it listens."""
        binary = shutil.which("redis-server")
        assert binary is not None
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [binary, *options, "--dir", str(self._folder)], stdout=subprocess.DEVNULL, start_new_session=True
        )
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("redis-server did not start")

    def kill(self) -> None:
        """kill -9, also when it is frozen or gone."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
