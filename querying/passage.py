"""What the pure stages need to know of a passage, whoever found it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from documents.text.borders import Border
from documents.text.names import name_to_show


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
    def borders(self) -> Sequence[Border] | None:
        """Where another page or section begins in it, in order; None: not known."""

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


def names_by_number(passages: Sequence[FoundPassage]) -> dict[int, str]:
    """Return the names of an answer's passages, by the n of [n]."""
    return dict(enumerate(map(name_of, passages), start=1))


def name_of(passage: FoundPassage) -> str:
    """Return what readers are told that a passage is from: its document's title, or what stands in for one."""
    return name_to_show(passage.document_title, passage.document_source, passage.heading, passage.text)
