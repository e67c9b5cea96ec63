"""An answer as lines for a terminal."""

from __future__ import annotations

from querying.values import Answer


def described(answer: Answer) -> list[str]:
    """Return the answer, what kind it is and why, its sources with their quotes, and its timings."""
    kind = f"{answer.mode.value}, {answer.model}" if answer.model else answer.mode.value
    lines = [answer.text, "", f"({kind})", *(f"! {reason.message}" for reason in answer.reasons)]
    for citation in answer.citations:
        page = f", page {citation.page}" if citation.page is not None else ""
        heading = citation.heading.removeprefix(citation.document_title).removeprefix(
            " > "
        )  # the title is said already
        heading = f", {heading}" if heading else ""
        quote = " ".join(citation.quote.split())
        lines += [
            "",
            f"[{citation.number}] {citation.document_title}{page}{heading} ({citation.document_source})",
            f"    “{quote}”",
        ]
    timings = ", ".join(f"{name} {ms:.0f} ms" for name, ms in answer.timings_ms.items())
    return [*lines, "", timings]
