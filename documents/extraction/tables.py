"""Rows of cells as lines that can be read, and found, one by one."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50
_HEADER_CELL_MAX_CHARS = 80
_CELL_MAX_CHARS = 300  # in a table that nobody announced; prose has longer "cells"
_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,:/\s%-]*\)?(?:[eE][-+]?\d+)?[%€$£]?")


def find_delimiter(head: str, *, is_expected: bool) -> str | None:
    """Return the character that separates the cells of a text's rows, or None if the text is no table.

    `is_expected`: its name says that it is one. Otherwise all rows must have the same number of cells.
    """
    candidates = []
    for delimiter in DELIMITERS:
        counts = _cells_per_row(head, delimiter, cell_max_chars=10**6 if is_expected else _CELL_MAX_CHARS)
        if not counts:
            continue
        (width, agreeing), rows = counts.most_common(1)[0], counts.total()
        if width < 2:
            continue
        share = agreeing / rows
        if (is_expected and share >= 0.5) or (
            share == 1.0 and rows >= 3 and (width >= 3 or delimiter == "\t" or rows >= 6)
        ):
            candidates.append((share, width, delimiter))
    return max(candidates)[2] if candidates else None


def read_rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a delimited text, quotes resolved. Raises csv.Error when a cell has no end."""
    return csv.reader(text.splitlines(keepends=True), delimiter=delimiter)


def describe_rows(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a line per row that has a cell with text: "Team: Maple Leafs; City: Toronto", or "Maple Leafs | Toronto".

    The first is used below a row that looks like a header; each line then says by itself what its values are.
    """
    cleaned = ([" ".join(cell.split()) for cell in row] for row in rows)
    filled = (row for row in cleaned if any(row))
    header: list[str] | None = None
    first = list(islice(filled, _SAMPLE_ROWS))
    before, header = _find_header(first)
    yield from (join_cells(row) for row in first[:before])
    rest = chain(first[before:], filled)
    if header is None:
        yield from map(join_cells, rest)
        return
    next(rest)
    yield join_cells(header)
    for row in rest:
        yield _with_names(header, row)


def join_cells(cells: Iterable[str]) -> str:
    """Return the cells that have text as one line."""
    return " | ".join(cell for cell in cells if cell)


def _with_names(header: Sequence[str], row: Sequence[str]) -> str:
    """Return one row, each value with the name of its column."""
    named = []
    for number, cell in enumerate(row):
        name = header[number] if number < len(header) else ""
        if cell:
            named.append(f"{name}: {cell}" if name else cell)
    return "; ".join(named)


def _find_header(rows: Sequence[Sequence[str]]) -> tuple[int, list[str] | None]:
    """Return how many rows stand above the header (titles of one cell), and the header; None if there is none."""
    for number, row in enumerate(rows):
        cells = [cell for cell in row if cell]
        if len(cells) < 2:
            continue
        is_named = all(len(cell) <= _HEADER_CELL_MAX_CHARS and not _NUMBER.fullmatch(cell) for cell in cells)
        is_distinct = len({cell.lower() for cell in cells}) == len(cells)
        below = [other for other in rows[number + 1 :] if sum(map(bool, other)) >= 2]
        if is_named and is_distinct and below:
            return number, list(row)
        return number, None
    return len(rows), None


def _cells_per_row(head: str, delimiter: str, *, cell_max_chars: int) -> Counter[int]:
    """Return how many of the first rows have which number of cells; empty if the text can't be read that way."""
    lines = head.splitlines(keepends=True)
    if len(lines) > _SAMPLE_ROWS:
        lines = lines[:_SAMPLE_ROWS]
    elif len(lines) > 2:
        lines = lines[:-1] if len(head) >= 20_000 else lines  # the last one may be cut
    counts: Counter[int] = Counter()
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            if any(len(cell) > cell_max_chars for cell in row):
                return Counter()
            if any(cell.strip() for cell in row):
                counts[len(row)] += 1
    except csv.Error:
        return Counter()
    return counts
