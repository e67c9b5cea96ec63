"""Runs the stand-in in a separate process, which can be killed, frozen and restarted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.request import Request, urlopen

from monitoring.lab.ollama_simulator.freezing import Freezable
from monitoring.lab.ollama_simulator.model.models import DEFAULT_MODELS
from ragsite.paths import PROJECT

CONTROL_TIMEOUT_SECONDS = 10.0


class StandInProcess(Freezable):
    """An Ollama server in its own process, for benchmarks and drills.

    The same `set`, `fail`, `heal`, `state` as `StandIn`, through a control port that faults don't touch. Knobs are
    set again after a restart; faults, counts and loaded models are gone, as the process was.
    """

    def __init__(
        self, models: Iterable[str] = DEFAULT_MODELS, *, port: int = 0, control_port: int = 0, **knobs: Any
    ) -> None:
        self._models = tuple(models)
        self._settings: list[dict[str, Any]] = [{"set": knobs}]
        self._process: subprocess.Popen[str] | None = None
        self.port = port
        self.control_port = control_port

    @property
    def url(self) -> str:
        """The base URL; it stays the same over restarts."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process is not None else None

    def start(self) -> Self:
        """Start, and wait until it listens. Raises RuntimeError when it ends instead."""
        assert self._process is None, "the stand-in is running"
        ports = ["--port", str(self.port), "--control-port", str(self.control_port)]
        models = [argument for model in self._models for argument in ("--model", model)]
        self._process = subprocess.Popen(  # noqa: S603 - our own module and arguments
            [sys.executable, "-m", "monitoring.lab.ollama_simulator", "--json", *ports, *models],
            cwd=PROJECT,
            # More threads would only wait for each other, and use CPU of the processes that are measured.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._reap()
            raise RuntimeError("the stand-in did not start; its reason is above")
        told = json.loads(line)
        self.port, self.control_port = told["port"], told["control_port"]
        for setting in self._settings:
            self.control(setting)
        return self

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop the process with SIGTERM, and wait for its end."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """kill -9, and start again on the same port."""
        self.kill()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def set(self, *, model: str | None = None, **knobs: Any) -> None:
        """Turn knobs, for all models or for one."""
        wishes = {"set": knobs, **({"model": model} if model else {})}
        self._settings.append(wishes)
        self.control(wishes)

    def fail(self, name: str, **limits: Any) -> None:
        """Let something fail, as with `StandIn.fail`."""
        self.control({"fail": [{"name": name, **limits}]})

    def heal(self, name: str | None = None) -> None:
        """Stop all faults, or one kind."""
        self.control({"heal": name or True})

    def control(self, wishes: Mapping[str, Any]) -> None:
        """Send `wishes` to the control port."""
        self._ask("/standin/control", json.dumps(wishes).encode())

    def state(self) -> dict[str, Any]:
        """Return counts, knobs, faults and what is loaded."""
        found: dict[str, Any] = self._ask("/standin/state")
        return found

    def requests(self, operation: str | None = None) -> list[Any]:
        """Return the bodies of the latest requests, oldest first."""
        recent = self._ask("/standin/requests")["requests"]
        return [each["body"] for each in recent if operation in (None, each["operation"])]

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        url = f"http://127.0.0.1:{self.control_port}{path}"
        with urlopen(Request(url, data=body), timeout=CONTROL_TIMEOUT_SECONDS) as reply:
            return json.loads(reply.read())

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._reap()

    def _reap(self) -> None:
        assert self._process is not None
        self._process.wait(CONTROL_TIMEOUT_SECONDS)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
