"""Migrates the embedded database by itself, so that trying ragsite takes no knowledge of databases."""

from __future__ import annotations

import django
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from ragsite.postgres.one_at_a_time import preparation_lock


def complete_schema() -> None:
    """Apply the migrations that the embedded database has not seen; one process at a time does it."""
    django.setup()
    with preparation_lock():
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            call_command("migrate", verbosity=0)
