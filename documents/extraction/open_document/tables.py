"""Reads the rows of OpenDocument tables and sheets, with repeated, merged and hidden ones. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from documents.extraction.office.charts import as_shown
from documents.extraction.open_document.text import OFFICE, TABLE

_COLUMNS_MAX = 16_384
_REPEATED_MAX = 1000  # rows with text that are the same; without text their number does not matter
_GROUPS = frozenset(
    f"{TABLE}{kind}" for kind in ("table-rows", "table-row-group", "table-header-rows", "table-columns",
                                  "table-column-group", "table-header-columns")
)  # fmt: skip


@dataclass
class Rows:
    """Options for reading rows; `hidden` counts the rows and columns that were left out."""

    read_cell: Callable[[Any], str]
    is_sheet: bool = False
    hidden: int = 0


def visible_rows(table: Any, rows: Rows) -> Iterator[list[str]]:
    """Yield the rows that are shown as cells; one that reaches over several columns or rows is in each of them."""
    hidden = _hidden_columns(table)
    used: set[int] = set()
    above: dict[int, tuple[int, str]] = {}  # column -> for how many rows more, and what, a cell reaches down
    for row in _children(table, f"{TABLE}table-row"):
        cells = _cells(row, above, rows)
        if (row.get(f"{TABLE}visibility") or "visible") != "visible":
            rows.hidden += 1 if any(cells) else 0
            continue
        used |= {number for number in hidden if number < len(cells) and cells[number]} if hidden else set()
        shown = [cell for number, cell in enumerate(cells) if number not in hidden]
        repeated = min(_number(row, "number-rows-repeated"), _REPEATED_MAX) if any(shown) else 1
        for _ in range(repeated):
            yield list(shown)
    rows.hidden += len(used)


def _cells(row: Any, above: dict[int, tuple[int, str]], rows: Rows) -> list[str]:
    """Return the cells of a row without the empty ones at its end, of which there may be many thousands."""
    cells: list[str] = []
    empty = 0  # cells before the next one with text
    for cell in row:
        if cell.tag not in (f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            continue
        text = _text(cell, rows)
        place = len(cells) + empty
        repeated = min(_number(cell, "number-columns-repeated"), _COLUMNS_MAX - place)
        if cell.tag == f"{TABLE}covered-table-cell":
            beside = cells[-1] if cells and not empty else ""
            texts = [_reaching(above, number) or text or beside for number in range(place, place + repeated)]
        elif text:
            texts = [text] * repeated
        else:
            empty += repeated
            continue
        cells += [""] * empty + texts
        empty = 0
        down, across = _number(cell, "number-rows-spanned"), _number(cell, "number-columns-spanned")
        if down > 1 and text:
            above.update((number, (down - 1, text)) for number in range(place, min(place + across, _COLUMNS_MAX)))
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _reaching(above: dict[int, tuple[int, str]], place: int) -> str:
    """Return the text of the cell that reaches down to this column, "" if none does."""
    left, text = above.get(place, (0, ""))
    if left:
        above[place] = (left - 1, text)
    return text if left else ""


def _text(cell: Any, rows: Rows) -> str:
    """Return what a cell shows, else its value; a formula that was never computed as the formula."""
    text = rows.read_cell(cell)
    if text:
        return text
    for name in ("string-value", "value", "date-value", "time-value"):
        if value := str(cell.get(f"{OFFICE}{name}") or ""):
            return as_shown(value, "%" if cell.get(f"{OFFICE}value-type") == "percentage" else "")
    formula = str(cell.get(f"{TABLE}formula") or "") if rows.is_sheet else ""
    return formula.removeprefix("of:")


def _hidden_columns(table: Any) -> set[int]:
    hidden: set[int] = set()
    place = 0
    for column in _children(table, f"{TABLE}table-column"):
        count = min(_number(column, "number-columns-repeated"), _COLUMNS_MAX - place)
        if (column.get(f"{TABLE}visibility") or "visible") != "visible":
            hidden.update(range(place, place + count))
        place += count
    return hidden


def header_rows(table: Any) -> int:
    """Return how many rows at the top the file says to have the names of the columns."""
    groups = table.iterfind(f"{TABLE}table-header-rows")
    return sum(1 for group in groups for _ in _children(group, f"{TABLE}table-row"))


def _children(parent: Any, tag: str) -> Iterator[Any]:
    """Yield the rows or columns of a table, those in groups too."""
    for element in parent:
        if element.tag == tag:
            yield element
        elif element.tag in _GROUPS:
            yield from _children(element, tag)


def _number(element: Any, name: str) -> int:
    text = element.get(f"{TABLE}{name}") or "1"
    return int(text) if text.isdigit() and len(text) < 9 else 1
