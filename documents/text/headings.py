"""Finds the headings of a Markdown text, and writes Markdown lines for extractors. Pure: no Django."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CANDIDATE = re.compile(
    r"(?m)^ {0,3}(?:(?P<fence>`{3,}(?=[^`\n]*$)|~{3,})[^\n]*|(?P<marks>#{1,6})(?:[ \t]+(?P<text>[^\n]*))?"
    r"|(?P<under>=+|-{2,})[ \t]*)$"
)
_FIRST_LINE = re.compile(r" {0,3}#{1,6}[ \t]+([^\n]+)|([^\n]+)\n {0,3}(?:=+|-{2,})[ \t]*(?=\n|$)")
_LOOKS_LIKE_HEADING = re.compile(r"(?m)^( {0,3})(#{1,6}(?:[ \t]|$)|`{3}|~{3}|(?:=+|-{2,})[ \t]*$)")
_MARKUP = re.compile(
    r"!?\[([^\[\]]*)\]\([^()\s]*\)|[*`]{1,3}(?=\S)|(?<=\S)[*`]{1,3}|(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)"
)


@dataclass(frozen=True)
class Heading:
    """A heading: its lines are `text[start:end]` of the source."""

    level: int
    text: str
    start: int
    end: int


def find_headings(text: str) -> list[Heading]:
    """Return the headings of a Markdown text in order: "#" lines and underlined lines, none from inside code."""
    headings: list[Heading] = []
    fence = ""
    for found in _CANDIDATE.finditer(text):
        if mark := found["fence"]:
            if not fence:
                fence = mark
            elif mark[0] == fence[0] and len(mark) >= len(fence):
                fence = ""
        elif fence:
            continue
        elif marks := found["marks"]:
            words = plain(re.sub(r"[ \t]+#+[ \t]*$", "", found["text"] or ""))
            headings.append(Heading(len(marks), words, found.start(), found.end()))
        elif line := _line_above(text, found.start()):
            start = found.start() - len(line) - 1
            if not headings or headings[-1].end <= start:
                headings.append(Heading(1 if found["under"][0] == "=" else 2, plain(line), start, found.end()))
    return headings


def heading_text(text: str) -> tuple[str, int] | None:
    """Return the heading that `text` begins with and the offset after its lines, or None."""
    found = _FIRST_LINE.match(text)
    if not found:
        return None
    return plain(re.sub(r"[ \t]+#+[ \t]*$", "", found[1] or found[2])), found.end()


def plain(line: str) -> str:
    """Return a heading's words without emphasis, code marks and link targets."""
    return " ".join(_MARKUP.sub(r"\1", line).replace("\\", "").split())


def as_heading(level: int, text: str) -> str:
    """Return `text` as one Markdown heading line of that level (1..6)."""
    return f"{'#' * min(max(level, 1), 6)} {' '.join(text.split())}"


def as_body(text: str) -> str:
    """Return a paragraph whose lines can't be taken for headings, rules or code fences."""
    if "\n" not in text and not _LOOKS_LIKE_HEADING.match(text):  # most paragraphs, and `sub` takes ten times as long
        return text
    return _LOOKS_LIKE_HEADING.sub(r"\1\\\2", text)


def _line_above(text: str, start: int) -> str:
    """Return the line before `start` if an underline makes a heading of it, else ""."""
    line = text[text.rfind("\n", 0, start - 1) + 1 : start - 1] if start else ""
    is_other = not line.strip() or line.lstrip()[0] in "#>|-=+*" or line.startswith("    ")
    return "" if is_other or len(line) > 200 else line
