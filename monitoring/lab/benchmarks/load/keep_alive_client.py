"""Client that keeps its connection alive, as an application does, and times each request."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60.0
IDLE_SECONDS = 3.0  # a server closes connections that are idle for 5 s


class KeepAlive:
    """A connection to one server, until the `with` block ends. Answers come from the same worker each time."""

    def __init__(self, url: str, *, api_key: str = "") -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._used_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def post_json(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any], float]:
        """Return status, body and seconds of a POST; the time ends with the last byte, before it is parsed."""
        return self.post(path, json.dumps(body).encode(), "application/json")

    def post(self, path: str, body: bytes, content_type: str) -> tuple[int, dict[str, Any], float]:
        """Return status, JSON and seconds of a POST. Raises OSError or HTTPException."""
        if time.monotonic() - self._used_at > IDLE_SECONDS:
            self._connection.close()  # the next request opens it again
        started = time.perf_counter()
        self._connection.request("POST", path, body, {**self._headers, "Content-Type": content_type})
        reply = self._connection.getresponse()
        content = reply.read()
        seconds = time.perf_counter() - started
        self._used_at = time.monotonic()
        found: dict[str, Any] = json.loads(content)
        return reply.status, found, seconds


def as_multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[bytes, str]:
    """Return body and content type of a form with one file."""
    border = "----ragsite-benchmark"
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in fields.items()
    ]
    parts.append(
        f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    )
    return "".join(
        parts
    ).encode() + content + f"\r\n--{border}--\r\n".encode(), f"multipart/form-data; boundary={border}"
