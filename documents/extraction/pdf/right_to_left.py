"""Puts lines of Arabic, Hebrew and other right-to-left scripts into reading order.

PDFium turns such lines around, and makes three mistakes in it, which are put right here:
- a glyph that stands for a whole word: its letters are turned around too;
- a Latin word that is drawn with the blank behind it: the blank comes before it, and the word sticks to the next;
- a line that is mostly Latin: it counts words, not letters, and "Peace is shalom" may come out as "shalom Peace is".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import pypdfium2.raw as pdfium

from documents.extraction.pdf.glyphs import LINE_HYPHEN, Origin, character_of, is_generated, object_of, origin_of

RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")

Direction = Literal["left", "right", "none"]


@dataclass(frozen=True)
class _Glyph:
    """A character, where it is drawn, and in which direction its script runs."""

    index: int
    character: str
    origin: Origin
    direction: Direction


def in_logical_order(layer: Any) -> list[list[tuple[str, int]]]:
    """Return the lines of a page's text layer: of each, the characters and which of the layer they are."""
    count = max(0, pdfium.FPDFText_CountChars(layer))
    lines: list[list[_Glyph]] = [[]]
    for index in range(count):
        character = character_of(layer, index)
        if character == "\n":
            lines.append([])
        elif character and character != "\r":
            lines[-1].append(_Glyph(index, character, origin_of(layer, index) or (0.0, 0.0), _direction(character)))
            if character == LINE_HYPHEN:
                lines.append([])
    return [[(glyph.character, glyph.index) for glyph in _ordered(layer, line)] for line in lines]


def _direction(character: str) -> Direction:
    if RIGHT_TO_LEFT.match(character):
        return "right"
    return "left" if character.isalnum() else "none"


def _ordered(layer: Any, line: list[_Glyph]) -> list[_Glyph]:
    """Return the glyphs of a line in the order they are read."""
    if not any(glyph.direction == "right" for glyph in line):
        return line
    line = _with_words_turned_back(line)
    if _is_turned_around_wrongly(line):
        segments = _segments(line)
        return [glyph for segment in reversed(segments) for glyph in _turned(segment)]
    return _with_blanks_moved(layer, line)


def _with_words_turned_back(line: list[_Glyph]) -> list[_Glyph]:
    """Return the line with the letters of each glyph that stands for a word (three letters or more) turned back.

    Two letters in one glyph (lam-alef) stay as they are: other readers give them in this order too.
    """
    ordered: list[_Glyph] = []
    for _, group in groupby(line, key=lambda glyph: glyph.origin):
        same = list(group)
        start = next((number for number, glyph in enumerate(same) if glyph.direction == "right"), len(same))
        letters = same[start:]
        ordered += same[:start] + (letters[::-1] if len(letters) > 2 else letters)
    return ordered


def _is_turned_around_wrongly(line: list[_Glyph]) -> bool:
    """Return whether a line that is mostly Latin begins at its right end."""
    strong = [glyph for glyph in line if glyph.direction != "none"]
    right = len({glyph.origin for glyph in strong if glyph.direction == "right"})
    left = len({glyph.origin for glyph in strong if glyph.direction == "left"})
    return left > right and strong[0].origin[0] > strong[-1].origin[0]


def _segments(line: list[_Glyph]) -> list[list[_Glyph]]:
    """Return the line as runs of one direction; Latin words that follow each other from left to right are one run."""
    segments: list[list[_Glyph]] = []
    for glyph in line:
        last = segments[-1] if segments else []
        if last and last[-1].direction == glyph.direction:
            last.append(glyph)
        elif (
            len(segments) > 1
            and glyph.direction != "none"
            and last[-1].direction == "none"
            and segments[-2][-1].direction == glyph.direction
            and (glyph.origin[0] > segments[-2][-1].origin[0]) == (glyph.direction == "left")
        ):
            segments[-2] += [*segments.pop(), glyph]
        else:
            segments.append([glyph])
    return segments


def _turned(segment: list[_Glyph]) -> list[_Glyph]:
    """Return a segment of a line that is turned back: words are in order already, signs between them are not."""
    return segment[::-1] if segment[0].direction == "none" else segment


def _with_blanks_moved(layer: Any, line: list[_Glyph]) -> list[_Glyph]:
    """Return the line with each blank that is drawn at the right end of a Latin word moved behind that word."""
    ordered = list(line)
    for place in range(len(ordered) - 1):
        blank, first = ordered[place], ordered[place + 1]
        if blank.character != " " or first.direction != "left" or blank.origin[0] <= first.origin[0]:
            continue
        if is_generated(layer, blank.index):
            continue
        run = object_of(layer, blank.index)
        end = place + 1
        while end < len(ordered) and ordered[end].direction != "right" and object_of(layer, ordered[end].index) == run:
            end += 1
        is_followed_by_blank = end < len(ordered) and ordered[end].character.isspace()
        if end > place + 1 and not is_followed_by_blank:
            ordered[place:end] = [*ordered[place + 1 : end], blank]
    return ordered
