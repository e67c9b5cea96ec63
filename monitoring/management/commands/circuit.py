"""`manage.py circuit status | open HOST OPERATION | close HOST OPERATION`"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.circuits import operator_orders
from monitoring.circuits.status import as_text, circuit_status
from ragsite.errors import RagError
from ragsite.ollama.values import OPERATIONS


class Command(BaseCommand):
    """Tells how the circuits are, and gives orders about them to every process."""

    help = "The circuits of the model servers: how they are, and to open or close them in every process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the action, the host and the operation."""
        doing = parser.add_subparsers(dest="do", required=True)
        status = doing.add_parser("status", help="does each host answer, what happened last, what was ordered")
        status.add_argument("--json", action="store_true", help="print the report as JSON")
        for name, what in {"open": "send no such calls until it is closed", "close": "send them again"}.items():
            order = doing.add_parser(name, help=what)
            order.add_argument("host", help="its base URL, as in OLLAMA_BASE_URL")
            order.add_argument("operation", choices=OPERATIONS)
            order.add_argument("--reason", default="", help="kept with the order")

    def handle(self, **options: Any) -> str:
        """Do it, and return what was done."""
        try:
            if options["do"] == "status":
                found = circuit_status()
                return json.dumps(found, indent=2) if options["json"] else as_text(found)
            order = operator_orders.open_now if options["do"] == "open" else operator_orders.close_now
            switch = order(
                options["host"],
                options["operation"],
                by=operator_orders.operator_here(),
                reason=options["reason"][:200],
            )
        except RagError as exc:
            raise CommandError(exc.message) from exc
        return f"Ordered: {switch.get_wish_display()} {switch}. Every process follows within seconds."
