"""What `manage.py serve` becomes once all is ready: a small process that holds the tree and imports no Django.

`python -m monitoring.process_tree` with the arguments that `command` gives it.
"""

from __future__ import annotations

import logging.config
import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from monitoring import supervising
from ragsite import embedded_postgres
from ragsite.log_lines import logging_to_stderr


def command(
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    ingest_workers: int,
    log_level: str,
    log_format: str,
    folder_lock: int,
    postgres: Path | None,
) -> list[str]:
    """Return the command that this process becomes by `exec`.

    `folder_lock` is the descriptor of the lock on VAR_DIR, `postgres` the data folder of the embedded server that this
    process uses; the tree then holds both.
    """
    inherited = {"folder-lock": folder_lock}
    if postgres is not None:
        inherited["postgres-users"] = embedded_postgres.users_lock(postgres)
    for descriptor in inherited.values():
        os.set_inheritable(descriptor, True)
    values = {
        "host": host,
        "port": port,
        "workers": workers,
        "threads": threads,
        "ingest-workers": ingest_workers,
        "log-level": log_level,
        "log-format": log_format,
        **({} if postgres is None else {"postgres": postgres}),
        **inherited,
    }
    return [sys.executable, "-m", "monitoring.process_tree", *(f"--{name}={value}" for name, value in values.items())]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tree until it is told to stop; return the exit code."""
    parser = ArgumentParser()
    for name in ("host", "log-level", "log-format"):
        parser.add_argument(f"--{name}")
    for name in ("port", "workers", "threads", "ingest-workers", "folder-lock", "postgres-users"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--postgres", type=Path)
    given = parser.parse_args(arguments)
    logging.config.dictConfig(logging_to_stderr(given.log_level, given.log_format))
    if given.postgres is not None:
        embedded_postgres.start(given.postgres)  # it runs: this program joins it
        os.close(given.postgres_users)
    os.set_inheritable(given.folder_lock, False)  # it stays open, and locked, as long as this process
    environment = supervising.children_environment(
        HOST=given.host,
        PORT=str(given.port),
        WEB_WORKERS=str(given.workers),
        WEB_THREADS=str(given.threads),
    )
    children = [supervising.web_child(), *supervising.ingest_children(given.ingest_workers)]
    supervisor = supervising.Supervisor(children, environment, keep_running=lambda: _keep_postgres(given.postgres))
    return supervisor.run(lambda: _announce(given.host, given.port))


def _keep_postgres(directory: Path | None) -> bool:
    """Start the embedded server again, if it has died; return whether it had."""
    return directory is not None and embedded_postgres.keep_running(directory)


def _announce(host: str, port: int) -> None:
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    if supervising.wait_until_it_answers(shown, port, "/health/live", seconds=30):
        print(  # noqa: T201 - for the operator's terminal
            f"Ask at {url}/   API at {url}/api/v1/docs/   Admin at {url}/admin/   Ctrl-C stops.", flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
