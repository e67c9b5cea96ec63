"""Collects the cells of a table while it is read; merged cells fill every place that they cover. Pure: no Django."""

from __future__ import annotations

SPAN_MAX = 1000  # columns or rows of one cell, as in browsers
COPIES_MAX = 50_000  # of merged cells in one table: a few hundred bytes of markup can ask for a million
COPIED_MAX_CHARS = 300  # a merged cell with more text than that is written once


class Grid:
    """The rows of one table, each cell in its column.

    Call `add` for each cell from left to right and `end_row` after each row; then read `rows` and `header_rows`.
    """

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._row: list[str] = []
        self._cells = 0  # of the current row
        self._widest = 0  # columns of the current row's widest cell
        self._hanging: dict[int, tuple[str, int]] = {}  # column -> text from above, rows that it covers from this one
        self._next: dict[int, tuple[str, int]] = {}  # the same for the row below
        self._copies = 0
        self._titles: set[int] = set()  # rows that consist of one cell over several columns
        self._headers_end = False
        self.header_rows = 0  # how many rows at the top were said to have the names of the columns

    def add(self, text: str, *, columns: int = 1, rows: int = 1) -> None:
        """Add a cell at the next free place of the current row."""
        self._fill()
        columns, rows = min(max(columns, 1), SPAN_MAX), min(max(rows, 1), SPAN_MAX)
        copies = columns * rows - 1
        if self._copies + copies > COPIES_MAX:
            columns = rows = 1
        else:
            self._copies += copies
        repeated = text if len(text) <= COPIED_MAX_CHARS else ""
        if rows > 1:
            self._next |= dict.fromkeys(range(len(self._row), len(self._row) + columns), (repeated, rows - 1))
        self._row += [text, *([repeated] * (columns - 1))]
        self._cells += 1
        self._widest = max(self._widest, columns)

    def skip(self, columns: int) -> None:
        """Leave places of the current row empty."""
        for _ in range(min(columns, SPAN_MAX)):
            self.add("")
            self._cells -= 1

    def skip_to(self, column: int) -> None:
        """Leave the places of the current row before a column (from 0) empty, but for cells that hang down there."""
        self._fill()
        while (missing := min(column, SPAN_MAX) - len(self._row)) > 0:
            self._row += [""] * (1 if self._hanging else missing)
            self._fill()

    def end_row(self, *, is_header: bool = False) -> None:
        """End the current row; `is_header`: the file says that it has the names of the columns."""
        self._fill()
        while self._hanging:
            self._row.append("")
            self._fill()
        is_title = self._cells == 1 and self._widest == len(self._row) > 1
        if is_title:
            self._titles.add(len(self._rows))
        elif not is_header:
            self._headers_end = True
        elif not self._headers_end:
            self.header_rows += 1
        self._rows.append(self._row)
        self._row, self._cells, self._widest = [], 0, 0
        self._hanging, self._next = self._next, {}

    @property
    def rows(self) -> list[list[str]]:
        """Return the rows. One that is a single cell over the whole width has its text in the first column only."""
        width = max(map(len, self._rows), default=0)
        return [
            row[:1] if number in self._titles and len(row) == width else row for number, row in enumerate(self._rows)
        ]

    def _fill(self) -> None:
        """Fill the places that merged cells of rows above cover, up to the next free one."""
        while (column := len(self._row)) in self._hanging:
            text, rows = self._hanging.pop(column)
            self._row.append(text)
            if rows > 1:
                self._next[column] = (text, rows - 1)
