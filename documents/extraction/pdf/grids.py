"""Finds tables of a PDF page whose cells are drawn with lines, and assigns the text to the cells. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from documents.extraction.pdf.lines import Line
from documents.extraction.pdf.rules import Rule
from documents.extraction.tables.grid import COPIED_MAX_CHARS

_NEAR = 2.0  # points: lines that are no farther apart are one, or touch
_RULES_MAX = 20_000
_ROWS_MAX, _COLUMNS_MAX = 300, 60
_CELL_MAX_CHARS = 700  # with more in one, the lines are frames of a page's parts
_FILLED_MIN = 3  # cells with text

Span = tuple[float, float]


class _Grid(NamedTuple):
    """Lines that form a table: places of the upright ones and of those across, and where each of them is drawn."""

    xs: list[float]  # from left to right
    ys: list[float]  # from top to bottom
    uprights: list[list[Span]]
    across: list[list[Span]]

    def place_of(self, line: Line) -> tuple[int, int] | None:
        """Return row and column of the cell that a line of text begins in."""
        y, x = line.base + 0.25 * line.size, line.left + 0.5
        row = bisect_right([-each for each in self.ys], -y) - 1
        column = bisect_right(self.xs, x) - 1
        return (row, column) if 0 <= row < len(self.ys) - 1 and 0 <= column < len(self.xs) - 1 else None


def with_ruled_tables(lines: Sequence[Line], rules: Sequence[Rule]) -> list[Line]:
    """Return the lines of a page with each row of a ruled table as one line that has its `cells`.

    A table stands where its first text stood. Cells that are drawn as one have its text each.
    """
    result = list(lines)
    for number, grid in enumerate(_grids(rules), 1):
        own = [(place, line) for line in result if not line.cells and (place := grid.place_of(line))]
        rows = _rows(grid, own)
        if rows is None:
            continue
        inside = {id(line) for _, line in own}
        start = next(place for place, line in enumerate(result) if id(line) in inside)
        sizes = [line.size for _, line in own]
        table = [
            Line(
                text=" ".join(filter(None, dict.fromkeys(cells))),
                size=max(sizes),
                left=grid.xs[0],
                right=grid.xs[-1],
                base=grid.ys[row + 1],
                is_upright=True,
                cells=tuple(cells),
                table=number,
            )
            for row, cells in enumerate(rows)
            if any(cells)
        ]
        result = [
            *(line for line in result[:start] if id(line) not in inside),
            *table,
            *(line for line in result[start:] if id(line) not in inside),
        ]
    return result


def _rows(grid: _Grid, own: Sequence[tuple[tuple[int, int], Line]]) -> list[list[str]] | None:
    """Return the cells of each row, None if the lines are the frames of something else than a table."""
    areas = _areas(grid)
    texts: dict[tuple[int, int], list[str]] = {}
    for place, line in sorted(own, key=lambda pair: (-round(pair[1].base), pair[1].left)):
        texts.setdefault(areas[place], []).append(line.text.strip())
    joined = {area: " ".join(filter(None, parts)) for area, parts in texts.items()}
    if len(joined) < _FILLED_MIN or max(map(len, joined.values())) > _CELL_MAX_CHARS:
        return None
    if len({column for _, column in joined}) < 2 or len({row for row, _ in joined}) < 2:
        return None
    rows = []
    for row in range(len(grid.ys) - 1):
        cells = []
        for column in range(len(grid.xs) - 1):
            area = areas[row, column]
            text = joined.get(area, "")
            cells.append(text if area == (row, column) or len(text) <= COPIED_MAX_CHARS else "")
        rows.append(_without_title_copies(cells, [areas[row, column] for column in range(len(cells))]))
    return rows


def _without_title_copies(cells: list[str], areas: Sequence[tuple[int, int]]) -> list[str]:
    """Return a row that is one cell over all columns, a title, with its text once."""
    return [cells[0], *([""] * (len(cells) - 1))] if len(set(areas)) == 1 else cells


def _areas(grid: _Grid) -> dict[tuple[int, int], tuple[int, int]]:
    """Return for each place (row, column) the first place of the cell that covers it."""
    areas: dict[tuple[int, int], tuple[int, int]] = {}
    for row, (top, bottom) in enumerate(pairwise(grid.ys)):
        for column, (left, right) in enumerate(pairwise(grid.xs)):
            if column and not _is_drawn(grid.uprights[column], (top + bottom) / 2):
                areas[row, column] = areas[row, column - 1]
            elif row and not _is_drawn(grid.across[row], (left + right) / 2):
                areas[row, column] = areas[row - 1, column]
            else:
                areas[row, column] = (row, column)
    return areas


def _is_drawn(spans: Sequence[Span], place: float) -> bool:
    return any(start <= place <= end for start, end in spans)


def _grids(rules: Sequence[Rule]) -> Iterator[_Grid]:
    """Yield the tables that lines form: those that touch each other, at least three of each direction."""
    if len(rules) > _RULES_MAX:
        return
    uprights = _merged([(rule.left, rule.bottom, rule.top) for rule in rules if rule.is_upright])
    across = _merged([(rule.bottom, rule.left, rule.right) for rule in rules if not rule.is_upright])
    for group in _touching(uprights, across):
        xs = _places([at for at, _, _ in group[0]])
        ys = _places([at for at, _, _ in group[1]])
        if 3 <= len(xs) <= _COLUMNS_MAX + 1 and 3 <= len(ys) <= _ROWS_MAX + 1:
            yield _Grid(
                xs,
                ys[::-1],
                [[span for at, *span in group[0] if abs(at - x) <= _NEAR] for x in xs],  # type: ignore[misc]
                [[span for at, *span in group[1] if abs(at - y) <= _NEAR] for y in ys[::-1]],  # type: ignore[misc]
            )


Segment = tuple[float, float, float]  # where it is, and from where to where it goes


def _merged(segments: Sequence[Segment]) -> list[Segment]:
    """Return lines at about the same place that touch each other as one."""
    merged: list[Segment] = []
    waiting = sorted(segments)
    while waiting:
        at = waiting[0][0]
        level = [segment for segment in waiting if segment[0] - at <= _NEAR]
        waiting = waiting[len(level) :]
        start, end = 0.0, float("-inf")
        for _, low, high in sorted(level, key=lambda segment: segment[1]):
            if low > end + _NEAR:
                if end > start:
                    merged.append((at, start, end))
                start, end = low, high
            end = max(end, high)
        merged.append((at, start, end))
    return merged


def _touching(uprights: Sequence[Segment], across: Sequence[Segment]) -> Iterator[tuple[list[Segment], list[Segment]]]:
    """Yield the upright lines and those across that touch each other, directly or over others."""
    left_uprights, left_across = list(uprights), list(across)
    while left_uprights:
        group: tuple[list[Segment], list[Segment]] = ([left_uprights.pop()], [])
        new: list[Segment] = list(group[0])
        is_upright = True
        while new:
            others = left_across if is_upright else left_uprights
            met = [other for other in others if any(_meet(one, other) for one in new)]
            for other in met:
                others.remove(other)
            group[1 if is_upright else 0].extend(met)
            new, is_upright = met, not is_upright
        yield group


def _meet(one: Segment, other: Segment) -> bool:
    return one[1] - _NEAR <= other[0] <= one[2] + _NEAR and other[1] - _NEAR <= one[0] <= other[2] + _NEAR


def _places(values: Sequence[float]) -> list[float]:
    places: list[float] = []
    for value in sorted(values):
        if not places or value - places[-1] > _NEAR:
            places.append(value)
    return places
