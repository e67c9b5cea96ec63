"""`manage.py ollama_standin`: an Ollama server for trying, testing and measuring without a model."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from monitoring.lab.ollama_simulator.command_line import add_arguments, serve


class Command(BaseCommand):
    """Runs the stand-in for Ollama in the foreground."""

    help = "Run a server that behaves as Ollama does, with the delays and faults you choose. Needs no database."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the stand-in's options."""
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> str | None:
        """Serve until Ctrl-C or SIGTERM."""
        try:
            summary = serve(options, lambda text: (self.stdout.write(text), self.stdout.flush()))
        except OSError as error:
            raise CommandError(f"Port {options['port']} can't be listened on: {error.strerror or error}.") from error
        except ValueError as error:
            raise CommandError(str(error)) from error
        return None if options["json"] else summary
