"""Reads the text of a slide's shapes: runs in their fonts, automatic numbers, formulas. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from documents.extraction.encodings.letter_fonts import converted, letters_of
from documents.extraction.marks import raised, struck, without_gaps
from documents.extraction.office.docx_numbering import number_in_words
from documents.extraction.office.formulas import M, formula_text

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
MATH = f"{M}t"
_NUMBERED = re.compile(r"(arabic|alphaLc|alphaUc|romanLc|romanUc)(Period|ParenR|ParenBoth|Plain)")
_FORMS = {
    "arabic": "decimal",
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}
_SIGNS = {"Period": "{}.", "ParenR": "{})", "ParenBoth": "({})", "Plain": "{}"}

Piece = tuple[str, str]  # encoding of the letters, and text
Unseen = Callable[[Any, str], bool]  # of a run's properties and text: whether nobody sees it


def shape_text(element: Any, is_unseen: Unseen = lambda _properties, _text: False) -> str:
    """Return the paragraphs of a shape as lines, without runs that `is_unseen`."""
    numbers: dict[int, tuple[str, int]] = {}  # level -> kind of its numbers, and the last one
    lines = []
    for paragraph in element.iter(f"{A}p"):
        text = _paragraph(paragraph, is_unseen)
        if text:
            number = _number(paragraph, numbers)
            lines.append(f"{number} {text}" if number else text)
    return "\n".join(lines).strip()


def _paragraph(paragraph: Any, is_unseen: Unseen) -> str:
    pieces: list[Piece] = []
    for piece in _pieces(paragraph, _usual_font(paragraph), pieces, is_unseen):
        pieces.append(piece)
    return without_gaps(converted(pieces)).strip()


def _pieces(parent: Any, usual: str, before: list[Piece], is_unseen: Unseen) -> Iterator[Piece]:
    """Yield the text below an element in pieces; `before` has those that were yielded."""
    for child in parent:
        if not isinstance(child.tag, str):
            continue
        name = child.tag.rpartition("}")[2]
        if name in ("r", "fld") and child.tag.startswith(A):
            text = (child.findtext(f"{A}t") or "").replace("\v", "\n")
            properties = child.find(f"{A}rPr")
            if properties is not None:
                if is_unseen(properties, text):
                    continue
                text = _marked(text, properties, before[-1][1] if before else "")
            yield letters_of(_font(properties) or usual), text
        elif name == "br":
            yield "", "\n"
        elif name == "tab" and child.tag.startswith(A):
            yield "", "\t"
        elif child.tag == MATH:
            yield "", child.text or ""
        elif child.tag in (f"{M}oMath", f"{M}oMathPara"):
            yield "", formula_text(child)
        else:
            yield from _pieces(child, usual, before, is_unseen)


def _marked(text: str, properties: Any, behind: str) -> str:
    baseline = properties.get("baseline") or ""
    if baseline.rstrip("%").isdecimal() and int(baseline.rstrip("%")) > 0:
        text = raised(text, behind=behind)
    return struck(text) if (properties.get("strike") or "noStrike") != "noStrike" else text


def _font(properties: Any) -> str:
    latin = properties.find(f"{A}latin") if properties is not None else None
    return (latin.get("typeface") or "") if latin is not None else ""


def _usual_font(paragraph: Any) -> str:
    """Return the font that a shape's text has where its runs name none."""
    body = paragraph.getparent()
    styles = body.find(f"{A}lstStyle") if body is not None else None
    level = styles.find(f"{A}lvl{_level(paragraph) + 1}pPr") if styles is not None else None
    return _font(level.find(f"{A}defRPr")) if level is not None else ""


def _level(paragraph: Any) -> int:
    properties = paragraph.find(f"{A}pPr")
    level = (properties.get("lvl") or "0") if properties is not None else "0"
    return int(level) if level.isdecimal() and len(level) < 3 else 0


def _number(paragraph: Any, numbers: dict[int, tuple[str, int]]) -> str:
    """Return the automatic number of a paragraph, "" if it has none. `numbers`: those before it in its shape."""
    level = _level(paragraph)
    for deeper in [each for each in numbers if each > level]:
        del numbers[deeper]
    said = paragraph.find(f"{A}pPr/{A}buAutoNum")
    found = _NUMBERED.fullmatch(said.get("type") or "") if said is not None else None
    if found is None:
        numbers.pop(level, None)
        return ""
    start = said.get("startAt") or "1"
    first = int(start) if start.isdecimal() and len(start) < 6 else 1
    kind = f"{found[0]} {first}"
    last = numbers.get(level)
    number = last[1] + 1 if last and last[0] == kind else first
    numbers[level] = (kind, number)
    return _SIGNS[found[2]].format(number_in_words(number, _FORMS[found[1]]))
