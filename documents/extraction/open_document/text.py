"""Reads the text of OpenDocument paragraphs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from documents.extraction.encodings.letter_fonts import converted

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
OFFICE, TEXT, TABLE = f"{{{_NAMES}office:1.0}}", f"{{{_NAMES}text:1.0}}", f"{{{_NAMES}table:1.0}}"
DRAW, STYLE, CHART = f"{{{_NAMES}drawing:1.0}}", f"{{{_NAMES}style:1.0}}", f"{{{_NAMES}chart:1.0}}"
PRESENTATION, SVG = f"{{{_NAMES}presentation:1.0}}", f"{{{_NAMES}svg-compatible:1.0}}"
XLINK = "{http://www.w3.org/1999/xlink}"
_BLANKS_MAX = 1000
_NEVER_TEXT = frozenset(f"{TEXT}{kind}" for kind in ("ruby-text", "hidden-text", "hidden-paragraph"))


class TextStyles(Protocol):
    """The properties of text by style name (`odf_styles.Styles`)."""

    def hides(self, name: str | None) -> bool:
        """Return whether a style hides its text."""

    def letters(self, name: str | None) -> str | None:
        """Return the encoding of the letters that a style's font draws."""


@dataclass
class ParagraphParts:
    """Elements inside a paragraph that are not part of its text."""

    frames: list[Any] = field(default_factory=list)
    notes: list[Any] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)


def text_of(element: Any, styles: TextStyles, beside: ParagraphParts) -> str:
    """Return the text of a paragraph in Unicode; other elements in it are added to `beside`."""
    letters = styles.letters(element.get(f"{TEXT}style-name")) or ""
    return converted(_pieces(element, styles, beside, letters)).strip()


def _pieces(element: Any, styles: TextStyles, beside: ParagraphParts, letters: str) -> Iterator[tuple[str, str]]:
    """Yield the text in pieces, each with the encoding of its letters."""
    yield letters, _joined(element.text)
    for child in element:
        tag = child.tag
        if tag == f"{TEXT}s":
            count = child.get(f"{TEXT}c") or "1"
            yield letters, " " * min(int(count) if count.isdigit() else 1, _BLANKS_MAX)
        elif tag == f"{TEXT}tab":
            yield letters, "\t"
        elif tag == f"{TEXT}line-break":
            yield letters, "\n"
        elif tag in (f"{TEXT}note", f"{OFFICE}annotation"):
            beside.notes.append(child)
        elif tag in _NEVER_TEXT or not isinstance(tag, str):
            pass
        elif tag.startswith(DRAW) and tag != f"{DRAW}a":
            beside.frames.append(child)
        else:
            name = child.get(f"{TEXT}style-name")
            own = styles.letters(name)
            pieces = _pieces(child, styles, beside, letters if own is None else own)
            if styles.hides(name):
                beside.hidden.append(converted(pieces).strip())
            else:
                yield from pieces
        yield letters, _joined(child.tail)


def _joined(text: str | None) -> str:
    """Return text whose line ends and tabs are those of the XML, and mean a blank."""
    return (text or "").replace("\n", " ").replace("\t", " ").replace("\r", " ")
