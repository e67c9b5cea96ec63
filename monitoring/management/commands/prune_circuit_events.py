"""`manage.py prune_circuit_events --older-than-days 30`"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from monitoring.models import CircuitEvent
from ragsite.config.setting_kinds import argument_type, whole


class Command(BaseCommand):
    """Deletes old changes of circuits and model servers."""

    help = "Delete changes of circuits and model servers that are older than so many days."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the age of events to delete."""
        parser.add_argument("--older-than-days", type=argument_type(whole(0, 36_500)), default=30, metavar="DAYS")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> str:
        """Delete, and return how many."""
        days = options["older_than_days"]
        deleted, _by_model = CircuitEvent.objects.older_than(days).delete()
        return json.dumps({"deleted": deleted}) if options["json"] else f"Deleted {deleted} events."
