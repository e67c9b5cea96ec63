"""Resolves OpenDocument styles: which text is hidden, in which font it is, how lists are numbered. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from documents.extraction.encodings.letter_fonts import letters_of
from documents.extraction.office.docx_numbering import number_in_words
from documents.extraction.open_document.text import PRESENTATION, STYLE, SVG, TABLE, TEXT

_PARENTS_MAX = 10  # styles may be based on each other in a circle
_FORMS = {"1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_FONT = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}font-family"


@dataclass(frozen=True)
class _Level:
    """How the items of a list are numbered at one depth; `form` "": they are not."""

    form: str
    prefix: str
    suffix: str
    start: int
    shown: int  # numbers: its own, and those of so many levels above it


class Styles:
    """Properties of styles by name. `roots`: of the parts that have styles."""

    def __init__(self, roots: Iterable[Any]) -> None:
        self._hiding: set[str] = set()
        self._letters: dict[str, str] = {}
        self._parents: dict[str, str] = {}
        self._lists: dict[str, dict[int, _Level]] = {}
        for root in roots:
            fonts = {
                face.get(f"{STYLE}name") or "": face.get(f"{SVG}font-family") or ""
                for face in root.iter(f"{STYLE}font-face")
            }
            for style in root.iter(f"{STYLE}style"):
                self._learn(style, fonts)
            for listed in root.iter(f"{TEXT}list-style"):
                self._lists[listed.get(f"{STYLE}name") or ""] = dict(map(_level, listed))

    def _learn(self, style: Any, fonts: dict[str, str]) -> None:
        name = style.get(f"{STYLE}name") or ""
        self._parents[name] = style.get(f"{STYLE}parent-style-name") or ""
        for properties in style:
            if (
                properties.get(f"{TEXT}display") == "none"
                or properties.get(f"{TABLE}display") == "false"
                or properties.get(f"{PRESENTATION}visibility") == "hidden"
            ):
                self._hiding.add(name)
            named = properties.get(f"{STYLE}font-name") or ""
            if font := properties.get(_FONT) or fonts.get(named) or named:
                self._letters[name] = letters_of(font)

    def hides(self, name: str | None) -> bool:
        """Return whether a style hides what has it."""
        return name in self._hiding

    def letters(self, name: str | None) -> str | None:
        """Return the encoding of the letters that a style's font draws, None if it names no font."""
        own = name or ""
        for _ in range(_PARENTS_MAX):
            if own in self._letters or not own:
                break
            own = self._parents.get(own, "")
        return self._letters.get(own)

    def label(self, style: str, counters: list[int]) -> str:
        """Return what stands before an item: "2.", "(b)", "1.3", "-". `counters`: of the levels down to the item's."""
        levels = self._lists.get(style, {})
        level = levels.get(len(counters))
        if level is None or not level.form:
            return "-"
        first = max(len(counters) - level.shown, 0)
        numbers = [
            number_in_words(number, levels[depth].form if depth in levels else "decimal")
            for depth, number in enumerate(counters[first:], first + 1)
        ]
        return f"{level.prefix}{'.'.join(filter(None, numbers))}{level.suffix}".strip() or "-"

    def start(self, style: str, depth: int) -> int:
        """Return the first number of a list at a depth (from 1)."""
        level = self._lists.get(style, {}).get(depth)
        return level.start if level else 1


def _level(element: Any) -> tuple[int, _Level]:
    """Return a depth of a list (from 1), and how it is numbered."""
    said = {name: element.get(f"{STYLE}num-{name}") or "" for name in ("format", "prefix", "suffix")}
    return _whole(element.get(f"{TEXT}level")), _Level(
        _FORMS.get(said["format"], ""),
        said["prefix"],
        said["suffix"],
        _whole(element.get(f"{TEXT}start-value")),
        _whole(element.get(f"{TEXT}display-levels")),
    )


def _whole(said: str | None) -> int:
    return int(said) if said and said.isdecimal() and len(said) < 8 else 1
