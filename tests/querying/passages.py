"""Makes passages without a database."""

from __future__ import annotations

import itertools
import uuid

from documents.text.borders import Border
from querying.passages import Passage

_numbers = itertools.count(1)


def make_passage(
    text: str = "A passage.",
    *,
    document_id: uuid.UUID | None = None,
    document_title: str = "A document",
    heading: str = "",
    page: int | None = None,
    start: int = 0,
    score: float = 1.0,
    borders: tuple[Border, ...] | None = None,
) -> Passage:
    """Return a passage with sensible values for all that a test doesn't care about."""
    return Passage(
        chunk_id=next(_numbers),
        document_id=document_id or uuid.uuid4(),
        document_title=document_title,
        document_source="a.txt",
        corpus_slug="corpus",
        heading=heading,
        page=page,
        start=start,
        end=start + len(text),
        text=text,
        score=score,
        legs={"lexical": score},
        borders=borders,
    )
