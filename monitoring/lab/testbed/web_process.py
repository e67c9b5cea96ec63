"""Runs a web server in a separate process: ready when it answers, and ended with all of its children."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
from django.conf import settings

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class WebProcess:
    """A running server, until the `with` block ends. Raises RuntimeError with its last words when it doesn't start."""

    name = "server"
    ready_path = "/"  # answered with 200 once it serves

    def __init__(self, log: Path, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> Sequence[str]:
        """Return the command of the process."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """Return what it is run with."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands, or an interpreter that the operator names
                self.command(),
                cwd=settings.BASE_DIR,
                env=dict(self.environment()),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """Return the process above the workers."""
        assert self._process is not None
        return self._process

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-800:]

    def get(self, path: str, *, timeout_seconds: float = 10.0) -> tuple[int, bytes]:
        """Return status and body of a GET on a new connection. Raises OSError."""
        try:
            with urlopen(self.url + path, timeout=timeout_seconds) as reply:  # noqa: S310 - our own address
                return reply.status, reply.read()
        except HTTPError as error:
            with error:
                return error.code, error.read()

    def _wait_until_it_answers(self) -> None:
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at and self.process.poll() is None:
            try:
                if self.get(self.ready_path, timeout_seconds=2)[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"the {self.name} did not start:\n{self.last_words()}")

    def _stop(self) -> None:
        process = self.process
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in children:
            if child.is_running():
                child.kill()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
