"""The monitoring app."""

from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    """Django's view of this app."""

    name = "monitoring"
