"""Id of the request that is being served, for logs and replies."""

from __future__ import annotations

import logging
from contextvars import ContextVar

NONE = "-"
current_request_id: ContextVar[str] = ContextVar("current_request_id", default=NONE)


def request_id_of_now() -> str:
    """Return the id of the request that is being served; empty outside of one."""
    request_id = current_request_id.get()
    return "" if request_id == NONE else request_id


class RequestIdFilter(logging.Filter):
    """Adds `request_id` to every log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return True: it only adds."""
        record.request_id = current_request_id.get()
        return True
