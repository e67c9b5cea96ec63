"""Lets Django read bodies that come in chunks, without a Content-Length.

Django reads as many bytes as Content-Length says, and nothing where there is none. A server that ends the input by
itself (`wsgi.input_terminated`: gunicorn does) needs no such number; so one is given that no accepted body exceeds. One
byte more than that is refused by the code that reads the body.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings

FORM_BYTES = 4 * 1024 * 1024  # of a request that are not its files
WsgiApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]


def with_chunked_bodies(application: WsgiApplication) -> WsgiApplication:
    """Return the application, which gets a Content-Length with every body that has an end of its own."""

    def serve(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and environ.get("wsgi.input_terminated"):
            environ["CONTENT_LENGTH"] = str(most_bytes(environ.get("CONTENT_TYPE", "")))
        return application(environ, start_response)

    return serve


def most_bytes(content_type: str) -> int:
    """Return how many bytes of a body of this type are read at most; all of them are only read of one to refuse."""
    if content_type.lower().startswith("multipart/"):
        return int(settings.UPLOAD_MAX_BYTES * settings.UPLOAD_MAX_FILES + FORM_BYTES)
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
