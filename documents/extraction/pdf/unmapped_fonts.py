"""Recognises text whose font has no character map: a PDF then gives glyph numbers, "7KH" for "The"."""

from __future__ import annotations

import re
from typing import Any

import pypdfium2.raw as pdfium

from documents.extraction.pdf.glyphs import character_of, is_generated

_SHIFT = 29  # TrueType fonts number their glyphs in the order of ASCII: "A" is 36 and 65
_ASKED_MAX = 300  # characters per page
_UNMAPPED_MAX = 0.3  # more of a page is none of its text
_PRINTABLE = re.compile(r"[ -~\n]*")
_NO_LETTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ue000-\uf8ff\ufffd]")


def has_no_letters(layer: Any, text: str) -> bool:
    """Return whether most of a page's text are glyph numbers, or signs that mean nothing outside of its fonts."""
    count = max(0, pdfium.FPDFText_CountChars(layer))
    step = max(1, count // _ASKED_MAX)
    asked = [index for index in range(0, count, step) if not is_generated(layer, index)]
    if len(asked) < 3:
        return False
    unmapped = sum(pdfium.FPDFText_HasUnicodeMapError(layer, index) == 1 for index in asked)
    if unmapped > _UNMAPPED_MAX * len(asked):
        return True
    printed = "".join(text.split())
    return len(_NO_LETTER.findall(printed)) > 0.5 * len(printed) or ("\x03" in printed and guessed(text) is not None)


def guessed_text(layer: Any) -> str | None:
    """Return what glyph numbers most likely stand for, None if that is no text in Latin letters."""
    codes = (character_of(layer, index) for index in range(max(0, pdfium.FPDFText_CountChars(layer))))
    return guessed("".join(codes).replace("\r", ""))


def guessed(text: str) -> str | None:
    """Return `text` with each glyph number as its letter, None unless all of it looks like words then."""
    letters = "".join(
        character if character == "\n" else chr(ord(character) + _SHIFT) for character in text if character not in " ￾"
    )
    words = letters.split()
    if not words or not _PRINTABLE.fullmatch(letters):
        return None
    small = sum(map(str.islower, letters))
    vowels = sum(letter in "aeiou" for letter in letters)
    is_text = small > 0.6 * len("".join(words)) and 0.2 * small < vowels < 0.6 * small
    return letters if is_text and len(letters) / len(words) < 15 else None
