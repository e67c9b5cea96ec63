"""Finds tables in a text, in the form that `documents.extraction.tables.model` writes. Pure: no Django.

A header ("Name | Room") and right below it rows that name its columns ("Name: Ada; Room: 12").
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

KEY_MAX_CHARS = 120
_HEADER = re.compile(r"(?m)^[^\n]* \| [^\n]*$")
_NUMBER_PAIR = re.compile(r"[^:\n]{1,40}: \d{1,5}$")


@dataclass(frozen=True)
class Table:
    """A table is `text[start:end]`; its header ends at `header_end`, and `rows` are the spans of the lines below."""

    start: int
    header_end: int
    end: int
    names: tuple[str, ...]
    rows: list[tuple[int, int]] = field(default_factory=list)


def find_tables(text: str) -> list[Table]:
    """Return the tables of a text in order."""
    tables: list[Table] = []
    place = 0
    while found := _HEADER.search(text, place):
        place = found.end() + 1
        names = tuple(name for cell in found[0].split(" | ") if (name := cell.strip(" |\\").rstrip(":： ")))
        rows = []
        start = place
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            if not _is_row(text[start:end], names):
                break
            rows.append((start, end))
            start = end + 1
        if rows:
            tables.append(Table(found.start(), found.end(), rows[-1][1], names, rows))
            place = rows[-1][1] + 1
    return tables


def tables_within(tables: Sequence[Table], start: int, end: int) -> Sequence[Table]:
    """Return those of a text's tables that lie in a part of it."""
    first = bisect_left(tables, start, key=lambda table: table.start)
    return tables[first : bisect_right(tables, end, key=lambda table: table.end)]


def cell_starts(line: str, names: tuple[str, ...]) -> list[int]:
    """Return where the cells of a row begin in its line, 0 first."""
    known = frozenset(names)
    starts = [0]
    for found in re.finditer(r"; (?=([^;\n]{1,300}?): )", line):
        if found[1] in known:
            starts.append(found.end())
    return starts


def key_of(line: str, names: tuple[str, ...]) -> str:
    """Return the key of a row: its first cell, with the second one where the first is only a number."""
    starts = [*cell_starts(line, names), len(line) + 2]
    cells = [line[start : end - 2] for start, end in pairwise(starts)]
    key = "; ".join(cells[:2]) if _NUMBER_PAIR.match(cells[0]) else cells[0]
    return key if len(key) <= KEY_MAX_CHARS else f"{key[:KEY_MAX_CHARS].rstrip()} …"


def name_at(line: str, place: int, names: tuple[str, ...]) -> str:
    """Return the name of the column whose cell goes on at `place` in a row's line, "" if one begins there."""
    starts = cell_starts(line, names)
    if place in starts:
        return ""
    start = max(begin for begin in starts if begin <= place)
    name, colon, _ = line[start:].partition(": ")
    return name if colon and name in names else ""


def _is_row(line: str, names: tuple[str, ...]) -> bool:
    return any(_named(line, names))


def _named(line: str, names: tuple[str, ...]) -> Iterator[bool]:
    for name in names:
        yield line.startswith((f"{name}: ", f"\\{name}: ")) or f"; {name}: " in line
