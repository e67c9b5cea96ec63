"""Reads one page of a PDF, and notes what cannot be read of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from documents.extraction.pdf.columns import in_reading_order
from documents.extraction.pdf.fields import count_annotations, find_written, not_shown
from documents.extraction.pdf.grids import with_ruled_tables
from documents.extraction.pdf.lines import Line, read_lines, sheet_of
from documents.extraction.pdf.rules import rules_of
from documents.extraction.pdf.unmapped_fonts import guessed_text, has_no_letters
from documents.extraction.pdf.wrapped import with_wrapped_cells

SCAN_CHARS_MAX = 20  # of text on a scanned page: a stamp or a page number
_SCAN_AREA_SHARE = 0.5  # of a page that its pictures cover
_CURVES_MIN = 200  # on a page without text: letters that were turned into drawings
_DEPTH_MAX = 3  # pictures in forms in forms
_MEDIA = (pdfium.FPDF_ANNOT_MOVIE, pdfium.FPDF_ANNOT_RICHMEDIA, pdfium.FPDF_ANNOT_SOUND, pdfium.FPDF_ANNOT_SCREEN)


@dataclass
class PdfPage:
    """The content of a page. `picture_share` of its area is computed only where there is little text."""

    rows: list[list[Line]] = field(default_factory=list)
    height: float = 0.0
    written: list[str] = field(default_factory=list)  # filled fields, notes and comments
    hidden: list[str] = field(default_factory=list)
    picture_share: float = 0.0
    files: int = 0
    media: int = 0
    is_damaged: bool = False
    has_no_letters: bool = False
    letters: int = 0  # characters of its text that are not blank

    @property
    def is_picture(self) -> bool:
        """Return whether the page is a picture whose text is not recognised yet."""
        return self.letters <= SCAN_CHARS_MAX and self.picture_share >= _SCAN_AREA_SHARE

    def write(self, lines: Sequence[str]) -> None:
        """Add lines that were written onto the page."""
        self.written += lines
        self.letters += sum(len("".join(line.split())) for line in lines)


def read_page(document: pypdfium2.PdfDocument, number: int) -> PdfPage:
    """Return what a page shows (`number` from 0). Raises PdfiumError if it is damaged."""
    page = document[number]
    written = find_written(page, document.formenv)
    files, media = count_annotations(page, (pdfium.FPDF_ANNOT_FILEATTACHMENT,)), count_annotations(page, _MEDIA)
    if document.formenv is not None:  # what was filled in lies above the page: so it is read where it stands
        pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY)
        page.close()
        page = document[number]
    layer = None
    try:
        sheet = sheet_of(page)
        layer = page.get_textpage()
        found = PdfPage(height=sheet.height, files=files, media=media)
        rules = rules_of(page, sheet)
        lines, found.hidden = read_lines(page, layer, sheet, rules)
        shown = "\n".join(line.text for line in lines)
        if has_no_letters(layer, shown):
            guessed = guessed_text(layer)
            lines = [Line(text, 0.0, 0.0, 0.0, 0.0, False) for text in (guessed or "").split("\n") if text.strip()]
            found.has_no_letters = guessed is None
            shown = guessed or ""
        found.rows = with_wrapped_cells(in_reading_order(with_ruled_tables(lines, rules)))
        found.letters = len("".join(shown.split()))
        found.write(not_shown(written, shown))
        if found.letters <= SCAN_CHARS_MAX and not found.has_no_letters:
            found.picture_share = _picture_share(page)
        return found
    finally:
        if layer is not None:
            layer.close()
        page.close()


def _picture_share(page: Any) -> float:
    """Return how much of a page's area pictures cover, or letters that were turned into curves: 0..1."""
    width, height = page.get_size()
    area = 0.0
    curves = 0
    for drawn in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH], max_depth=_DEPTH_MAX):
        if drawn.type == pdfium.FPDF_PAGEOBJ_PATH:
            curves += 1
            continue
        left, bottom, right, top = drawn.get_bounds()
        area += (right - left) * (top - bottom)
    if curves >= _CURVES_MIN:
        return 1.0
    return min(1.0, area / (width * height)) if width * height > 0 else 0.0
