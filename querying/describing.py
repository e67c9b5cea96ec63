"""An answer as lines for a terminal."""

from __future__ import annotations

from documents.text.invisible_characters import visible
from querying.generation.citations import Citation
from querying.passages import names_by_number
from querying.types import Answer


def described(answer: Answer) -> list[str]:
    """Return the answer, what kind it is and why, its sources with their quotes, and its timings."""
    names = names_by_number(answer.passages)
    lines = [answer.text, "", f"({_kind_of(answer)})", *(f"! {reason.message}" for reason in answer.reasons)]
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page is not None else ""
        name = names.get(citation.number, citation.document_title)
        # The title is said already.
        heading = visible(citation.heading).removeprefix(citation.document_title).removeprefix(" > ")
        heading = f", {heading}" if heading else ""
        quote = " ".join(visible(citation.quote).split())
        lines += [
            "",
            f"[{citation.number}] {name}{page}{heading}{_source(citation)}",
            f"    “{quote}”",
        ]
    timings = ", ".join(f"{name} {ms:.0f} ms" for name, ms in answer.timings_ms.items())
    return [*lines, "", timings]


def _kind_of(answer: Answer) -> str:
    """Return how it was made: 'generated, llama3.2:1b', or 'cached, 12 minutes old: extractive'."""
    age = answer.cache.age_seconds
    given = [answer.mode.value] if answer.written_as is not answer.mode else []
    if given and age is not None:
        given.append(f"{_age(age)} old")
    written = ", ".join(filter(None, [answer.written_as.value, answer.model]))
    return f"{', '.join(given)}: {written}" if given else written


def _age(seconds: float) -> str:
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count = int(seconds // size)
        if count:
            return f"{count} {name}{'s' if count > 1 else ''}"
    return "less than a second"


def _source(citation: Citation) -> str:
    return f" ({citation.document_source})" if citation.document_source else ""
