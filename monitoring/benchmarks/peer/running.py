"""Runs the peer: a database of its own in the stage's Postgres with the stage's passages, and its server before it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.error import URLError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

import psutil
import psycopg
from django.conf import settings
from psycopg import conninfo

from monitoring.benchmarks.peer.packages import PeerInterpreter, environment_of_others
from monitoring.benchmarks.standin.processes import StandInProcess
from monitoring.drills.serving import clean_environment, free_port
from monitoring.drills.stage import EMBED_MODEL, LLM_MODEL

DATABASE = "rag_peer"
MODULE = "monitoring.benchmarks.peer.rag_server"
ASK = "/ask"
# As the server beside it: the first three are its defaults, the last is what `streams` sets.
WORKERS, TOP_K, CONTEXT_TOKENS, CONNECTIONS = 2, 5, 8192, 512
START_SECONDS = 60.0
STOP_SECONDS = 10.0
FILL_SECONDS = 120.0


class PeerProcess:
    """A running peer, until the `with` block ends. Raises RuntimeError with what it said when it does not start."""

    def __init__(self, interpreter: PeerInterpreter, folder: Path, database_url: str, standin: StandInProcess) -> None:
        self._interpreter = interpreter
        self._ours = database_url
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"peer-{self.port}.log"
        self._environment = environment_for(database_url, standin.url)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        make_database(self._ours)
        self._fill(passages_of(self._ours))
        arguments = ["--factory", f"{MODULE}:make_application", "--workers", str(WORKERS), "--log-level", "warning"]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the operator names the interpreter
                [self._interpreter.path, "-m", "uvicorn", *arguments, "--host", "127.0.0.1", "--port", str(self.port)],
                cwd=settings.BASE_DIR,
                env=self._environment,
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
    def pid(self) -> int:
        """Return the process above the workers."""
        assert self._process is not None
        return self._process.pid

    def last_words(self) -> str:
        """Return the end of what it wrote."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-800:]

    def _fill(self, texts: list[str]) -> None:
        done = subprocess.run(  # noqa: S603 - as above
            [self._interpreter.path, "-m", MODULE],
            cwd=settings.BASE_DIR,
            env=self._environment,
            input=json.dumps(texts),
            capture_output=True,
            text=True,
            timeout=FILL_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"the peer could not store its passages:\n{done.stderr[-800:]}")

    def _wait_until_it_answers(self) -> None:
        assert self._process is not None
        give_up_at = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up_at and self._process.poll() is None:
            try:
                with urlopen(f"{self.url}/ready", timeout=2):  # noqa: S310 - our own address
                    return
            except (URLError, OSError):
                time.sleep(0.1)
        raise RuntimeError(f"the peer did not start:\n{self.last_words()}")

    def _stop(self) -> None:
        process = self._process
        assert process is not None
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


def environment_for(database_url: str, model_server_url: str) -> dict[str, str]:
    """Return the peer's environment: nothing of ours but the same models, passages per answer and context window."""
    return {
        **environment_of_others(clean_environment()),
        "PEER_DATABASE_URL": sqlalchemy_url(database_url),
        "PEER_OLLAMA_URL": model_server_url,
        "PEER_LLM_MODEL": LLM_MODEL,
        "PEER_EMBED_MODEL": EMBED_MODEL,
        "PEER_TOP_K": str(TOP_K),
        "PEER_NUM_CTX": str(CONTEXT_TOKENS),
        "PEER_CONNECTIONS": str(CONNECTIONS),
    }


def sqlalchemy_url(database_url: str) -> str:
    """Return the address of the peer's database on the server of `database_url`, as SQLAlchemy writes it."""
    parts: Mapping[str, object] = conninfo.conninfo_to_dict(database_url)
    user, password = (quote(str(parts.get(name) or ""), safe="") for name in ("user", "password"))
    account = f"{user}:{password}" if password else user
    # The host may be the folder of a socket, which only fits into the query.
    where = urlencode({name: str(parts[name]) for name in ("host", "port") if parts.get(name)})
    return f"postgresql+asyncpg://{account}@/{DATABASE}{f'?{where}' if where else ''}"


def make_database(database_url: str) -> None:
    """Make the peer's database anew, empty, on the server of `database_url`."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")


def passages_of(database_url: str) -> list[str]:
    """Return the texts that our server answers from, in the same pieces."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT text FROM documents_chunk ORDER BY id").fetchall()
    return [str(text) for (text,) in rows]
