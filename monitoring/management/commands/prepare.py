"""`manage.py prepare`: what a database and a machine need before the first start, and after an upgrade."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.serving.first_start import NotPrepared, prepare
from ragsite.config.setting_kinds import argument_type, number

WAIT_SECONDS = 60.0


class Command(BaseCommand):
    """Does what is missing and nothing else, so that every deployment may run it, on each of its hosts."""

    help = (
        "Create or update the tables, the static files of the pages and the first administrator (ADMIN_USERNAME, "
        "ADMIN_PASSWORD). Safe to repeat, and on several hosts at the same time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--demo", action="store_true", help="also index ragsite's own documentation, for trials")
        parser.add_argument(
            "--wait-seconds",
            type=argument_type(number(0, 86_400)),
            default=WAIT_SECONDS,
            help="for a Postgres that isn't up yet (default: 60)",
        )

    def handle(self, **options: Any) -> str:
        """Prepare, and return a sentence that says so."""
        try:
            prepare(self._tell, with_demo=options["demo"], wait_seconds=options["wait_seconds"])
        except NotPrepared as exc:
            raise CommandError(str(exc)) from exc
        return "Prepared. Start it with `manage.py serve`."

    def _tell(self, message: str) -> None:
        self.stdout.write(message)
        self.stdout.flush()
