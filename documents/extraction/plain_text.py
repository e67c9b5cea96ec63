"""Plain text in any encoding."""

from __future__ import annotations

from documents.extraction.content import Content
from documents.extraction.decoding import decode_counted
from documents.extraction.notes import repaired


def read(data: bytes) -> Content:
    """Return the text. Raises Unreadable: unknown_encoding."""
    decoded = decode_counted(data)
    return Content([decoded.text], notes=repaired(decoded.repaired))
