"""Defines what the reader of a format returns, and joins its parts into one text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from documents.extraction.failures import Unreadable
from documents.text.extraction_notes import Note
from documents.text.normalization import normalise

PART_BREAK = "\n\n"


@dataclass(frozen=True)
class Content:
    """The text of a file as its reader returns it, not yet normalised.

    `parts` are the pages of a format that has some (`has_pages`), else chapters, sheets or the whole. `markdown`: lines
    that begin with "#" are headings. `notes` say what was left out or mended. `hidden` is text that no reader of the
    file can see: it is kept beside the document, and not searched. `unread_pages` (1, 2, ...) have text that only text
    recognition can read: they are pictures, or their fonts don't say which letters they show.
    """

    parts: Sequence[str]
    has_pages: bool = False
    markdown: bool = False
    title: str | None = None
    language: str | None = None
    notes: Sequence[Note] = ()
    hidden: str = ""
    unread_pages: Sequence[int] = ()


@dataclass(frozen=True)
class AssembledText:
    """Normalised text, and the offset in it where each page starts."""

    text: str
    page_starts: tuple[int, ...]


def assemble(content: Content, *, max_chars: int) -> AssembledText:
    """Return the parts normalised and joined. A page without text starts where the next one does.

    Raises Unreadable: empty, or too_much_text.
    """
    texts: list[str] = []
    starts: list[int] = []
    length = 0
    for part in content.parts:
        text = normalise(part)
        start = length + len(PART_BREAK) if length else 0
        starts.append(start)
        if text:
            texts.append(text)
            length = start + len(text)
        if length > max_chars:
            raise Unreadable("too_much_text")
    if not length:
        raise Unreadable("empty")
    page_starts = tuple(min(start, length) for start in starts) if content.has_pages else ()
    return AssembledText(PART_BREAK.join(texts), page_starts)
