"""Makes search results without a database."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from querying.passages import LegReport, Passage, Retrieved

LEAVE = "Employees get 25 days of paid leave per calendar year. Unused days are kept until the end of March."
PARKING = "Employees park for free behind the main building. Visitors pay two euros per hour."
OK_LEGS = (LegReport("lexical", "ok", 1.0), LegReport("dense", "ok", 1.0))


def made_passage(number: int, text: str, *, title: str = "") -> Passage:
    """Return a passage of a document of its own."""
    return Passage(
        chunk_id=number,
        document_id=uuid.UUID(int=number),
        document_title=title or f"Document {number}",
        document_source=f"{number}.txt",
        corpus_slug="handbook",
        heading="",
        page=number,
        start=100 * number,
        end=100 * number + len(text),
        text=text,
        score=1.0 / number,
        legs={"lexical": 3.0, "dense": 0.5},
    )


def made_retrieved(
    *texts: str,
    answerable: bool = True,
    is_uncertain: bool = False,
    legs: Sequence[LegReport] = OK_LEGS,
    title: str = "",
) -> Retrieved:
    """Return a search result with these passages."""
    passages = tuple(made_passage(n, text, title=title) for n, text in enumerate(texts or (LEAVE, PARKING), start=1))
    return Retrieved(passages, tuple(legs), answerable, {"retrieve": 2.0}, is_uncertain=is_uncertain)


NOTHING = Retrieved((), OK_LEGS, False, {"retrieve": 1.0})
