"""Finds the straight lines on a PDF page, which tables are drawn with."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import byref, c_float, c_int
from typing import TYPE_CHECKING, Any, NamedTuple

import pypdfium2.raw as pdfium

if TYPE_CHECKING:
    from documents.extraction.pdf.lines import Sheet

_PATHS_MAX = 5000  # of a page: more are drawings
_SEGMENTS_MAX = 400  # of a path
_STRAIGHT = 0.7  # points that the ends of a line may differ by
_THIN = 2.5  # points: a filled area that is no thicker is a line
_SHORTEST = 4.0


class Rule(NamedTuple):
    """A line across (`bottom` is `top`) or upright (`left` is `right`), in points of the displayed page."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def is_upright(self) -> bool:
        """Return whether it goes from top to bottom."""
        return self.right - self.left < self.top - self.bottom


def rules_of(page: Any, sheet: Sheet) -> list[Rule]:
    """Return the lines that are drawn on a page, [] if it is full of drawings."""
    found: list[Rule] = []
    for number, drawn in enumerate(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_PATH], max_depth=1)):
        if number >= _PATHS_MAX:
            return []
        filled, stroked = c_int(), c_int()
        if not pdfium.FPDFPath_GetDrawMode(drawn, byref(filled), byref(stroked)):
            continue
        if filled.value and not stroked.value:
            found += filter(None, [_thin(drawn.get_bounds(), sheet)])
        elif stroked.value:
            found += _stroked(drawn, sheet)
    return found


def _thin(bounds: tuple[float, float, float, float], sheet: Sheet) -> Rule | None:
    """Return a filled area as a line if it is as thin as one."""
    left, bottom, right, top = bounds
    if right - left <= _THIN:
        left = right = (left + right) / 2
    elif top - bottom <= _THIN:
        bottom = top = (bottom + top) / 2
    else:
        return None
    return _rule((left, bottom), (right, top), sheet)


def _stroked(drawn: Any, sheet: Sheet) -> Iterator[Rule]:
    """Yield the straight parts of a path."""
    count = pdfium.FPDFPath_CountSegments(drawn)
    if not 1 < count <= _SEGMENTS_MAX:
        return
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(drawn, byref(matrix))
    first = last = (0.0, 0.0)
    for number in range(count):
        segment = pdfium.FPDFPath_GetPathSegment(drawn, number)
        x, y = c_float(), c_float()
        if not pdfium.FPDFPathSegment_GetPoint(segment, byref(x), byref(y)):
            return
        point = (
            matrix.a * x.value + matrix.c * y.value + matrix.e,
            matrix.b * x.value + matrix.d * y.value + matrix.f,
        )
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = point
        elif kind == pdfium.FPDF_SEGMENT_LINETO and (rule := _rule(last, point, sheet)):
            yield rule
        if pdfium.FPDFPathSegment_GetClose(segment) and (rule := _rule(point, first, sheet)):
            yield rule
        last = point


def _rule(start: tuple[float, float], end: tuple[float, float], sheet: Sheet) -> Rule | None:
    """Return a line between two places of the page if it is straight and long enough."""
    (one_x, one_y), (two_x, two_y) = sheet.shown(*start), sheet.shown(*end)
    width, height = abs(one_x - two_x), abs(one_y - two_y)
    if min(width, height) > _STRAIGHT or max(width, height) < _SHORTEST:
        return None
    if width < height:
        return Rule((one_x + two_x) / 2, min(one_y, two_y), (one_x + two_x) / 2, max(one_y, two_y))
    return Rule(min(one_x, two_x), (one_y + two_y) / 2, max(one_x, two_x), (one_y + two_y) / 2)
