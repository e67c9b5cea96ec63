"""The monitoring app."""

from django.apps import AppConfig

from ragsite.ollama import on_new_client


class MonitoringConfig(AppConfig):
    """Django's view of this app."""

    name = "monitoring"

    def ready(self) -> None:
        """Register the system checks, and start the watcher with the first client of model servers."""
        # registering needs the app registry
        from monitoring.circuits.watcher import watch_circuits  # its models need the app registry
        from monitoring.health import computing_checks, fence_checks, start_checks, system_checks  # noqa: F401

        on_new_client(watch_circuits)
