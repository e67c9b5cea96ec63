"""Finds the header of a table: the rows with the names of its columns. Pure: no Django.

A header is text where the rows below are numbers or dates, or years, or a row of words that occur nowhere below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Row = Sequence[str]
Kind = Literal["", "text", "number", "date", "year"]

NAME_MAX_CHARS = 300  # questions of surveys are column names too
PREAMBLE_ROWS_MAX = 20  # above the header
_CURRENCY = r"[$€£¥₫₩₹฿]|[A-Z]{2,3}\$?|zł|kr\.?|Fr\.?|đ|đồng|Kč|Ft|лв\.?|руб\.?|円|元"
_NUMBER = re.compile(
    rf"[-–+(<>~≈±]?\s?(?:{_CURRENCY})?\s?[-–+]?\d[\d.,:/'’\s×x%-]*\)?(?:[eE][-+]?\d+)?\s?(?:%|‰|{_CURRENCY})?"
)
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}(?:[-/.]\d{1,2})?(?:[T ]\d{1,2}:\d{2}(?::\d{2})?)?|\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{1,2}:\d{2}"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_PLACEHOLDER = re.compile(r"[-–—.?/*x]+|n/?a|none|nil|null|tb[dac]|unknown|keine?|k\.\s?a\.|không", re.IGNORECASE)
_SHARE = 0.6  # of a column's cells that make it one of numbers


@dataclass(frozen=True)
class Header:
    """`names` of the columns; `start` is the header's first row, `end` the first one below it."""

    names: list[str]
    start: int
    end: int


def kind_of(cell: str) -> Kind:
    """Return what a cell is, "" if it is empty."""
    if not cell:
        return ""
    if not any(map(str.isdecimal, cell[:40])):
        return "text"
    if _YEAR.fullmatch(cell):
        return "year"
    if _DATE.fullmatch(cell):
        return "date"
    return "number" if len(cell) <= 60 and _NUMBER.fullmatch(cell) else "text"


def find_header(rows: Sequence[Row], *, is_one: bool = False) -> Header | None:
    """Return the header of a table that begins with these rows, or None. Rows above it are titles and notes.

    `is_one`: these are the rows of one table for certain, so rows of a single cell belong to it, too.
    """
    filled = [sum(map(bool, row)) for row in rows]
    usual = sorted(filled)[len(filled) // 2] if filled else 0
    for place, row in enumerate(rows[: PREAMBLE_ROWS_MAX + 1]):
        below = rows[place + 1 :]
        if filled[place] < 2:
            continue
        if below and _has_groups(row) and _has_groups(below[0]):
            names = _two_rows(join_names(row, below[0]), below[1:])
            if names is not None:
                return Header(names, place, place + 3)
        if (names := _two_rows(row, below)) is not None:
            return Header(names, place, place + 2)
        if filled[place] < max(2, _SHARE * usual):
            continue
        return Header(list(row), place, place + 1) if _is_header(row, below, 1 if is_one else 2) else None
    return None


def is_new_header(row: Row, below: Sequence[Row], numeric: Sequence[bool]) -> bool:
    """Return whether a row in the middle of a table begins another one: words where `numeric` columns have numbers."""
    if not any(is_numeric and cell and cell[0].isalpha() for cell, is_numeric in zip(row, numeric, strict=False)):
        return False
    cells = [cell for cell in row if cell]
    if len(cells) < 2 or len({cell.casefold() for cell in cells}) < len(cells):
        return False
    if any(kind_of(cell) not in ("text", "year") or _PLACEHOLDER.fullmatch(cell) for cell in cells):
        return False
    return _strength(row, below) > 0


def numeric_columns(rows: Sequence[Row]) -> list[bool]:
    """Return for each column whether most of its cells are numbers, dates or years."""
    width = max(map(len, rows), default=0)
    return [_numeric_share(rows, column) >= _SHARE for column in range(width)]


def join_names(top: Row, bottom: Row) -> list[str]:
    """Return the names that two rows of headers make together: "2024" above "Q1" is "2024 Q1"."""
    width = max(len(top), len(bottom))
    names = []
    for column in range(width):
        above, below = _cell(top, column), _cell(bottom, column)
        names.append(above if above == below else f"{above} {below}".strip())
    return names


def _has_groups(row: Row) -> bool:
    """Return whether a row has names that go over several columns."""
    return any(one and one == two for one, two in pairwise(row))


def _two_rows(top: Row, below: Sequence[Row]) -> list[str] | None:
    """Return the names if the first two rows are headers: groups of columns, and below them the columns."""
    if len(below) < 2:
        return None
    bottom, data = below[0], below[1:]
    is_merged = _has_groups(top)
    groups = _spread(top, bottom)
    is_open = groups != list(top)
    if not (is_merged or is_open) or not any(bottom):
        return None
    cells = [cell for cell in bottom if cell]
    if any(kind_of(cell) not in ("text", "year") or len(cell) > NAME_MAX_CHARS for cell in cells):
        return None
    if any(kind_of(cell) in ("number", "date") for cell in top):
        return None
    names = join_names(groups, bottom)
    is_distinct = len({name.casefold() for name in names if name}) == sum(map(bool, names))
    strength = _strength(bottom, data)
    if is_open and strength > 0:
        return names if is_distinct else None
    # Two columns of one name are no group: below a group, the others have no second name.
    in_group = {column for column, (one, two) in enumerate(pairwise(top)) if one and one == two}
    in_group |= {column + 1 for column in in_group}
    is_group = all(
        _cell(bottom, column) if column in in_group else _cell(bottom, column) in ("", name)
        for column, name in enumerate(top)
    )
    return names if is_distinct and is_group and strength >= 0 else None


def _spread(top: Row, bottom: Row) -> list[str]:
    """Return the upper row with each group's name over all its columns; it ends where the lower row is empty."""
    spread = list(top) + [""] * (len(bottom) - len(top))
    for column in range(1, len(spread)):
        if not spread[column] and _cell(bottom, column) and _cell(bottom, column - 1):
            spread[column] = spread[column - 1]
    return spread


def _is_header(row: Row, below: Sequence[Row], least: int) -> bool:
    """Return whether a row is the header of those below, one of which has at least so many cells."""
    if not any(sum(map(bool, other)) >= least for other in below):
        return False
    strength = _strength(row, below)
    if strength > 0:
        return True
    if len(row) == 2 and _is_form([row, *below]):
        return False
    names = [cell.casefold() for cell in row if cell]
    return strength == 0 and len(set(names)) > 1 and kind_of(row[0]) in ("text", "")


def _is_form(rows: Sequence[Row]) -> bool:
    """Return whether rows of two cells are labels with values, by their second cells: words alternate with numbers, or
    the first one has a digit, which names of columns do not have.
    """
    values = [row[1] for row in rows if len(row) == 2 and row[1]]
    are_words = [kind_of(value) == "text" for value in values if value != values[0]]  # a header may be repeated
    changes = sum(one != two for one, two in pairwise(are_words))
    return changes > 1 or (kind_of(values[0]) == "text" and any(map(str.isdecimal, values[0])))


def _strength(row: Row, below: Sequence[Row]) -> int:
    """Return above 0: certainly a header of what is below; 0: may be one; below 0: certainly none."""
    for_it = against = 0
    is_counted = _is_sequence(row)
    for column, cell in enumerate(row):
        if not cell:
            continue
        if len(cell) > NAME_MAX_CHARS:
            return -1
        kind = kind_of(cell)
        column_cells = [other for line in below if (other := _cell(line, column))]
        kinds = [kind_of(other) for other in column_cells]
        if kind == "text":
            if _PLACEHOLDER.fullmatch(cell):
                continue
            if kinds and sum(each != "text" for each in kinds) >= _SHARE * len(kinds):
                for_it += 1
            elif cell.casefold() in {other.casefold() for other in column_cells}:
                against += 1
        elif kind in ("year", "date"):
            same = sum(each == kind for each in kinds)
            if same > 0.3 * len(kinds):
                return -1
            for_it += 1 if kinds and kind_of(row[0]) in ("text", "") else 0
        elif not is_counted:
            return -1
    return for_it - against if for_it or against else 0


def _is_sequence(row: Row) -> bool:
    """Return whether the numbers in a row count up (days of a month, months of a year) behind a first cell of words."""
    numbers = [int(cell) for cell in row if cell.isdecimal() and len(cell) <= 4]
    steps = {two - one for one, two in pairwise(numbers)}
    return len(numbers) >= 3 and steps == {1} and not row[0].isdecimal()


def _numeric_share(rows: Sequence[Row], column: int) -> float:
    kinds = [kind for row in rows if (kind := kind_of(_cell(row, column)))]
    return sum(kind != "text" for kind in kinds) / len(kinds) if kinds else 0.0


def _cell(row: Row, column: int) -> str:
    return row[column] if column < len(row) else ""
