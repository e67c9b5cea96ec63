"""`manage.py serve`: everything in one process tree."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from monitoring.health.start_checks import start_problems
from monitoring.management.commands.prepare import WAIT_SECONDS
from monitoring.serving import process_tree, supervisor
from monitoring.serving.first_start import NotPrepared, collect_static_files, prepare
from ragsite.config import folder_lock
from ragsite.config.setting_kinds import argument_type, listening_address, whole
from ragsite.paths import PROJECT
from ragsite.postgres import embedded_server


class Command(BaseCommand):
    """The web server and the ingestion workers; Ctrl-C stops all of it."""

    help = "Serve the API, the ask page and the admin, and index uploads, until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what differs from the environment."""
        one_to_many = argument_type(whole(1, 1000))
        parser.add_argument("--host", type=argument_type(listening_address()), default=settings.HOST)
        parser.add_argument("--port", type=argument_type(whole(1, 65_535)), default=settings.PORT)
        parser.add_argument("--workers", type=one_to_many, default=settings.WEB_WORKERS, help="web processes")
        parser.add_argument(
            "--threads",
            type=argument_type(whole(1, 100_000)),
            default=settings.WEB_THREADS,
            help="threads of each web process",
        )
        parser.add_argument("--ingest-workers", type=argument_type(whole(0, 1000)), default=settings.INGEST_WORKERS)
        parser.add_argument(
            "--prepare", action="store_true", help="first do what `prepare --demo` does: for trials on one machine"
        )

    def handle(self, **options: Any) -> None:
        """Become the process tree. Raises CommandError with all that it could only fail on."""
        settings.WEB_THREADS = options["threads"]  # what is checked is what is going to run
        try:
            lock = folder_lock.hold(Path(settings.VAR_DIR), port=options["port"])
        except folder_lock.FolderInUse as exc:
            raise CommandError(str(exc)) from None
        with lock:  # until the process tree ends, which inherits it
            self._become_process_tree(lock.fileno(), options)

    def _become_process_tree(self, lock: int, options: dict[str, Any]) -> None:
        if problem := supervisor.why_not_listening(options["host"], options["port"]):
            raise CommandError(problem)
        try:
            if options["prepare"]:
                prepare(self._tell, with_demo=True, wait_seconds=WAIT_SECONDS)
            else:
                collect_static_files()  # costs nothing when they are there
        except NotPrepared as exc:
            raise CommandError(str(exc)) from exc
        problems = start_problems(web_processes=options["workers"], ingestion_workers=options["ingest_workers"])
        if problems:
            raise CommandError("\n".join(problems))
        command = process_tree.command(
            **{name: options[name] for name in ("host", "port", "workers", "threads", "ingest_workers")},
            var_dir=Path(settings.VAR_DIR).absolute(),
            log_level=settings.LOG_LEVEL,
            log_format=settings.LOG_FORMAT,
            postgres=self._embedded_postgres(),
            folder_lock=lock,
            postgres_lock=embedded_server.lock_of(embedded_server.data_directory()),
        )
        os.chdir(PROJECT)
        # What the tree needs is a small part of what was loaded so far, and it would stay in memory all the time.
        os.execv(command[0], command)  # noqa: S606 - our own command

    def _embedded_postgres(self) -> Path | None:
        directory = embedded_server.data_directory()
        return directory if embedded_server.is_held(directory) else None

    def _tell(self, message: str) -> None:
        self.stdout.write(message)
        self.stdout.flush()
