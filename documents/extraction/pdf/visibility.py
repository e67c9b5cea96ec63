"""Tells whether a reader sees text of a PDF page, by its colour and what lies behind it."""

from __future__ import annotations

from ctypes import byref, c_uint
from typing import Any

import pypdfium2.raw as pdfium

from documents.extraction.pdf.glyphs import Run, box_of, printed

_INVISIBLE_MODES = (pdfium.FPDF_TEXTRENDERMODE_INVISIBLE, pdfium.FPDF_TEXTRENDERMODE_CLIP)
_WHITE = 250  # of 255, for each of red, green and blue
_SMALLEST = 1.0  # points: nobody reads smaller letters


class Background:
    """The objects behind the text of a page; read only if some text is white or has no ink."""

    def __init__(self, page: Any) -> None:
        self._page = page
        self._boxes: list[tuple[tuple[float, float, float, float], bool]] | None = None

    def shows(self, layer: Any, run: Run, *, size: float) -> bool:
        """Return whether a reader sees this text.

        Not if it has no ink, unless over a picture (recognised text lies so over a scan); nor white on white, nor dots.
        """
        index = next((run.indices[place] for place in printed(run)), None)
        drawn = None if index is None else pdfium.FPDFText_GetTextObject(layer, index)
        if index is None or not drawn:
            return True
        if 0 < size < _SMALLEST:
            return False
        if pdfium.FPDFTextObj_GetTextRenderMode(drawn) in _INVISIBLE_MODES:
            return self._lies_on(layer, index, pictures_only=True)
        red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
        if not pdfium.FPDFText_GetFillColor(layer, index, byref(red), byref(green), byref(blue), byref(alpha)):
            return True
        if alpha.value == 0:
            return False
        is_white = min(red.value, green.value, blue.value) >= _WHITE
        return not is_white or self._lies_on(layer, index, pictures_only=False)

    def _lies_on(self, layer: Any, index: int, *, pictures_only: bool) -> bool:
        box = box_of(layer, index)
        if box is None:
            return True
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        if self._boxes is None:
            self._boxes = list(self._find_boxes())
        return any(
            left <= x <= right and bottom <= y <= top and (is_picture or not pictures_only)
            for (left, bottom, right, top), is_picture in self._boxes
        )

    def _find_boxes(self) -> Any:
        """Yield bounds of pictures and of coloured areas, and whether it is a picture."""
        kinds = [pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING]
        for drawn in self._page.get_objects(filter=kinds, max_depth=3):
            if drawn.type == pdfium.FPDF_PAGEOBJ_PATH:
                red, green, blue, alpha = c_uint(), c_uint(), c_uint(), c_uint()
                pdfium.FPDFPageObj_GetFillColor(drawn, byref(red), byref(green), byref(blue), byref(alpha))
                if min(red.value, green.value, blue.value) >= _WHITE or not alpha.value:
                    continue
            yield drawn.get_bounds(), drawn.type != pdfium.FPDF_PAGEOBJ_PATH
