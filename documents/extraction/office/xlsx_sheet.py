"""Reads the rows of one Excel sheet as the sheet shows them. Pure: no Django.

Hidden rows and columns are left out and counted (rows that a filter hides, too). A merged cell's text is in each of its
places. A formula shows its last value, or itself where it never had one.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from documents.extraction.failures import Unreadable
from documents.extraction.office.xlsx_book import Book, forget, streamed, text_of

CELLS_MAX = 1_500_000  # with a value, in one sheet: far more text than a document may have
ELEMENTS_MAX = 5_000_000  # rows and cells, empty ones too
COLUMNS_MAX = 16_384
_COPIES_MAX = 200_000
_COPIED_MAX_CHARS = 300
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]{0,200}?\bref=[\"']([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})[\"']")
_COLUMNS = re.compile(rb"<(?:\w+:)?col\b[^>]{0,400}>")
_ATTRIBUTE = re.compile(rb"(\w+)=[\"']([^\"']*)[\"']")
_SHARED_MAX = 10_000


@dataclass
class SheetFindings:
    """Counts of what was left out of a sheet, and the cells that have notes."""

    hidden_rows: int = 0
    hidden_columns: set[int] = field(default_factory=set)
    formulas: int = 0  # without a value
    cells: dict[str, tuple[str, str]] = field(default_factory=dict)  # name of a cell with a note -> its row's key, text


class SheetReader:
    """Reads the XML of one sheet. `noted`: names of the cells ("B2") that have notes, whose text `seen` then tells."""

    def __init__(self, data: bytes, book: Book, noted: frozenset[str] = frozenset()) -> None:
        self._data = data
        self._book = book
        self._noted = noted
        self.seen = SheetFindings()
        self._hidden = _hidden_columns(data)
        self._merged = _merged(data)
        self._hanging: dict[int, tuple[str, int]] = {}  # column -> text, last row of the merged cell
        self._copies = 0
        self._letters: dict[str, int] = {}
        self._shared: dict[str, tuple[str, str]] = {}  # formulas that several cells have: text, and first cell

    def rows(self) -> Iterator[list[str]]:
        """Yield the rows that are seen, an empty one where there are some between two. Raises Unreadable."""
        self._refuse_at_once()
        number, last = 0, 0
        values = elements = 0
        for element in streamed(self._data, "row"):
            elements += 1 + len(element)
            if elements > ELEMENTS_MAX:
                raise Unreadable("too_complex")
            cells = self._cells(element)
            values += len(cells)
            if values > CELLS_MAX:
                raise Unreadable("too_much_text")
            told = element.get("r") or ""
            number = int(told) if told.isdecimal() and len(told) < 9 else number + 1
            has_own = bool(cells)
            row = self._row(number, cells)
            if element.get("hidden") in ("1", "true") or element.get("ht") == "0":
                self.seen.hidden_rows += has_own
                if number == last + 1:
                    last = number  # a hidden row is no gap
            elif has_own:
                if last and number > last + 1 and not self._is_covered(last + 1):
                    yield []
                last = number
                yield row
            forget(element)

    def _refuse_at_once(self) -> None:
        """Raise Unreadable for a sheet beyond the limits, if that is plain to see.

        To count takes milliseconds; to read up to a limit, as long as a file of that size may take.
        """
        if self._data.count(b"</v>") - self._data.count(b"<v></v>") > CELLS_MAX:
            raise Unreadable("too_much_text")
        if sum(map(self._data.count, (b"<row ", b"<row/", b"<row>", b"<c ", b"<c/", b"<c>"))) > ELEMENTS_MAX:
            raise Unreadable("too_complex")

    def _cells(self, row: Any) -> dict[int, str]:
        """Return the cells of a row that have text, by their places from 0."""
        cells: dict[int, str] = {}
        place = -1
        for element in row:
            name = element.get("r")
            place = self._column(name) if name else min(place + 1, COLUMNS_MAX)
            if len(element) and (text := self._value(element)):
                cells[place] = text
        return cells

    def _row(self, number: int, cells: dict[int, str]) -> list[str]:
        """Return the cells of a row in their places, without hidden columns."""
        if self._hanging:
            self._hanging = {place: hung for place, hung in self._hanging.items() if hung[1] >= number}
        is_title = False
        for first, until, until_row in self._merged.get(number, ()):
            text = cells.get(first, "")
            copies = (until - first + 1) * min(until_row - number + 1, 1000)
            if not text or len(text) > _COPIED_MAX_CHARS or self._copies + copies > _COPIES_MAX:
                continue
            is_title = is_title or (until > first and len(cells) == 1)
            if is_title:
                continue
            self._copies += copies
            for place in range(first, until + 1):
                cells[place] = text
                if until_row > number:
                    self._hanging[place] = (text, until_row)
        for place, (text, _last) in self._hanging.items():
            cells.setdefault(place, text)
        self.seen.hidden_columns |= self._hidden & cells.keys()
        shown = {place: text for place, text in cells.items() if place not in self._hidden}
        row = [""] * (max(shown, default=-1) + 1)
        for place, text in shown.items():
            row[place] = text
        row = [text for place, text in enumerate(row) if place not in self._hidden] if self._hidden else row
        if self._noted:
            self._note(number, cells, row)
        return row

    def _note(self, number: int, cells: dict[int, str], row: list[str]) -> None:
        key = next((text for text in row if text), "")
        for place, text in cells.items():
            if (name := f"{_letters_of(place)}{number}") in self._noted:
                self.seen.cells[name] = (key, text)

    def _is_covered(self, number: int) -> bool:
        return any(last >= number for _text, last in self._hanging.values())

    def _column(self, name: str) -> int:
        """Return the place of the cell of that name ("C7"), from 0."""
        letters = name.rstrip("0123456789")
        place = self._letters.get(letters)
        if place is None:
            place = self._letters[letters] = _place_of(letters)
        return place

    def _value(self, cell: Any) -> str:
        """Return what a cell shows."""
        kind = cell.get("t") or "n"
        value = formula = None
        for child in cell:
            tag = child.tag.rpartition("}")[2]
            if tag == "v":
                value = child.text or ""
            elif tag == "f":
                formula = child
            elif tag == "is":
                return text_of(child)
        if formula is not None:
            written = self._formula(formula, cell.get("r") or "")
            if not value and not (kind == "str" and value is not None):
                self.seen.formulas += bool(written)
                return f"={written}" if written else ""
        if not value:
            return ""
        if kind == "s":
            return self._book.text(value)
        if kind == "b":
            return "yes" if value.strip() in ("1", "true") else "no"
        if kind == "d":
            return _iso(value)
        return value if kind in ("str", "e") else self._book.formatter(cell.get("s"))(value)

    def _formula(self, element: Any, name: str) -> str:
        """Return a formula; one that several cells share is written once, and moved for the others."""
        text = (element.text or "").strip()
        shared = element.get("si") if element.get("t") == "shared" else None
        if shared is None:
            return text
        if text:
            if len(self._shared) < _SHARED_MAX:
                self._shared[shared] = (text, name)
            return text
        found = self._shared.get(shared)
        if not found or element.getparent().find("{*}v") is not None:  # the value is shown
            return found[0] if found else ""
        from openpyxl.formula.translate import Translator  # here: hardly any file needs it, and it takes time to load

        try:
            moved: str = Translator(f"={found[0]}", found[1]).translate_formula(name)
        except (ValueError, AttributeError):
            return found[0]
        return moved.removeprefix("=")


def _hidden_columns(data: bytes) -> frozenset[int]:
    """Return the places of the hidden columns."""
    hidden: set[int] = set()
    head = data[: data.find(b"sheetData")]
    for element in _COLUMNS.findall(head):
        said = dict(_ATTRIBUTE.findall(element))
        if said.get(b"hidden") in (b"1", b"true") or said.get(b"width") in (b"0", b"0.0"):
            first, last = said.get(b"min", b""), said.get(b"max", b"")
            if first.isdigit() and last.isdigit():
                hidden.update(range(int(first) - 1, min(int(last), COLUMNS_MAX)))
    return frozenset(hidden)


def _merged(data: bytes) -> dict[int, list[tuple[int, int, int]]]:
    """Return for each row in which merged cells begin: their first and last column (from 0), and their last row."""
    found: dict[int, list[tuple[int, int, int]]] = {}
    start = max(data.rfind(b"sheetData>"), 0)
    for left, top, right, bottom in _MERGED.findall(data[start:]):
        first, last = _place_of(left.decode()), _place_of(right.decode())
        if first <= last and int(top) <= int(bottom):
            found.setdefault(int(top), []).append((first, last, int(bottom)))
    return found


def _place_of(letters: str) -> int:
    place = 0
    for letter in letters[:3].upper():
        place = place * 26 + ord(letter) - 64
    return min(max(place - 1, 0), COLUMNS_MAX)


def _letters_of(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _iso(value: str) -> str:
    try:
        moment = datetime.datetime.fromisoformat(value.strip())
    except ValueError:
        return value
    return moment.date().isoformat() if moment.time() == datetime.time() else moment.isoformat(" ", "minutes")
