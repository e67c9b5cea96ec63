"""Asks PDFium for the character, the origin and the box of single glyphs of a page."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import addressof, byref, c_double
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

LINE_HYPHEN = "\ufffe"  # how PDFium writes a hyphen at the end of a line, the line break being dropped

Origin = tuple[float, float]  # x, y of where a glyph begins, in points; y grows upwards


def origin_of(layer: Any, index: int) -> Origin | None:
    """Return where the glyph of a character begins."""
    x, y = c_double(), c_double()
    return (x.value, y.value) if pdfium.FPDFText_GetCharOrigin(layer, index, byref(x), byref(y)) else None


def character_of(layer: Any, index: int) -> str:
    """Return one character of the text layer, "" for one without a meaning."""
    if pdfium.FPDFText_IsHyphen(layer, index) == 1:
        return LINE_HYPHEN
    code = pdfium.FPDFText_GetUnicode(layer, index)
    return chr(code) if 0 < code < 0x110000 else ""


def is_generated(layer: Any, index: int) -> bool:
    """Return whether PDFium added the character (a blank, a line break) because of the distance between two others."""
    return bool(pdfium.FPDFText_IsGenerated(layer, index) == 1)


def object_of(layer: Any, index: int) -> int | None:
    """Return which text object of the page a character belongs to, as a number that only serves to compare."""
    found = pdfium.FPDFText_GetTextObject(layer, index)
    return addressof(found.contents) if found else None


def box_of(layer: Any, index: int) -> tuple[float, float, float, float] | None:
    """Return left, bottom, right and top of the room that a character takes; None for one that has no place."""
    box = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(layer, index, byref(box)):
        return None
    return box.left, box.bottom, box.right, box.top


class Run(NamedTuple):
    """Characters of one line: `text[n]` is the character `indices[n]` of the text layer."""

    text: str
    indices: Sequence[int]


def printed(run: Run) -> list[int]:
    """Return the places in a run that have ink."""
    return [place for place, character in enumerate(run.text) if not character.isspace() and character != LINE_HYPHEN]
