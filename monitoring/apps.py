"""The monitoring app."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Django's view of this app."""

    name = "monitoring"

    def ready(self) -> None:
        """Register the system checks."""
        from monitoring import checks  # noqa: F401 - registering needs the app registry
