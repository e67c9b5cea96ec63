#!/usr/bin/env python
"""Django's command line. With no DATABASE_URL it starts the embedded Postgres for the time of the command."""

import os
import subprocess
import sys

from django.core.exceptions import ImproperlyConfigured

from ragsite.config import dotenv, metrics_files
from ragsite.postgres import embedded_server

# Commands that never touch the database start without one.
WITHOUT_DATABASE = {"help", "version", "--help", "--version", "ollama_standin", "collectstatic", "drill", "benchmark"}
# Commands that see to the schema themselves, or must see it as it is.
OWN_SCHEMA = {"migrate", "makemigrations", "showmigrations", "flush", "check", "shell", "dbshell", "serve", "prepare"}
AS_OWNER = {"tune_postgres"}  # that changes settings of the server


def main() -> None:
    """Run one management command. Settings that can't be end it with a sentence for each."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ragsite.settings")
    dotenv.load()
    metrics_files.allocate_before_use()
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        from ragsite import settings
    except ImproperlyConfigured as exc:
        sys.exit(str(exc))
    if command not in WITHOUT_DATABASE and start_embedded_postgres(as_owner=command in AS_OWNER):
        settings.use_database(os.environ["DATABASE_URL"])
        if command not in OWN_SCHEMA:
            from ragsite.postgres.embedded_schema import complete_schema  # imports Django's models

            complete_schema()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


def start_embedded_postgres(*, as_owner: bool) -> bool:
    """Return whether the embedded server is the one to use; it runs then."""
    try:
        return embedded_server.ensure_running(as_owner=as_owner)
    except OSError as exc:
        where = f"{embedded_server.data_directory()} ({exc.strerror})"
        sys.exit(
            f"VAR_DIR: the embedded Postgres can't keep its data in {where}; name a folder that can be written to, or "
            "set DATABASE_URL to a server of your own."
        )
    except (subprocess.SubprocessError, RuntimeError):
        folder = embedded_server.data_directory()
        sys.exit(f"The embedded Postgres in {folder} doesn't start; what it says is above, or in {folder / 'log'}.")


if __name__ == "__main__":
    main()
