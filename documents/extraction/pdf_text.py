"""The text of a PDF page in reading order, with what PDFium gets wrong put right."""

from __future__ import annotations

import re
from typing import Any

import pypdfium2.raw as pdfium

from documents.extraction.pdf_glyphs import LINE_HYPHEN, Origin, origin_of
from documents.extraction.pdf_right_to_left import RIGHT_TO_LEFT, in_logical_order

_LIGATURES = {"ffi": "\ufb03", "ffl": "\ufb04", "ff": "\ufb00", "fi": "\ufb01", "fl": "\ufb02"}
_LIGATURE = re.compile("ffi|ffl|ff|fi|fl")
_CONTROL = re.compile("[\x00-\x02\x04-\x08\x0b\x0c\x0e-\x1f]")


def page_text(page: Any) -> str:
    """Return the text of a page.

    A word that is hyphenated at the end of a line keeps its hyphen and line break. Glyphs that are ligatures stay
    ligatures. A glyph that stands for a control character is a blank, but U+0003 stays: normalising.py says why.
    """
    layer = page.get_textpage()
    try:
        text: str = layer.get_text_range()
        has_dropped = pdfium.FPDFText_CountChars(layer) > len(text)  # control characters, and so blanks
        if has_dropped or RIGHT_TO_LEFT.search(text):
            text = in_logical_order(layer) or text
        else:
            text = _with_ligatures(layer, text)
    finally:
        layer.close()
    return _CONTROL.sub(" ", text.replace(LINE_HYPHEN, "-\n"))


def _with_ligatures(layer: Any, text: str) -> str:
    """Return `text` with letters that share one glyph as the ligature they are printed as."""

    def restored(found: re.Match[str]) -> str:
        first = pdfium.FPDFText_GetCharIndexFromTextIndex(layer, found.start())
        origins: set[Origin | None] = {origin_of(layer, first + offset) for offset in range(len(found[0]))}
        if first >= 0 and len(origins) == 1 and None not in origins:
            return _LIGATURES[found[0]]
        return found[0]

    return _LIGATURE.sub(restored, text)
