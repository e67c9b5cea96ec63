"""`manage.py benchmark SCENARIO`: how fast, on what, under which conditions, and whether that is fast enough."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from monitoring.lab.benchmarks import command_line
from monitoring.lab.benchmarks.reports.comparison import NotComparable
from ragsite.config.setting_kinds import argument_type, number


class Command(BaseCommand):
    """Runs on a server, a Postgres and a model server of its own; what is installed here is not touched."""

    help = "Measure, under load from another process. Exit code 1 when a scenario breaks down, or misses with --check."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to measure, how thoroughly, and where to write it."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = command_line.listing()
        parser.add_argument("what", metavar="SCENARIO", help="a scenario, `all`, `list`, or `compare A.json B.json`")
        parser.add_argument("files", nargs="*", metavar="FILE", help="for `compare`: the report before, and after")
        parser.add_argument("--quick", action="store_true", help="under a minute, and less sure")
        parser.add_argument("--rounds", type=command_line.positive, help="how often everything is measured")
        parser.add_argument("--size", type=command_line.positive, help="of what a scenario measures, e.g. chunks")
        parser.add_argument("--json", metavar="FILE", help="where the report goes; `-`: stdout. Default: in VAR_DIR")
        parser.add_argument("--plot", metavar="FILE.svg", help="draw the curves")
        parser.add_argument("--check", action="store_true", help="exit code 1 when a figure misses its target")
        parser.add_argument("--peer", metavar="PYTHON", help="for `streams`: measure a FastAPI server beside ours")
        parser.add_argument(
            "--tolerance",
            type=argument_type(number(0, 100)),
            default=0.1,
            help="for `compare`: 0.1 is 10 %% (the default)",
        )

    def handle(self, **options: Any) -> None:
        """Do it. Raises CommandError when the files or options can't be what is meant."""
        try:
            exit_code = command_line.carry_out(options, tell=self.stdout.write, warn=self.stderr.write)
        except OSError as error:
            raise CommandError(f"{error.filename or 'The machine'}: {error.strerror or error}.") from error
        except (NotComparable, command_line.WrongOption) as error:
            raise CommandError(str(error)) from error
        if exit_code:
            sys.exit(exit_code)
