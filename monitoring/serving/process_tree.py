"""Small process that `manage.py serve` becomes when all is ready: runs the process tree, and imports no Django.

`python -m monitoring.serving.process_tree` with the arguments that `command` gives it.
"""

from __future__ import annotations

import logging.config
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from monitoring.serving import supervisor as serving_supervisor
from ragsite.config.logging import logging_to_stderr
from ragsite.postgres import embedded_server


def command(
    *,
    host: str,
    port: int,
    workers: int,
    threads: int,
    ingest_workers: int,
    var_dir: Path,
    log_level: str,
    log_format: str,
    postgres: Path | None,
    folder_lock: int,
    postgres_lock: int | None,
) -> list[str]:
    """Return the command of a tree; `postgres`: the data folder of the embedded server, which the tree then holds.

    The locks are open files of the process that becomes the tree, which keeps them: with a moment between, another
    server could take the folder, and the embedded Postgres would stop for want of users.
    """
    for number in (folder_lock, postgres_lock):
        if number is not None:
            os.set_inheritable(number, True)
    values = {
        "host": host,
        "port": port,
        "workers": workers,
        "threads": threads,
        "ingest-workers": ingest_workers,
        "var-dir": var_dir,
        "log-level": log_level,
        "log-format": log_format,
        "folder-lock": folder_lock,
        **({} if postgres_lock is None else {"postgres-lock": postgres_lock}),
        **({} if postgres is None else {"postgres": postgres}),
    }
    return [
        sys.executable,
        "-m",
        "monitoring.serving.process_tree",
        *(f"--{name}={value}" for name, value in values.items()),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tree until it is told to stop; return the exit code."""
    parser = ArgumentParser()
    for name in ("host", "log-level", "log-format"):
        parser.add_argument(f"--{name}")
    for name in ("port", "workers", "threads", "ingest-workers", "folder-lock", "postgres-lock"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("var-dir", "postgres"):
        parser.add_argument(f"--{name}", type=Path)
    given = parser.parse_args(arguments)
    logging.config.dictConfig(logging_to_stderr(given.log_level, given.log_format))
    if given.folder_lock is not None:
        os.set_inheritable(given.folder_lock, False)  # kept by this process alone, until it ends
    keep_running: Callable[[], object] = bool
    if given.postgres is not None:
        embedded_server.start(given.postgres)  # it runs: this process joins those that use it
        keep_running = partial(embedded_server.keep_running, given.postgres)
    if given.postgres_lock is not None:
        os.close(given.postgres_lock)  # it has one of its own now
    environment = serving_supervisor.children_environment(
        given.var_dir,
        HOST=given.host,
        PORT=str(given.port),
        WEB_WORKERS=str(given.workers),
        WEB_THREADS=str(given.threads),
    )
    children = [serving_supervisor.web_child(), *serving_supervisor.ingest_children(given.ingest_workers)]
    supervisor = serving_supervisor.Supervisor(children, environment, keep_running)
    return supervisor.run(lambda: _announce(given.host, given.port))


def _announce(host: str, port: int) -> None:
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    if serving_supervisor.wait_until_it_answers(shown, port, "/health/live", seconds=30):
        print(  # noqa: T201 - for the operator's terminal
            f"Ask at {url}/   API at {url}/api/v1/docs/   Admin at {url}/admin/   Ctrl-C stops.", flush=True
        )


if __name__ == "__main__":
    sys.exit(main())
