"""Plain text in any encoding."""

from __future__ import annotations

from documents.extraction.content import Content
from documents.extraction.decoding import decode


def read(data: bytes) -> Content:
    """Return the text."""
    return Content([decode(data)])
