#!/usr/bin/env python
"""Django's command line. With no DATABASE_URL it starts the embedded Postgres for the time of the command."""

import os
import sys

from ragsite import dotenv, embedded_postgres

# Commands that never touch the database start without one.
WITHOUT_DATABASE = {"help", "version", "--help", "--version", "ollama_standin", "collectstatic", "drill", "benchmark"}
# Commands that see to the schema themselves, or must see it as it is.
OWN_SCHEMA = {"migrate", "makemigrations", "showmigrations", "flush", "check", "shell", "dbshell", "serve"}
AS_OWNER = {"tune_postgres"}  # that changes settings of the server


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ragsite.settings")
    dotenv.load()
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    is_embedded = command not in WITHOUT_DATABASE and embedded_postgres.ensure_running(as_owner=command in AS_OWNER)
    if is_embedded and command not in OWN_SCHEMA:
        from ragsite.embedded_schema import complete_schema  # imports Django, which reads the DATABASE_URL just set

        complete_schema()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
