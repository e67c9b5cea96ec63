"""gunicorn's configuration: threaded workers, code that they share, connections that they don't, graceful stops.

Read by `gunicorn -c`. Address, workers and threads come from the environment, through settings.py.
"""

from __future__ import annotations

import gc
import math
import os
import resource
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from ragsite.config import dotenv

dotenv.load()
os.environ.setdefault("RAGSITE_ROLE", "web")

try:
    # They read the environment completed above.
    from monitoring.serving import web_worker
    from ragsite import settings, shutdown
    from ragsite.config import metrics_files
    from ragsite.web.worker import buffering_worker
except ImproperlyConfigured as exc:
    sys.exit(str(exc))

# Before any metric is made: the client of Prometheus reads the environment once, at import.
metrics_files.share(settings.VAR_DIR)

bind = f"[{settings.HOST}]:{settings.PORT}" if ":" in settings.HOST else f"{settings.HOST}:{settings.PORT}"
workers = settings.WEB_WORKERS
threads = settings.WEB_THREADS
worker_class = "monitoring.serving.web_worker.EvenThreadWorker"
worker_connections = max(1000, 4 * settings.WEB_THREADS)  # above threads, or none is kept alive
# The workers share the memory of the code: 65 MB less with two of them, and one that died is replaced at once. What
# must not come with the fork, `pre_fork` looks for: a pool that two workers share mixes up their answers.
preload_app = True
max_requests = 0  # a worker that restarts itself accepts nothing until its last stream has ended
timeout = 60  # of the worker's main loop; requests have a deadline of their own
graceful_timeout = min(90, int(settings.DEADLINE_MAX_SECONDS) + 5)  # `serve` waits 100 s for all of it
keepalive = 5
control_socket_disable = True  # it would be made in the home directory, which may be read-only
accesslog = None
errorlog = "-"
# Behind a proxy all connections are the proxy's, which has to limit its own clients.
buffering_worker.connections_per_address = (
    0 if settings.REST_FRAMEWORK["NUM_PROXIES"] else math.ceil(settings.WEB_CONNECTIONS_PER_ADDRESS / max(1, workers))
)
FILES_BESIDES = 500  # that a worker may have open, besides a connection with each client
# Its lines look like all others. Its own handlers are replaced; without a default for them it would add some.
logconfig_dict = {**settings.LOGGING, "loggers": {**settings.LOGGING["loggers"], "gunicorn.access": {}}}


_of_the_parent: list[Any] = []  # kept referenced: garbage collection would close the parent's sockets


def on_starting(server: Any) -> None:
    """Refuse to start where that could only fail, allow as many open files as there may be connections, and load what
    all workers need; `serve` has checked before.
    """
    _allow_files()
    if not settings.START_CHECKED:
        _look_what_is_missing(server)
    _read_english_words()
    gc.collect()
    gc.freeze()  # what is loaded by now, the code too, would be copied for each worker that looks through it


def _look_what_is_missing(server: Any) -> None:
    environment = {
        "DJANGO_SETTINGS_MODULE": "ragsite.settings",
        **os.environ,
        "WEB_WORKERS": str(server.cfg.workers),
        "WEB_THREADS": str(server.cfg.threads),
    }
    gate = [sys.executable, "-m", "monitoring.serving.start_gate"]
    if subprocess.run(gate, cwd=settings.BASE_DIR, env=environment, check=False).returncode:  # noqa: S603 - ours
        sys.exit(1)


def _allow_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = worker_connections + FILES_BESIDES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def pre_fork(server: Any, worker: Any) -> None:
    """Refuse to start when a connection pool is open, or a thread runs: all workers would share the pool's sockets,
    and a lock that the thread holds in this moment would stay locked in them.
    """
    if _pools():
        raise RuntimeError(
            "A database connection pool was opened before the workers were forked; two workers on one socket read each "
            "other's rows. Something queries the database while it is imported."
        )
    if threading.active_count() > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise RuntimeError(f"Threads were started before the workers were forked: {names}. Start them at first use.")
    web_worker.assign_slot(server, worker)


def post_fork(server: Any, worker: Any) -> None:
    """Forget connections that came with the fork, should there be any after all: the sockets are the parent's."""
    _of_the_parent.append(dict(_pools()))
    _pools().clear()
    django_db = sys.modules.get("django.db")
    for connection in django_db.connections.all(initialized_only=True) if django_db else ():
        _of_the_parent.append(connection.connection)
        connection.connection = None


def post_worker_init(worker: Any) -> None:
    """Let streams know at once when the worker is told to stop: gunicorn itself only waits for them to end."""
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: FrameType | None) -> None:
        shutdown.begin()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, stop)
    signal.siginterrupt(signal.SIGTERM, False)  # as gunicorn has it: system calls of open requests go on
    _meet_model_servers()
    _open_database_pool()
    _read_word_lists()
    # What is there now stays for good: it needs no looking through. What comes and goes with a question has no cycles
    # worth the usual number of looks.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _meet_model_servers() -> None:
    """Make the client before the first request, so that a worker which starts knows what an operator has ordered."""
    from ragsite import ollama  # not in the parent, which has no use for it
    from ragsite.errors import OllamaMisconfigured

    if ollama.configured():
        with suppress(OllamaMisconfigured):  # /health says it, and the start's checks did
            ollama.get_client()


def _open_database_pool() -> None:
    """Open the pool before the first request, and say in the log whether the connections suffice."""
    from monitoring.performance.pool_report import report_pool_soon  # not in the parent, which must not open a pool

    report_pool_soon()


def _read_english_words() -> None:
    """Read the words that every worker needs, which takes 20 MB for a moment."""
    from documents.keywords.dictionary import ALSO, load_words  # no database is asked

    load_words(ALSO)


def _read_word_lists() -> None:
    """Read what misspelled words are told by, before the first of them is asked."""
    from documents.keywords.word_lists import read_word_lists_soon  # not in the parent, which must not open a pool

    read_word_lists_soon()


def worker_int(worker: Any) -> None:
    """Let streams end on SIGINT and SIGQUIT too."""
    shutdown.begin()


def child_exit(server: Any, worker: Any) -> None:
    """Take the gauges of a worker that is gone out of the metrics, and its connections out of what the others see."""
    web_worker.release_slot(worker)
    if os.environ.get(metrics_files.VARIABLE):
        from prometheus_client import multiprocess  # decides by the environment how to count, so not at the start

        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _pools() -> dict[str, Any]:
    """Return the connection pools of this process; Django is not imported for the question."""
    module = sys.modules.get("django.db.backends.postgresql.base")
    pools: dict[str, Any] = module.DatabaseWrapper._connection_pools if module else {}
    return pools
