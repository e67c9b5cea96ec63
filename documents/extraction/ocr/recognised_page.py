"""The text of a recognised page, and how reliable it is. Imports no library that opens files: web processes load it."""

from __future__ import annotations

from dataclasses import dataclass

SURE = 0.75  # mean confidence of a page's characters; below, the page is marked


@dataclass(frozen=True)
class PageText:
    """The text of a page, and the mean confidence of its characters, 0..1 (1 without any)."""

    text: str
    confidence: float

    @property
    def is_sure(self) -> bool:
        """Return whether the page can be read as if it were printed."""
        return self.confidence >= SURE
