"""`manage.py tune_postgres [--apply | --restore]`: Postgres' settings for this machine."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from monitoring.tuning.report import apply_tuning, propose, restore_tuning
from monitoring.tuning.server_settings import TuningRefused
from ragsite.config.setting_kinds import argument_type, whole


class Command(BaseCommand):
    """Shows what to change and why; changes nothing unless told to."""

    help = "Recommend Postgres settings for this machine; --apply sets them, --restore puts the former ones back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to do, and what another machine has."""
        doing = parser.add_mutually_exclusive_group()
        doing.add_argument("--apply", action="store_true", help="set them by ALTER SYSTEM, after a backup")
        doing.add_argument("--restore", action="store_true", help="put back what the last --apply has replaced")
        parser.add_argument("--memory", default="", help="of the database server, e.g. 16GB; default: this machine's")
        parser.add_argument(
            "--cores",
            type=argument_type(whole(0, 10_000)),
            default=0,
            help="of the database server; default: this machine's",
        )
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> str:
        """Return the report of the settings."""
        try:
            if options["restore"]:
                tuning = restore_tuning()
            else:
                tuning = propose(memory=options["memory"], cores=options["cores"])
                tuning = apply_tuning(tuning) if options["apply"] else tuning
        except TuningRefused as exc:
            raise CommandError(str(exc)) from exc
        except DatabaseError as exc:
            raise CommandError(f"Postgres refused: {exc}") from exc
        return json.dumps(tuning.as_dict(), indent=2) if options["json"] else tuning.as_text()
