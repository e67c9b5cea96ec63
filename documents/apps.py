"""Configures the documents app for Django."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    """Registers the checks of this app when Django has loaded the models."""

    name = "documents"

    def ready(self) -> None:
        """Have reader groups checked before they are stored: a group belongs to one tenant."""
        from documents.access.reader_groups import keep_within_tenants  # needs the models

        keep_within_tenants()
