"""`manage.py drill NAME...`: break things on purpose, and see whether the promises hold."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand

from monitoring.lab.drills.registry import FIGURES, NAMES, SCENARIOS, chosen, help_of
from monitoring.lab.drills.report import as_json, line_of, line_of_outcome
from monitoring.lab.drills.runner import run_drills


class Command(BaseCommand):
    """Runs on a server, a Postgres and a model server of its own; what is installed here is not touched."""

    help = "Scripted failures against a server of the drill's own, under load. Exit code 1 when a promise is broken."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the names of drills and the options."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = "\n".join(f"{name:<22} {help_of(name)}" for name in SCENARIOS)
        parser.add_argument("names", nargs="+", choices=NAMES, metavar="NAME", help="a drill, `all`, or `figures`")
        parser.add_argument("--full", action="store_true", help="as long as the promised figures need; minutes each")
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> None:
        """Run, and report as it goes."""
        tell = self.stderr if options["json"] else self.stdout
        full = options["full"] or FIGURES in options["names"]
        outcomes = []
        for outcome in run_drills(
            chosen(options["names"]), full=full, on_invariant=lambda name, found: tell.write(line_of(name, found))
        ):
            outcomes.append(outcome)
            tell.write(line_of_outcome(outcome))
            tell.flush()
        if options["json"]:
            self.stdout.write(as_json(outcomes))
        if not all(outcome.passed for outcome in outcomes):
            sys.exit(1)
