"""The passages found for a question, and the reports of the search. Pure: no Django."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from documents.text.borders import Border
from documents.text.names import name_to_show

Status = Literal["ok", "failed", "late", "skipped"]


@dataclass(frozen=True)
class LegReport:
    """The status of a leg: `lexical` or `dense`, prefixed by the corpus' slug if there are several corpora."""

    name: str
    status: Status
    ms: float


@dataclass(frozen=True)
class Passage:
    """A passage that was found: `text` is `start:end` of its document's text."""

    chunk_id: int
    document_id: UUID
    document_title: str
    document_source: str
    corpus_slug: str
    heading: str
    page: int | None
    start: int
    end: int
    text: str
    score: float  # 0..1, only comparable within one question
    legs: Mapping[str, float]  # raw scores: BM25 as `lexical`, cosine similarity as `dense`
    borders: tuple[Border, ...] | None = None  # where another page or section begins in it; None: not known


@dataclass(frozen=True)
class Retrieved:
    """The result of a search."""

    passages: tuple[Passage, ...]
    legs: tuple[LegReport, ...]
    answerable: bool
    timings_ms: Mapping[str, float]
    age_seconds: float | None = None  # None: found now, and not given again
    is_uncertain: bool = False  # the passages may hold the answer, or only be near it
    corrections: Mapping[str, str] = field(default_factory=dict)  # misspelled word -> the one that was searched
    alike: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # word, as corrected -> others searched for it
    missing_identifiers: tuple[str, ...] = ()  # that the question names, and no passage does


def names_by_number(passages: Sequence[Passage]) -> dict[int, str]:
    """Return the names of an answer's passages, by the n of [n]."""
    return dict(enumerate(map(name_of, passages), start=1))


def name_of(passage: Passage) -> str:
    """Return the name of a passage's document for readers: its title, or a substitute if it has none."""
    return name_to_show(passage.document_title, passage.document_source, passage.heading, passage.text)
