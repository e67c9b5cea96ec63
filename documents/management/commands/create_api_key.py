"""`manage.py create_api_key`: creates an API key for a program."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from documents.models import ApiKey
from ragsite.config.setting_kinds import argument_type, whole


class Command(BaseCommand):
    """Prints a new key once; only its digest is stored."""

    help = "Create an API key that may do what its user may, within its scopes. It is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the user, the scopes and the expiry."""
        parser.add_argument("user", help="user name")
        parser.add_argument("--name", default="command line", help="what uses it")
        parser.add_argument(
            "--scope", action="append", choices=ApiKey.Scope.values, help="may be repeated (default: query)"
        )
        parser.add_argument(
            "--expires-days", type=argument_type(whole(1, 36_500)), help="days until it expires (default: never)"
        )

    def handle(self, **options: Any) -> str:
        """Create the key and return it, with its secret."""
        user = User.objects.filter(username=options["user"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['user']!r}.")
        days = options["expires_days"]
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        scopes = sorted(set(options["scope"] or [ApiKey.Scope.QUERY]))
        _key, secret = ApiKey.issue(user, options["name"][:100], scopes, expires_at)
        return secret
