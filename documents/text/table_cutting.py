"""Cuts text with tables between rows, and within a long row between its cells. Pure: no Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from documents.text.table_rows import Table, cell_starts, key_of, name_at


@dataclass(frozen=True)
class Span:
    """`text[start:end]`; `row`: the key of the table row that it continues, if it begins within one."""

    start: int
    end: int
    row: str = ""


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without blanks at its ends."""
    part = text[start:end]
    left = len(part) - len(part.lstrip())
    return start + left, max(start + left, start + len(part.rstrip()))


class TableCutter:
    """Cuts a part of `text` with tables. `measure` and `size` have the same unit; `prose` cuts text between tables."""

    def __init__(
        self, text: str, measure: Callable[[str], int], size: int, prose: Callable[[int, int], Iterator[Span]]
    ) -> None:
        self._text = text
        self._measure = measure
        self._size = size
        self._prose = prose

    def cut(self, start: int, body: int, end: int, tables: Sequence[Table]) -> Iterator[Span]:
        """Yield the spans; the first begins at `start`, with the heading lines before `body`."""
        return self._filled(start, self._units(body, end, tables))

    def _fits(self, start: int, end: int) -> bool:
        return self._measure(self._text[start:end]) <= self._size

    def _units(self, start: int, end: int, tables: Sequence[Table]) -> Iterator[Span]:
        """Yield the units of which pieces are made: cut prose, a header with its first row, rows."""
        for table in tables:
            yield from self._between(start, table.start)
            first_end = table.rows[0][1]
            if self._fits(table.start, first_end):
                yield Span(table.start, first_end)
            else:
                yield from self._between(table.start, table.header_end)
                yield from self._row(*table.rows[0], table)
            for row_start, row_end in table.rows[1:]:
                yield from self._row(row_start, row_end, table)
            start = table.end
        yield from self._between(start, end)

    def _between(self, start: int, end: int) -> Iterator[Span]:
        start, end = trimmed(self._text, start, end)
        if start < end:
            yield from [Span(start, end)] if self._fits(start, end) else self._prose(start, end)

    def _row(self, start: int, end: int, table: Table) -> Iterator[Span]:
        """Yield a row; a row that is too large is cut between cells, a cell that is too large like prose."""
        if self._fits(start, end):
            yield Span(start, end)
            return
        line = self._text[start:end]
        key = key_of(line, table.names)
        begin = start
        for cell, following in pairwise([*(start + place for place in cell_starts(line, table.names)), end]):
            if self._fits(begin, following):
                continue
            if begin < cell:
                yield Span(*trimmed(self._text, begin, cell), "" if begin == start else key)
                begin = cell
            if not self._fits(cell, following):
                for span in self._prose(cell, following):
                    about = " > ".join(filter(None, (key, name_at(line, span.start - start, table.names))))
                    yield Span(span.start, span.end, "" if span.start == start else about)
                begin = following
        if begin < end:
            yield Span(*trimmed(self._text, begin, end), "" if begin == start else key)

    def _filled(self, start: int, units: Iterator[Span]) -> Iterator[Span]:
        """Yield the units, neighbours joined as long as they fit into one piece.

        The end of a row that was cut is not joined with the next row, because it has another key.
        """
        held: Span | None = None
        for unit in units:
            both = Span(start, unit.end) if held is None else Span(held.start, max(held.end, unit.end), held.row)
            is_other_row = held is not None and bool(held.row) and not unit.row
            if not is_other_row and self._fits(both.start, both.end):
                held = both
                continue
            if held is not None:
                yield held
            elif start < unit.start:  # the headings don't fit before the first unit
                heading = Span(*trimmed(self._text, start, unit.start))
                if heading.start < heading.end:
                    yield heading
            held = unit
        if held is not None:
            yield held
