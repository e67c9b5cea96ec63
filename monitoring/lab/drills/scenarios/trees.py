"""Process tree of `serve`: the embedded Postgres is killed, and then the supervisor itself."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

import psutil

from monitoring.lab.testbed.client import Asking
from monitoring.lab.testbed.invariants import Invariant, at_least, at_most, holds, none_of, of_replies
from monitoring.lab.testbed.load import Clients
from monitoring.lab.testbed.observer import everything_returned, wait_for
from monitoring.lab.testbed.serving import ServerProcess
from monitoring.lab.testbed.stage import Stage

BACK_SECONDS = 15.0
GONE_SECONDS = 30.0
QUERY, SEARCH = Asking(), Asking(path="/api/v1/search")


class ServedTree(ServerProcess):
    """`manage.py serve`, with the stage's Postgres as its embedded one."""

    name = "process tree"

    def command(self) -> Sequence[str]:
        """Return the command of `serve`."""
        return [sys.executable, "manage.py", "serve"]

    def environment(self) -> Mapping[str, str]:
        """Return what it is run with: no DATABASE_URL, so that it finds the server in VAR_DIR."""
        return {name: value for name, value in super().environment().items() if name != "DATABASE_URL"}


def embedded_postgres_killed(stage: Stage, *, full: bool) -> Iterator[Invariant]:
    """Kill -9 the embedded Postgres under load, twice; then kill -9 the supervisor, and start again."""
    with stage.standin() as standin:
        environment = {**stage.environment, "OLLAMA_BASE_URL": standin.url}
        with ServedTree(stage.folder, environment) as server, Clients(server.url) as clients:
            wait_for(lambda: clients.ask(SEARCH).is_good, 20)
            for _ in range(5 if full else 2):
                yield from _kill_postgres(stage, server, clients)
            yield from everything_returned(server, standin)
            yield from _kill_supervisor(server)
        with ServedTree(stage.folder, environment) as server, Clients(server.url) as clients:
            good = wait_for(lambda: clients.ask(QUERY).is_good, 20)
            yield at_most("an answer after the next start", good, 20, "s")


def _kill_postgres(stage: Stage, server: ServerProcess, clients: Clients) -> Iterator[Invariant]:
    run = clients.steady(8, QUERY, SEARCH)
    time.sleep(1)
    before = _postmaster(stage)
    os.kill(before, signal.SIGKILL)
    killed_at = time.monotonic()
    back = wait_for(lambda: clients.ask(SEARCH).is_good, 60)
    yield at_most("a search after kill -9 of Postgres", back, BACK_SECONDS, "s")
    time.sleep(3)
    replies = run.finish()
    yield from of_replies(replies)
    yield holds("another Postgres", _postmaster(stage) != before)
    after = [reply for reply in replies if reply.at > killed_at + (back or 0) + 2]
    yield at_least("requests after it is back", len(after), 1)
    yield none_of("... that failed", [f"{reply.status} {reply.code}" for reply in after if not reply.is_good])
    yield holds("ready", server.get("/health/ready")[0] == 200)


def _kill_supervisor(server: ServerProcess) -> Iterator[Invariant]:
    children = psutil.Process(server.process.pid).children(recursive=True)
    server.process.kill()
    server.process.wait()
    gone = wait_for(lambda: not any(_runs(child) for child in children), GONE_SECONDS)
    yield at_most("all children are gone after kill -9 of the supervisor", gone, GONE_SECONDS, "s")
    yield none_of("processes without an owner", [" ".join(_command(each)) for each in children if _runs(each)])


def _runs(process: psutil.Process) -> bool:
    try:
        # The watcher of Postgres belongs to all who use it, and the stage still does.
        return process.status() != psutil.STATUS_ZOMBIE and "postgres_watcher.py" not in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline()[:6])
    except psutil.NoSuchProcess:
        return []


def _postmaster(stage: Stage) -> int:
    return int((stage.postgres_directory / "postmaster.pid").read_text().split()[0])
