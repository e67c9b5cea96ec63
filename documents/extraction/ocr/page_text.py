"""Puts recognised lines into reading order, and estimates how reliable the text is."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from documents.extraction.ocr.engines import Line
from documents.extraction.ocr.recognised_page import PageText
from documents.extraction.pdf.lines import Line as Placed
from documents.extraction.pdf.tables import blocks_of
from documents.extraction.tables.model import describe_rows

NOISE = 0.3  # confidence of a line that is a stain, a stamp or a signature, and no text
_SAME_ROW = 0.5  # of the lower line's height, that two lines of a row overlap
_PARAGRAPH_GAP = 1.2  # line heights between two lines, from which on a paragraph begins
_TURNED = 1.5  # times its width that a line is high, of a page that lies on its side
_TURNED_CHARS_MIN = 4
_COLUMN_GAP = 3.0  # line heights between two pieces of a row, from which on they may be in two columns


def is_turned(lines: Sequence[Line]) -> bool:
    """Return whether most text of a page stands in lines that are higher than wide: the page lies on its side."""
    long = [line for line in lines if len(line.text) >= _TURNED_CHARS_MIN]
    tall = [line for line in long if line.bottom - line.top > _TURNED * (line.right - line.left)]
    return sum(len(line.text) for line in tall) > sum(len(line.text) for line in long) / 2


def text_of_page(lines: Sequence[Line]) -> PageText:
    """Return the lines of a page as text: columns one after the other, rows from top to bottom, blank lines between
    paragraphs.
    """
    kept = [line for line in lines if line.confidence >= NOISE and line.text.strip()]
    if not kept:
        return PageText("", 1.0)
    chars = sum(len(line.text) for line in kept)
    confidence = sum(line.confidence * len(line.text) for line in kept) / chars
    height = median(line.bottom - line.top for line in kept)
    blocks = [_as_text(column, height) for column in _columns(kept, height)]
    return PageText("\n\n".join(blocks), confidence)


def _columns(lines: Sequence[Line], height: float) -> list[list[Line]]:
    """Return the lines cut where a vertical gap runs through all of them, left part first; again in each part.

    Bands of lines across the page (a title, say) are cut off first: a gap need not run through them.
    """
    gap = _gap_through(lines, height)
    if gap is not None:
        left = [line for line in lines if line.right <= gap]
        right = [line for line in lines if line.left >= gap]
        return [*_columns(left, height), *_columns(right, height)]
    rows = _rows(lines)
    # A wide line above or below two columns: the columns are looked for between such lines.
    for place in range(1, len(rows)):
        above = [line for row in rows[:place] for line in row]
        below = [line for row in rows[place:] for line in row]
        if len(rows[place - 1]) == 1 and _gap_through(below, height) is not None:
            return [above, *_columns(below, height)]
    return [list(lines)]


def _gap_through(lines: Sequence[Line], height: float) -> float | None:
    """Return where no line is, from top to bottom, with at least three lines on either side; None: nowhere.

    A table has such gaps, too, but its rows stand side by side: there the pieces are short.
    """
    by_left = sorted(lines, key=lambda line: line.left)
    reached = by_left[0].right if by_left else 0.0
    for number, line in enumerate(by_left[1:], start=1):
        if line.left - reached >= height * _COLUMN_GAP / 2:
            sides = by_left[:number], by_left[number:]
            if all(len(side) >= 3 and _is_prose(side, height) for side in sides):
                return (reached + line.left) / 2
        reached = max(reached, line.right)
    return None


def _is_prose(lines: Sequence[Line], height: float) -> bool:
    return median(line.right - line.left for line in lines) >= 10 * height


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines by rows, from top to bottom, those of a row from left to right."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda each: (each.top + each.bottom) / 2):
        last = rows[-1] if rows else None
        if last is not None and _continues(last, line):
            last.append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda each: each.left) for row in rows]


def _continues(row: Sequence[Line], line: Line) -> bool:
    """Return whether a line is level with one of a row and below or above none: on a crooked page, rows overlap."""
    return any(_are_side_by_side(line, other) for other in row) and all(
        line.left >= other.right or other.left >= line.right for other in row
    )


def _are_side_by_side(one: Line, other: Line) -> bool:
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    lower = min(one.bottom - one.top, other.bottom - other.top)
    return overlap >= _SAME_ROW * lower and (one.left >= other.right or other.left >= one.right)


def _as_text(lines: Sequence[Line], height: float) -> str:
    """Return the lines of a column: rows that stand in at least three columns below a header are a table's."""
    texts: list[str] = []
    rows = _rows(lines)
    place = start = 0
    for group, table in blocks_of([_placed(row) for row in rows]):
        if table is not None:
            texts += [_as_rows(rows[start:place], height), "\n".join(describe_rows(table))]
            start = place + len(group)
        place += len(group)
    texts.append(_as_rows(rows[start:], height))
    return "\n\n".join(filter(None, texts))


def _placed(row: Sequence[Line]) -> list[Placed]:
    """Return a row as one of a PDF: with heights that grow upwards."""
    bottom = max(line.bottom for line in row)
    return [Placed(line.text, line.bottom - line.top, line.left, line.right, -bottom, True) for line in row]


def _as_rows(rows: Sequence[Sequence[Line]], height: float) -> str:
    parts: list[str] = []
    bottom: float | None = None
    for row in rows:
        top = min(line.top for line in row)
        if bottom is not None:
            parts.append("\n\n" if top - bottom > _PARAGRAPH_GAP * height else "\n")
        parts.append("  ".join(line.text.strip() for line in row))
        bottom = max(line.bottom for line in row)
    return "".join(parts)
