"""Runs the peer: a database in the stage's Postgres with the stage's passages, and its server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote, urlencode

import psycopg
from django.conf import settings
from psycopg import conninfo

from monitoring.lab.benchmarks.peer.packages import PeerInterpreter, environment_of_others
from monitoring.lab.ollama_simulator.processes import StandInProcess
from monitoring.lab.testbed.serving import clean_environment
from monitoring.lab.testbed.stage import EMBED_MODEL, LLM_MODEL
from monitoring.lab.testbed.web_process import WebProcess, free_port

DATABASE = "rag_peer"
MODULE = "monitoring.lab.benchmarks.peer.rag_server"
ASK = "/ask"
# As the server beside it: the first three are its defaults, the last is what `streams` sets.
WORKERS, TOP_K, CONTEXT_TOKENS, CONNECTIONS = 2, 5, 8192, 512
FILL_SECONDS = 120.0


class PeerProcess(WebProcess):
    """A running peer, until the `with` block ends. Raises RuntimeError with what it said when it does not start."""

    name = "peer"
    ready_path = "/ready"

    def __init__(self, interpreter: PeerInterpreter, folder: Path, database_url: str, standin: StandInProcess) -> None:
        port = free_port()
        super().__init__(folder / f"peer-{port}.log", port)
        self._interpreter = interpreter
        self._ours = database_url
        self._environment = environment_for(database_url, standin.url)

    def command(self) -> Sequence[str]:
        """Return the command of the peer's server."""
        where = ["--host", "127.0.0.1", "--port", str(self.port)]
        served = ["--factory", f"{MODULE}:make_application", "--workers", str(WORKERS), "--log-level", "warning"]
        return [self._interpreter.path, "-m", "uvicorn", *served, *where]

    def environment(self) -> Mapping[str, str]:
        """Return what it is run with."""
        return self._environment

    def __enter__(self) -> Self:
        make_database(self._ours)
        self._fill(passages_of(self._ours))
        return super().__enter__()

    @property
    def pid(self) -> int:
        """Return the process above the workers."""
        return self.process.pid

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


def environment_for(database_url: str, model_server_url: str) -> dict[str, str]:
    """Return the peer's environment: the same models, passages per answer and context window, and no other settings."""
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
    """Recreate the peer's database, empty, on the server of `database_url`."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {DATABASE}")


def passages_of(database_url: str) -> list[str]:
    """Return the texts that our server answers from, in the same pieces."""
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT text FROM documents_chunk ORDER BY id").fetchall()
    return [str(text) for (text,) in rows]
