"""The text of OpenDocument paragraphs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

_NAMES = "urn:oasis:names:tc:opendocument:xmlns:"
OFFICE, TEXT, TABLE = f"{{{_NAMES}office:1.0}}", f"{{{_NAMES}text:1.0}}", f"{{{_NAMES}table:1.0}}"
DRAW, STYLE, CHART = f"{{{_NAMES}drawing:1.0}}", f"{{{_NAMES}style:1.0}}", f"{{{_NAMES}chart:1.0}}"
PRESENTATION, SVG = f"{{{_NAMES}presentation:1.0}}", f"{{{_NAMES}svg-compatible:1.0}}"
XLINK = "{http://www.w3.org/1999/xlink}"
_BLANKS_MAX = 1000


def text_of(
    element: Any, frames: list[Any], notes: list[Any], hidden: list[str], is_hidden: Callable[[Any], bool]
) -> str:
    """Return the text of a paragraph; frames, notes and the text of hidden parts in it are put into the lists."""
    return "".join(_pieces(element, frames, notes, hidden, is_hidden)).strip()


def _pieces(
    element: Any, frames: list[Any], notes: list[Any], hidden: list[str], is_hidden: Callable[[Any], bool]
) -> Iterator[str]:
    yield _joined(element.text)
    for child in element:
        tag = child.tag
        if tag == f"{TEXT}s":
            count = child.get(f"{TEXT}c") or "1"
            yield " " * min(int(count) if count.isdigit() else 1, _BLANKS_MAX)
        elif tag == f"{TEXT}tab":
            yield "\t"
        elif tag == f"{TEXT}line-break":
            yield "\n"
        elif tag in (f"{TEXT}note", f"{OFFICE}annotation"):
            notes.append(child)
        elif tag in (f"{TEXT}ruby-text", f"{TEXT}hidden-text", f"{TEXT}hidden-paragraph"):
            pass
        elif isinstance(tag, str) and tag.startswith(DRAW) and tag != f"{DRAW}a":
            frames.append(child)
        elif isinstance(tag, str) and is_hidden(child):
            hidden.append(text_of(child, [], [], hidden, lambda each: False))
        elif isinstance(tag, str):
            yield from _pieces(child, frames, notes, hidden, is_hidden)
        yield _joined(child.tail)


def _joined(text: str | None) -> str:
    """Return text whose line ends and tabs are those of the XML, and mean a blank."""
    return (text or "").replace("\n", " ").replace("\t", " ").replace("\r", " ")
