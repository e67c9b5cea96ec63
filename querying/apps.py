"""The querying app."""

from django.apps import AppConfig


class QueryingConfig(AppConfig):
    """Django's view of this app."""

    name = "querying"
    verbose_name = "questions"

    def ready(self) -> None:
        """Have a deletion of documents delete the cached answers and searches with their text, too."""
        # Imported here, because both import models, which need all apps to be loaded.
        from documents.storage.deletion import also_forget
        from querying.caching.purge import forget_documents

        also_forget(forget_documents)
