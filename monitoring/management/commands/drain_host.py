"""`manage.py drain_host HOST [--undo]`"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.circuits import operator_orders
from ragsite.errors import RagError


class Command(BaseCommand):
    """Takes a model server out of use, or back into it."""

    help = "Send no new calls to a model server, in every process; those that run go on. --undo uses it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the host and `--undo`."""
        parser.add_argument("host", help="its base URL, as in OLLAMA_BASE_URL")
        parser.add_argument("--undo", action="store_true", help="use it again")
        parser.add_argument("--reason", default="", help="kept with the order")

    def handle(self, **options: Any) -> str:
        """Store the order, and return it in a sentence."""
        order = operator_orders.undrain if options["undo"] else operator_orders.drain
        try:
            switch = order(options["host"], by=operator_orders.operator_here(), reason=options["reason"][:200])
        except RagError as exc:
            raise CommandError(exc.message) from exc
        return f"Ordered: {switch.get_wish_display()} {switch}. Every process follows within seconds."
