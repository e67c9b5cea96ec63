"""Writes the rows of a PDF as text; tables keep the names of their columns when they go on overleaf.

Pure: no Django.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from documents.extraction.pdf.headings import text_of
from documents.extraction.pdf.lines import Line
from documents.extraction.pdf.tables import blocks_of
from documents.extraction.tables.headers import find_header, is_new_header, numeric_columns
from documents.extraction.tables.model import describe_rows, describe_table

_ALIGNED = 5.0  # points that the left edges of a table's two parts may differ by

Row = list[Line]


@dataclass(frozen=True)
class _TableAbove:
    """The table that a page ended with."""

    page: int
    names: list[str]
    numeric: list[bool]
    left: float

    def goes_on(self, page: int, rows: Sequence[Row], table: Sequence[list[str]]) -> bool:
        """Return whether a table at the top of a page is more of this one."""
        return (
            page == self.page + 1
            and len(table[0]) == len(self.names)
            and abs(min(row[0].left for row in rows) - self.left) <= _ALIGNED
            and not is_new_header(table[0], table[1:], self.numeric)
        )


class TableText:
    """Writes the rows of a document, page by page."""

    def __init__(self) -> None:
        self._page = 0
        self._above: _TableAbove | None = None

    def start_page(self) -> None:
        """Start the next page of the document."""
        self._page += 1

    def interrupt(self) -> None:
        """End the table above: what comes next is no table."""
        self._above = None

    def lines(self, rows: Sequence[Row]) -> Iterator[str]:
        """Yield the lines of rows; those of a table say what their cells are."""
        for group, table in blocks_of(rows):
            if table is None:
                self.interrupt()
                yield from map(text_of, group)
            else:
                yield from self._table(group, table)

    def _table(self, rows: Sequence[Row], table: list[list[str]]) -> Iterator[str]:
        above = self._above
        if above and above.goes_on(self._page, rows, table):
            self._above = _TableAbove(self._page, above.names, above.numeric, above.left)
            yield from describe_table(table, names=above.names)
            return
        header = find_header(table, is_one=True)
        left = min(row[0].left for row in rows)
        self._above = (
            _TableAbove(self._page, header.names, numeric_columns(table[header.end :]), left) if header else None
        )
        yield from describe_table(table) if rows[0][0].table else describe_rows(table)
