"""`manage.py serve`: everything in one process tree."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from monitoring import supervising
from monitoring.connection_budget import connection_budget
from monitoring.first_start import prepare
from ragsite import embedded_postgres, folder_lock


class Command(BaseCommand):
    """The web server and the ingestion workers; Ctrl-C stops all of it."""

    help = "Serve the API, the ask page and the admin, and index uploads, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what differs from the environment."""
        parser.add_argument("--host", default=settings.HOST)
        parser.add_argument("--port", type=int, default=settings.PORT)
        parser.add_argument("--workers", type=int, default=settings.WEB_WORKERS, help="web processes")
        parser.add_argument("--threads", type=int, default=settings.WEB_THREADS, help="threads of each web process")
        parser.add_argument("--ingest-workers", type=int, default=settings.INGEST_WORKERS)
        parser.add_argument("--prepare", action="store_true", help="first migrate, and index the demo corpus")

    def handle(self, **options: Any) -> None:
        """Run until told to stop; exit code 1 when a process could not start."""
        try:
            with folder_lock.hold(settings.VAR_DIR, port=options["port"]):
                code = self._serve(**options)
        except folder_lock.FolderInUse as error:
            raise CommandError(str(error)) from None
        sys.exit(code)

    def _serve(self, **options: Any) -> int:
        """Return the exit code when all has stopped."""
        host, port = options["host"], options["port"]
        if not supervising.port_is_free(host, port):
            raise CommandError(f"Port {port} of {host} is in use. Choose another one: PORT={port + 1} make run")
        if options["prepare"]:
            prepare(self._tell)
        self._count_connections(options["workers"], options["ingest_workers"])
        environment = supervising.children_environment(
            HOST=host, PORT=str(port), WEB_WORKERS=str(options["workers"]), WEB_THREADS=str(options["threads"])
        )
        children = [supervising.web_child(), *supervising.ingest_children(options["ingest_workers"])]
        postgres = embedded_postgres.data_directory()
        supervisor = supervising.Supervisor(
            children, environment, keep_running=lambda: embedded_postgres.keep_running(postgres)
        )
        return supervisor.run(lambda: self._announce(host, port))

    def _count_connections(self, workers: int, ingest_workers: int) -> None:
        with suppress(DatabaseError):  # the server starts without its database, and says so elsewhere
            budget = connection_budget(web_processes=workers, ingestion_workers=ingest_workers)
            if not budget.is_met:
                self.stderr.write(f"{budget.words()}: lower DATABASE_POOL_SIZE or raise max_connections.")
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined] # the children have their own

    def _announce(self, host: str, port: int) -> None:
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
        url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
        if supervising.wait_until_it_answers(f"{url}/health/live", seconds=30):
            self._tell(f"Ask at {url}/   API at {url}/api/v1/docs/   Admin at {url}/admin/   Ctrl-C stops.")

    def _tell(self, message: str) -> None:
        self.stdout.write(message)
        self.stdout.flush()
