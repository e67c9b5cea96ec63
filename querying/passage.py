"""What the pure stages need to know of a passage, whoever found it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID


class FoundPassage(Protocol):
    """A passage that a question may be answered from: `text` is `start:end` of its document's text."""

    @property
    def chunk_id(self) -> int:
        """The passage's own id."""

    @property
    def document_id(self) -> UUID:
        """The document it is from."""

    @property
    def document_title(self) -> str:
        """What readers call that document."""

    @property
    def document_source(self) -> str:
        """Where the document came from: a file name, path or address."""

    @property
    def corpus_slug(self) -> str:
        """The corpus it was found in."""

    @property
    def heading(self) -> str:
        """The headings above it: 'Pay > Holidays'."""

    @property
    def page(self) -> int | None:
        """The page it starts on; None where the format has none."""

    @property
    def start(self) -> int:
        """Where it begins in the document's text, in characters."""

    @property
    def end(self) -> int:
        """Where it ends there."""

    @property
    def text(self) -> str:
        """The passage itself."""

    @property
    def score(self) -> float:
        """How well it fits the question, 0..1, comparable within one answer."""

    @property
    def legs(self) -> Mapping[str, float]:
        """The raw score of each leg that found it."""
