"""The documents app."""

from django.apps import AppConfig


class DocumentsConfig(AppConfig):
    """Django's view of this app."""

    name = "documents"

    def ready(self) -> None:
        """Look at reader groups before they are stored."""
        from documents.access.reader_groups import keep_within_tenants  # needs the models

        keep_within_tenants()
