"""`manage.py work`: runs an indexing worker."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from documents.worker import work, yield_to_requests
from ragsite.config.setting_kinds import argument_type, whole


class Command(BaseCommand):
    """Runs a worker that indexes uploaded documents. Any number may run, on several machines."""

    help = "Index uploaded documents as they come, until SIGTERM or Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the number of parallel documents, and when to stop."""
        parser.add_argument(
            "--concurrency", type=argument_type(whole(1, 100)), default=1, help="documents at a time (default: 1)"
        )
        parser.add_argument("--until-idle", action="store_true", help="stop when no document is waiting")

    def handle(self, **options: Any) -> None:
        """Run the worker at low CPU priority until it is stopped."""
        yield_to_requests()
        work(concurrency=options["concurrency"], until_idle=options["until_idle"])
