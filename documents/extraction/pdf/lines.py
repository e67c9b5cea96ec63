"""Reads the lines of a PDF page: text, position on the displayed page, and whether a reader sees them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from ctypes import byref
from typing import Any, NamedTuple

import pypdfium2.raw as pdfium

from documents.extraction.pdf.glyphs import LINE_HYPHEN, Run, box_of, is_generated, origin_of, printed
from documents.extraction.pdf.right_to_left import RIGHT_TO_LEFT, in_logical_order
from documents.extraction.pdf.rules import Rule
from documents.extraction.pdf.visibility import Background

_LINE_END = re.compile(f"\r\n|[\n\r{LINE_HYPHEN}]")
_LIGATURES = {"ffi": "\ufb03", "ffl": "\ufb04", "ff": "\ufb00", "fi": "\ufb01", "fl": "\ufb02"}
_LIGATURE = re.compile("ffi|ffl|ff|fi|fl")
_CONTROL = re.compile("[\x00-\x02\x04-\x08\x0b\x0c\x0e-\x1f]")  # not U+0003: `documents.text.normalization` says why
_GAP = 0.65  # times the height of a line: between two words it is smaller
_CELL = 6.0  # points
_DIGITS = re.compile(r"\d(?=\d)")
_RAISED_SIZE, _RAISED = 0.85, 0.2  # times the size of the digit before: size of a raised one, and how much higher it is
_TWICE = 0.4  # times the size: a line again at this distance is its shadow


class Line(NamedTuple):
    """A line, or the part of one that stands in a column. Points, from the lower left corner of the displayed page."""

    text: str
    size: float  # of its first letter; 0: not known
    left: float
    right: float
    base: float  # height of the line that its letters stand on
    is_upright: bool
    goes_on: bool = False  # in the next of the list, behind a gap: cells of a table, or columns
    cells: tuple[str, ...] = ()  # of a row of a ruled table, which this line is all of then
    table: int = 0  # number of that table on its page


class Sheet(NamedTuple):
    """The displayed part of a page."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int  # 0, 90, 180 or 270 degrees, clockwise
    is_cropped: bool

    @property
    def width(self) -> float:
        """Return the width of the page as it is displayed."""
        return self.top - self.bottom if self.rotation % 180 else self.right - self.left

    @property
    def height(self) -> float:
        """Return the height of the page as it is displayed."""
        return self.right - self.left if self.rotation % 180 else self.top - self.bottom

    def has(self, x: float, y: float) -> bool:
        """Return whether a place of the page is displayed.

        Some programs turn a page and forget to turn its box: of a page that lies on its side, the box of both ways.
        """
        right, top = self.right, self.top
        if self.rotation % 180 and not self.is_cropped:
            side = max(right - self.left, top - self.bottom)
            right, top = self.left + side, self.bottom + side
        return self.left - 1 <= x <= right + 1 and self.bottom - 1 <= y <= top + 1

    def shown(self, x: float, y: float) -> tuple[float, float]:
        """Return where a place of the page is displayed."""
        if self.rotation == 90:
            return y - self.bottom, self.right - x
        if self.rotation == 180:
            return self.right - x, self.top - y
        if self.rotation == 270:
            return self.top - y, x - self.left
        return x - self.left, y - self.bottom


class PageLines(NamedTuple):
    """The lines of a page in the order of the file, and the text on it that nobody can see."""

    lines: list[Line]
    hidden: list[str]


def sheet_of(page: Any) -> Sheet:
    """Return the part of a page that is displayed: its crop box, within its media box."""
    left, bottom, right, top = page.get_cropbox()
    outer = page.get_mediabox()
    box = max(left, outer[0]), max(bottom, outer[1]), min(right, outer[2]), min(top, outer[3])
    if box[0] >= box[2] or box[1] >= box[3]:
        box = outer  # a box of no size: readers ignore it
    return Sheet(*box, page.get_rotation(), box != outer)


def read_lines(page: Any, layer: Any, sheet: Sheet, rules: Sequence[Rule] = ()) -> PageLines:
    """Return the lines of a page's text layer, parted where `rules` part it.

    Text that is drawn twice for a shadow comes once.
    """
    uprights = [rule for rule in rules if rule.is_upright]
    lines: list[Line] = []
    hidden: list[str] = []
    background = Background(page)
    seen: dict[tuple[str, int, int], Line] = {}
    for run in _runs(layer):
        visible = _within(layer, run, sheet)
        if visible.text != run.text and run.text.strip():
            hidden.append(run.text)
        if not visible.text.strip():
            continue
        parts = [_line(layer, part, sheet) for part in _split_at_gaps(layer, visible, sheet, uprights)]
        parts = [*(part._replace(goes_on=True) for part in parts[:-1]), parts[-1]]
        if not background.shows(layer, visible, size=parts[0].size):
            hidden.append(visible.text)
            continue
        lines += [part for part in parts if not _is_repeated(part, seen)]
    return PageLines(lines, hidden)


def _runs(layer: Any) -> list[Run]:
    """Return the lines of a text layer as PDFium finds them."""
    text: str = layer.get_text_range()
    count = max(0, pdfium.FPDFText_CountChars(layer))
    if count > len(text) or RIGHT_TO_LEFT.search(text):  # control characters were dropped, and so blanks
        return [
            Run("".join(character for character, _ in line), [index for _, index in line])
            for line in in_logical_order(layer)
        ]
    runs: list[Run] = []
    start = 0
    for end in _LINE_END.finditer(text):
        stop = end.end() if end[0] == LINE_HYPHEN else end.start()
        runs.append(_run_of(layer, text, start, stop))
        start = end.end()
    runs.append(_run_of(layer, text, start, len(text)))
    return runs


def _run_of(layer: Any, text: str, start: int, end: int) -> Run:
    first = max(0, pdfium.FPDFText_GetCharIndexFromTextIndex(layer, start)) if start < end else 0
    return with_ligatures(layer, Run(text[start:end], range(first, first + end - start)))


def with_ligatures(layer: Any, run: Run) -> Run:
    """Return the run with letters that share one glyph as the ligature they are printed as."""
    found = [
        match
        for match in _LIGATURE.finditer(run.text)
        if len({origin_of(layer, index) for index in run.indices[match.start() : match.end()]} | {None}) == 2
    ]
    if not found:
        return run
    text, start = "", 0
    indices: list[int] = []
    for match in found:
        text += run.text[start : match.start()] + _LIGATURES[match[0]]
        indices += run.indices[start : match.start() + 1]
        start = match.end()
    return Run(text + run.text[start:], [*indices, *run.indices[start:]])


def _within(layer: Any, run: Run, sheet: Sheet) -> Run:
    """Return what of a line is on the displayed part of the page; all of one that only sticks out."""
    places = printed(run)
    if not places:
        return run
    if all(_is_displayed(layer, run.indices[place], sheet) for place in (places[0], places[-1])):
        return run
    kept = [
        number
        for number, character in enumerate(run.text)
        if character.isspace() or _is_displayed(layer, run.indices[number], sheet)
    ]
    if 2 * sum(not run.text[number].isspace() for number in kept) > len(places):
        return run
    return Run("".join(run.text[number] for number in kept), [run.indices[number] for number in kept])


def _is_displayed(layer: Any, index: int, sheet: Sheet) -> bool:
    box = box_of(layer, index)
    return box is None or sheet.has((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)


def _split_at_gaps(layer: Any, run: Run, sheet: Sheet, uprights: Sequence[Rule]) -> list[Run]:
    """Return the parts of a line between gaps that are wider than a blank, or have an upright line in them."""
    if RIGHT_TO_LEFT.search(run.text):
        return [run]
    cuts = []
    for number, character in enumerate(run.text[1:-1], 1):
        if character != " " or not (uprights or is_generated(layer, run.indices[number])):
            continue
        before, after = box_of(layer, run.indices[number - 1]), box_of(layer, run.indices[number + 1])
        if before is None or after is None:
            continue
        size = max(before[3] - before[1], 4.0)
        gap = max(after[0] - before[2], after[1] - before[3], before[1] - after[3])
        is_wide = gap > _GAP * size and is_generated(layer, run.indices[number])
        if is_wide or (uprights and _is_parted(before, after, sheet, uprights)):
            cuts.append(number)
    parts = []
    start = 0
    for cut in [*cuts, len(run.text)]:
        parts.append(Run(run.text[start:cut].strip(" "), run.indices[start:cut]))
        start = cut + 1
    return parts


def _is_parted(
    before: tuple[float, float, float, float],
    after: tuple[float, float, float, float],
    sheet: Sheet,
    uprights: Sequence[Rule],
) -> bool:
    """Return whether an upright line stands between the boxes of two letters."""
    left, y = sheet.shown(before[2], (before[1] + before[3]) / 2)
    right, _ = sheet.shown(after[0], after[1])
    return any(left - 1 <= rule.left <= right + 1 and rule.bottom <= y <= rule.top for rule in uprights)


def _line(layer: Any, run: Run, sheet: Sheet) -> Line:
    """Return a run with its place and size."""
    text = _CONTROL.sub(" ", _with_powers(layer, run).replace(LINE_HYPHEN, "-"))
    places = printed(run) or [0]
    first, last = run.indices[places[0]], run.indices[places[-1]]
    origin, end = origin_of(layer, first), box_of(layer, last)
    matrix = pdfium.FS_MATRIX()
    if origin is None or end is None or not pdfium.FPDFText_GetMatrix(layer, first, byref(matrix)):
        return Line(text, 0.0, 0.0, 0.0, 0.0, False)
    size = float(pdfium.FPDFText_GetFontSize(layer, first)) * math.hypot(matrix.c, matrix.d)
    x, y = sheet.shown(*origin)
    ends = [sheet.shown(end[0], end[1])[0], sheet.shown(end[2], end[3])[0]]
    across, up = _turned(matrix.a, matrix.b, sheet.rotation)
    return Line(text, round(size, 1), x, max(ends), y, across > 0 and abs(up) < 0.2 * across)


def _with_powers(layer: Any, run: Run) -> str:
    """Return the text of a run with "^" before digits that are raised behind others: "10^6", never "106"."""
    pieces, start = [], 0
    for pair in _DIGITS.finditer(run.text):
        place = pair.start() + 1
        before, raised = run.indices[place - 1], run.indices[place]
        size = float(pdfium.FPDFText_GetFontSize(layer, before))
        if float(pdfium.FPDFText_GetFontSize(layer, raised)) > _RAISED_SIZE * size:
            continue
        low, high = origin_of(layer, before), origin_of(layer, raised)
        if low and high and math.dist(low, high) < 2 * size and high[1] - low[1] > _RAISED * size:
            pieces.append(run.text[start:place])
            start = place
    return "^".join([*pieces, run.text[start:]])


def _turned(across: float, up: float, rotation: int) -> tuple[float, float]:
    """Return a direction on the page as it is displayed."""
    return {90: (up, -across), 180: (-across, -up), 270: (-up, across)}.get(rotation, (across, up))


def _is_repeated(line: Line, seen: dict[tuple[str, int, int], Line]) -> bool:
    """Return whether a line says what one at almost the same place says; else note it in `seen`."""
    if line.size <= 0:
        return False
    near = _TWICE * line.size
    x, y = int(line.left // _CELL), int(line.base // _CELL)
    for cell in ((line.text, x + right, y + up) for right in (0, -1, 1) for up in (0, -1, 1)):
        other = seen.get(cell)
        if other and abs(line.left - other.left) <= near and abs(line.base - other.base) <= near:
            return True
    seen[line.text, x, y] = line
    return False
