"""The querying app."""

from django.apps import AppConfig


class QueryingConfig(AppConfig):
    """Django's view of this app."""

    name = "querying"

    def ready(self) -> None:
        """Let cached answers go with the documents that they quote."""
        # Here, because both import models, which are not there before all apps are.
        from documents.forgetting import also_forget
        from querying.caching import forget_documents

        also_forget(forget_documents)
