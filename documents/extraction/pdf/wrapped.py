"""Puts the lines of wrapped cells together in tables of a PDF page that are drawn without lines. Pure.

The first line of such a table names its columns. A line below belongs to the row above it if it leaves cells empty and
stands closer to it than rows stand to each other, or if it is a single cell that begins within a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from documents.extraction.pdf.lines import Line

_COLUMNS_MIN = 3  # of two, the lines below may be a label and its text
_ROWS_MIN = 2  # below the header
_HEADER_WORDS_MAX = 6  # of one name
_LEVEL = 0.2  # times the size: lines that differ by less in height are level
_STEP_MAX = 3.0  # times the size, from one line to the next
_TIGHT = 0.9  # times the step from row to row: lines of one cell are closer
_NUMBER = 1000  # of the first table; those that are drawn with lines have lower ones

Row = list[Line]
Level = dict[int, Line]  # column -> what stands in it, of lines at one height


def with_wrapped_cells(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a page with each row of a table that has wrapped cells as one line that has its `cells`."""
    result: list[Row] = []
    place = number = 0
    while place < len(rows):
        end, levels = _levels_below(rows, place)
        table = _table(levels)
        if table is None:
            result += rows[place:end]
        else:
            result += [[_as_line(row, levels, _NUMBER + number)] for row in table]
            number += 1
        place = end
    return result


def _levels_below(rows: Sequence[Row], place: int) -> tuple[int, list[Level]]:
    """Return the place behind the rows that stand in columns below a header, and their lines by height.

    Without a header at `place` it is the next place, and there are no lines.
    """
    header = rows[place]
    if len(header) < _COLUMNS_MIN or any(
        not line.is_upright or line.cells or line.size <= 0 or len(line.text.split()) > _HEADER_WORDS_MAX
        for line in header
    ):
        return place + 1, []
    found = list(header)
    lowest = header[0].base
    end = place + 1
    while end < len(rows) and all(_fits(line, header, lowest) for line in rows[end]):
        found += rows[end]
        lowest = min(lowest, *(line.base for line in rows[end]))
        end += 1
    levels: list[Level] = []
    for line in sorted(found, key=lambda each: -each.base):
        column = _column(line, header)
        if levels and abs(_base(levels[-1]) - line.base) < _LEVEL * line.size:
            if column in levels[-1]:
                return end, []
            levels[-1][column] = line
        else:
            levels.append({column: line})
    return end, levels


def _fits(line: Line, header: Row, lowest: float) -> bool:
    """Return whether a line is below a header, not far below the lines that are, and under one of its names."""
    is_below = lowest - _STEP_MAX * line.size <= line.base < header[0].base - _LEVEL * line.size
    return line.is_upright and not line.cells and line.size > 0 and is_below and sum(_overlaps(line, header)) <= 1


def _overlaps(line: Line, header: Row) -> list[bool]:
    return [line.left < name.right and name.left < line.right for name in header]


def _column(line: Line, header: Row) -> int:
    """Return the column whose name is above a line, else the one whose name is nearest."""
    return min(
        range(len(header)), key=lambda place: max(header[place].left - line.right, line.left - header[place].right)
    )


def _table(levels: Sequence[Level]) -> list[list[Level]] | None:
    """Return the rows of a table, each as its levels; None if no cell of it is wrapped, or it is no table."""
    steps = [_base(above) - _base(below) for above, below in pairwise(levels)]
    full = [step for step, level in zip(steps, levels[1:], strict=True) if len(level) == len(levels[0])]
    if not full:
        return None
    table = [[levels[0]]]
    for step, level in zip(steps, levels[1:], strict=True):
        above = table[-1][-1]
        is_rest = len(table) > 1 and len(level) < len(levels[0]) and level.keys() <= above.keys()
        if is_rest and (step < _TIGHT * min(full) or _is_within_sentence(level)):
            table[-1].append(level)
        else:
            table.append([level])
    is_wrapped = any(len(row) > 1 for row in table)
    has_prose = any(len(row[0]) == 1 for row in table)  # below or within it: such a page is left as it is
    return table if is_wrapped and not has_prose and len(table) > _ROWS_MIN else None


def _is_within_sentence(level: Level) -> bool:
    return len(level) == 1 and 0 not in level and next(iter(level.values())).text[:1].islower()


def _as_line(row: Sequence[Level], levels: Sequence[Level], number: int) -> Line:
    """Return a row of a table as one line with its cells."""
    cells = tuple(_joined(level[column] for level in row if column in level) for column in range(len(levels[0])))
    lines = [line for level in row for line in level.values()]
    return Line(
        text=" ".join(filter(None, cells)),
        size=max(line.size for line in lines),
        left=min(line.left for line in levels[0].values()),
        right=max(line.right for line in lines),
        base=min(line.base for line in lines),
        is_upright=True,
        cells=cells,
        table=number,
    )


def _joined(lines: Iterable[Line]) -> str:
    return " ".join(line.text.strip() for line in lines)


def _base(level: Level) -> float:
    return next(iter(level.values())).base
