"""Writes the tables of every format in one way: each row is a line that names its values.

"Name | Room" and below it "Name: Ada; Room: 12". Empty cells are left out there, because the names tell which ones
are not; a row without names keeps them ("Ada | | 12"), so no cell moves into another column. Pure: no Django.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import groupby, islice, takewhile

from documents.extraction.tables.headers import (
    Header,
    Row,
    find_header,
    is_new_header,
    join_names,
    kind_of,
    numeric_columns,
)

SAMPLE_ROWS = 200  # that a header is found by
LINE_MAX_CHARS = 500  # of a row; a longer one becomes several lines that all begin with its key
KEY_MAX_CHARS = 120
_NEXT_SAMPLE_ROWS = 20  # for the header of a table that begins without an empty row


def describe_table(
    rows: Iterable[Row], *, header_rows: int = 0, has_row_names: bool = False, names: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the lines of one table. Rows without text are left out.

    `header_rows`: so many rows at its top (titles of one cell not counted) are known to have the names of the columns,
    and the table has no names if these rows are empty; 0: look for them. `has_row_names`: the first cell of each row is
    known to be its name. `names` of the columns, if the table goes on from one above.
    """
    marked = None
    if header_rows:
        rows = list(rows)
        marked = _marked_header(rows, header_rows)
    source = _Rows(row for row in map(_clean, rows) if any(row))
    if names:
        for row in source:
            if row != names:  # which is repeated on top of a page
                yield from _row_lines(names, row)
        return
    first = source.peek(SAMPLE_ROWS)
    if _is_pairs(first, is_told=has_row_names and not header_rows):
        for row in source:
            yield _pair(row)
        return
    found = find_header(first, is_one=True) if marked or not header_rows else None
    header = _wider(marked, found) if marked else found
    yield from _beginning(header, source)
    names = header.names if header else []
    for row in source:
        yield from _row_lines(names, row)


def describe_rows(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the lines of a sheet, in which several tables may stand; "" stands between two.

    An empty row ends a table, and so does a row of new names. What follows an empty row and looks like the rows above
    it belongs to them.
    """
    sheet = _Sheet()
    for is_filled, block in groupby(map(_clean, rows), key=any):
        if is_filled:
            yield from sheet.block(_Rows(block))


def join_cells(cells: Iterable[str]) -> str:
    """Return the cells of a row without names as one line, empty ones kept; a lone cell is written as it is."""
    row = list(cells)
    if sum(map(bool, row)) < 2:
        return "".join(row)
    while not row[-1]:
        row.pop()
    return " | ".join(row)


class _Rows:
    """An iterator of rows with look-ahead."""

    def __init__(self, rows: Iterable[list[str]]) -> None:
        self._rows = iter(rows)
        self._ahead: deque[list[str]] = deque()

    def peek(self, count: int) -> list[list[str]]:
        self._ahead.extend(islice(self._rows, max(0, count - len(self._ahead))))
        return list(islice(self._ahead, count))

    def __iter__(self) -> Iterator[list[str]]:
        while self._ahead or self.peek(1):
            yield self._ahead.popleft()


class _Sheet:
    """State of a sheet while it is read: names and kinds of the columns of the table above."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._numeric: list[bool] = []
        self._seen: list[set[str]] = []  # column -> values in the first rows
        self._is_first = True

    def block(self, rows: _Rows) -> Iterator[str]:
        """Yield the lines of rows that stand together."""
        first = rows.peek(SAMPLE_ROWS)
        if len(first) < SAMPLE_ROWS and len(parts := _side_by_side(first)) > 1:
            for part in parts:
                yield from self._tables(_Rows(part))
            return
        if self._names and self._goes_on(first):
            yield from self._body(rows)
        yield from self._tables(rows)

    def _tables(self, rows: _Rows) -> Iterator[str]:
        """Yield the lines of the tables in a block: a new one begins where a row has new names."""
        sample = SAMPLE_ROWS
        while first := rows.peek(sample):
            if not self._is_first:
                yield ""
            self._is_first = False
            if _is_pairs(first):
                self._names = []
                for row in rows:
                    yield _pair(row)
                return
            header = find_header(first)
            self._learn(header, first)
            yield from _beginning(header, rows)
            yield from self._body(rows)
            sample = _NEXT_SAMPLE_ROWS

    def _learn(self, header: Header | None, first: Sequence[Row]) -> None:
        body = first[header.end :] if header else first
        self._names = header.names if header else []
        self._numeric = numeric_columns(body)
        self._seen = [{row[column] for row in body if column < len(row)} - {""} for column in range(len(self._numeric))]

    def _body(self, rows: _Rows) -> Iterator[str]:
        """Yield the rows below a header, up to one with new names or the block's end."""
        while ahead := rows.peek(2):
            is_repeated = ahead[0] == self._names  # as some files do on every page
            if (
                self._names
                and len(ahead) == 2
                and not is_repeated
                and is_new_header(ahead[0], ahead[1:], self._numeric)
            ):
                return
            row = next(iter(rows))
            if not is_repeated:
                yield from _row_lines(self._names, row)

    def _goes_on(self, rows: Sequence[Row]) -> bool:
        """Return whether a block is more of the table above: numbers where that has numbers, or words that it has."""
        first = rows[0]
        pairs = [(kind_of(cell), is_numeric) for cell, is_numeric in zip(first, self._numeric, strict=False) if cell]
        if len(first) > len(self._names) or len(pairs) < 2 or first == self._names:
            return False
        if any(self._numeric):
            return all(kind != "text" for kind, is_numeric in pairs if is_numeric) and any(
                is_numeric for _kind, is_numeric in pairs
            )
        return any(cell in seen for cell, seen in zip(first, self._seen, strict=False) if cell)


def _clean(row: Row) -> list[str]:
    """Return the cells on one line each, without the empty ones at the end."""
    cells = [" ".join(cell.split()) if cell else "" for cell in row]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _marked_header(rows: Sequence[Row], header_rows: int) -> Header | None:
    """Return the header that the file marks: the rows below the titles, joined; None if they name no column."""
    titles = sum(1 for _ in takewhile(lambda row: len(row) == 1, rows))
    marked = [cells for row in rows[titles : titles + header_rows] if (cells := _clean(row))]
    if not marked:
        return None
    start = sum(1 for row in rows[:titles] if _clean(row))  # rows without text are not counted
    return Header(reduce(join_names, marked, []), start, start + len(marked))


def _wider(marked: Header, found: Header | None) -> Header:
    """Return the header that a file marks, with the row below it if that parts its groups of columns."""
    return found if found and found.start == marked.start and found.end > marked.end else marked


def _beginning(header: Header | None, rows: _Rows) -> Iterator[str]:
    """Yield the titles above the header and the header; what comes next of `rows` is the first row below."""
    if header is None:
        return
    for number, row in enumerate(islice(rows, header.end)):
        if number < header.start:
            yield join_cells(row)
    yield " | ".join(header.names)


def _row_lines(names: Sequence[str], row: Row) -> Iterator[str]:
    """Yield a row, each value with the name of its column: one line, or several with its key if it is long."""
    if not names:
        yield join_cells(row)
        return
    pairs = [_named(names[number] if number < len(names) else "", cell) for number, cell in enumerate(row) if cell]
    line = "; ".join(pairs)
    if len(line) <= LINE_MAX_CHARS or len(pairs) < 3:
        yield line
        return
    key = _key(row, pairs)
    line = ""
    for pair in pairs:
        if line and line != key and len(line) + len(pair) > LINE_MAX_CHARS:
            yield line
            line = key
        line = f"{line}; {pair}" if line else pair
    yield line


def _key(row: Row, pairs: Sequence[str]) -> str:
    """Return what tells a row from the others: its first value, and the second where the first is only its number."""
    first = next(cell for cell in row if cell)
    key = "; ".join(pairs[:2]) if first.isdecimal() and len(first) < 6 else pairs[0]
    return key if len(key) <= KEY_MAX_CHARS else ""


def _named(name: str, cell: str) -> str:
    name = name.rstrip(":： ")
    return f"{name}: {cell}" if name else cell


def _is_pairs(rows: Sequence[Row], *, is_told: bool = False) -> bool:
    """Return whether a table is a form: names on the left, what is filled in on the right."""
    if not rows or any(len(row) > 2 or not row[0] for row in rows) or not any(len(row) == 2 for row in rows):
        return False
    return is_told or all(row[0].endswith((":", "：")) for row in rows)


def _pair(row: Row) -> str:
    return _named(row[0], row[1]) if len(row) > 1 else row[0]


def _side_by_side(rows: Sequence[Row]) -> list[list[list[str]]]:
    """Return the tables that stand beside each other with an empty column between them; all rows if it is one."""
    width = max(map(len, rows))
    is_used = [any(column < len(row) and row[column] for row in rows) for column in range(width)]
    groups = [
        [column for column, _used in group]
        for used, group in groupby(enumerate(is_used), key=lambda pair: pair[1])
        if used
    ]
    whole = [list(row) for row in rows]
    if len(groups) < 2 or any(len(group) < 2 for group in groups):
        return [whole]
    parts = []
    for group in groups:
        part = [_clean(row[group[0] : group[-1] + 1]) for row in rows]
        parts.append([row for row in part if any(row)])
    headers = [find_header(part) for part in parts]
    is_several = len({len(part) for part in parts}) > 1 or len({tuple(h.names) for h in headers if h}) < len(headers)
    return parts if all(headers) and is_several else [whole]
