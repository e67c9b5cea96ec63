"""Environment of a drill: its own Postgres with a small corpus, and further services on request.

Nothing of the machine's real installation is touched, and all is gone when the `with` block ends.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from django.conf import settings

from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.client import Asking
from monitoring.lab.testbed.corpus import CORPUS, DOCUMENTS, write_documents
from monitoring.lab.testbed.load import Clients
from monitoring.lab.testbed.redis_server import RedisProcess
from monitoring.lab.testbed.serving import ServerProcess, clean_environment
from ragsite.postgres import embedded_server

LLM_MODEL, EMBED_MODEL = "llama3.2:1b", "nomic-embed-text"
MODELS = (LLM_MODEL, EMBED_MODEL)
RECOVERY_SECONDS = 30.0  # the default of RECOVERY_TIMEOUT, which no drill changes
PREPARE_SECONDS = 300  # of a machine that is busy with other things

# The drilled server differs from the default in these; docs/operations.md says so.
SERVER_SETTINGS = {
    "WEB_WORKERS": "2",
    "LLM_MODEL": LLM_MODEL,
    "EMBED_MODEL": EMBED_MODEL,
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT_QUERY": "0",  # all the load comes from one address
    "SECRET_KEY": "only-for-drills-and-gone-with-them-0123456789",
}


class Skipped(Exception):
    """This drill can't be run on this machine; the message says why."""


class Stage:
    """Holds Postgres and the corpus; gives out stand-ins, Redis, servers and clients.

    Benchmarks bring documents and server settings of their own.
    """

    def __init__(
        self,
        *,
        documents: Mapping[str, str] = DOCUMENTS,
        server_settings: Mapping[str, str] = SERVER_SETTINGS,
        parent: Path | None = None,
        as_owner: bool = False,
    ) -> None:
        self._parent = parent  # of the folder; None: where temporary files are
        self._as_owner = as_owner  # of Postgres, with rights that ragsite itself has not
        self._documents = documents
        self._server_settings = server_settings
        self._stack = ExitStack()
        self.folder = Path()
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._stack.enter_context(_terminable())
            self.folder = Path(tempfile.mkdtemp(prefix="ragsite-drill-", dir=self._parent))
            self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            directory = self.postgres_directory
            self._stack.callback(embedded_server.stop, directory)
            self.environment = {
                **clean_environment(),
                **self._server_settings,
                "VAR_DIR": str(self.folder),
                "ENV_FILE": str(self.folder / "none"),
                "DATABASE_URL": embedded_server.start(directory, as_owner=self._as_owner),
            }
            self._fill()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def postgres_directory(self) -> Path:
        """Return where the data of the stage's Postgres are."""
        return self.folder / "postgres"

    def restart_postgres(self, *, immediately: bool = False) -> None:
        """Stop Postgres under its clients' feet, and start it again."""
        embedded_server.restart(self.postgres_directory, immediately=immediately)

    def standin(self, **knobs: Any) -> StandInProcess:
        """Return a model server, to be used as a context manager."""
        return StandInProcess(MODELS, **{"num_parallel": 64, **knobs})

    @contextmanager
    def redis(self) -> Iterator[RedisProcess]:
        """Run a Redis. Raises Skipped where there is none."""
        if reason := RedisProcess.why_not():
            raise Skipped(reason)
        with RedisProcess(self.folder) as server:
            yield server

    @contextmanager
    def serving(self, *standins: StandInProcess, **changes: object) -> Iterator[tuple[ServerProcess, Clients]]:
        """Run a server that has these model servers, with some settings changed, and clients to ask it."""
        environment = {
            **self.environment,
            "OLLAMA_BASE_URL": ",".join(standin.url for standin in standins),
            **{name: str(value) for name, value in changes.items()},
        }
        with ServerProcess(self.folder, environment) as server, Clients(server.url) as clients:
            # Each worker loads what it loads at its first question, before anything is measured.
            clients.busy(8, Asking(path="/api/v1/search", deadline_seconds=30), count=24).wait()
            yield server, clients

    def manage(self, *arguments: str, within_seconds: float = PREPARE_SECONDS, **changes: str) -> str:
        """Run a management command on the stage's database, and return what it printed.

        Raises RuntimeError with what it said when it fails.
        """
        done = subprocess.run(  # noqa: S603 - our own commands
            [sys.executable, "manage.py", *arguments],
            cwd=settings.BASE_DIR,
            env={**self.environment, **changes},
            capture_output=True,
            text=True,
            timeout=within_seconds,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
        return done.stdout

    def _fill(self) -> None:
        """Make the tables, and index the corpus as a user's files are, with vectors of the model server's."""
        self.manage("prepare")
        documents = write_documents(self.folder, self._documents)
        with self.standin() as standin:
            self.manage("ingest", CORPUS, str(documents), "--create", "--public", OLLAMA_BASE_URL=standin.url)


@contextmanager
def _terminable() -> Iterator[None]:
    """Make SIGTERM end the block as Ctrl-C does, so that nothing is left running."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
