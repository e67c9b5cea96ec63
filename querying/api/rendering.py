"""Negotiates the `Accept` header: JSON, or a stream of events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response


class EventStreamRenderer(BaseRenderer):
    """Accepts `Accept: text/event-stream`. The stream itself is no DRF response, and needs no renderer."""

    media_type = "text/event-stream"
    format = "events"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> bytes:
        """Return the data as JSON, for a client that accepts streams but has set `stream` to false."""
        return bytes(JSONRenderer().render(data))


def as_json(data: Any) -> Response:
    """Return a JSON response, even if the client accepts streams."""
    return Response(data, content_type="application/json")
