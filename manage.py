#!/usr/bin/env python
"""Django's command line. With no DATABASE_URL it starts the embedded Postgres for the time of the command."""

import os
import sys

from ragsite import dotenv, embedded_postgres

# Commands that never touch the database start without one.
WITHOUT_DATABASE = {"help", "version", "--help", "--version", "ollama_standin", "collectstatic", "drill"}


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ragsite.settings")
    dotenv.load()
    if len(sys.argv) > 1 and sys.argv[1] not in WITHOUT_DATABASE:
        embedded_postgres.ensure_running()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
