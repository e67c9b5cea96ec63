"""The documents app."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    """Django's view of this app."""

    name = "documents"
