"""The querying app."""

from django.apps import AppConfig


class QueryingConfig(AppConfig):
    """Django's view of this app."""

    name = "querying"
