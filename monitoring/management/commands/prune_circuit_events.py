"""`manage.py prune_circuit_events --older-than-days 30`"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.models import CircuitEvent


class Command(BaseCommand):
    """Deletes old changes of circuits and model servers."""

    help = "Delete changes of circuits and model servers that are older than so many days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the age."""
        parser.add_argument("--older-than-days", type=int, default=30, metavar="DAYS")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> str:
        """Delete, and return how many."""
        days = options["older_than_days"]
        if not 0 <= days <= 36_500:
            raise CommandError("--older-than-days must be between 0 and 36500.")
        deleted, _by_model = CircuitEvent.objects.older_than(days).delete()
        return json.dumps({"deleted": deleted}) if options["json"] else f"Deleted {deleted} events."
