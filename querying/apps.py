"""The querying app."""

from django.apps import AppConfig


class QueryingConfig(AppConfig):
    """Django's view of this app."""

    name = "querying"
    verbose_name = "questions"

    def ready(self) -> None:
        """Let cached answers and searches go with the documents that they have text of."""
        # Here, because both import models, which are not there before all apps are.
        from documents.storage.deletion import also_forget
        from querying.caching.purge import forget_documents

        also_forget(forget_documents)
