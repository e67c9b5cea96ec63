"""Detects and splits texts with a delimiter between cells: CSV and similar formats. Pure: no Django."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Required, TypedDict


class ReaderOptions(TypedDict, total=False):
    """Options of `csv.reader` for a text."""

    delimiter: Required[str]
    skipinitialspace: bool
    escapechar: str
    doublequote: bool


DELIMITERS = ",;\t|"
_SAMPLE_LINES = 50
_HEAD_CHARS = 20_000
_CELL_MAX_CHARS = 300  # in a table that nobody announced; prose has longer "cells"
_FIELD_MAX_CHARS = 10_000_000
_TOLD = re.compile(r"\s*sep=([,;\t|])\r?\n", re.IGNORECASE)


def find_delimiter(head: str, *, is_expected: bool) -> str | None:
    """Return the character that separates the cells of a text's rows, or None if the text is no table.

    `is_expected`: its name says that it is one. Otherwise all rows must have the same number of cells.
    """
    if told := _TOLD.match(head):
        return told[1]
    candidates = []
    for delimiter in DELIMITERS:
        counts = _cells_per_row(head, delimiter, cell_max_chars=10**6 if is_expected else _CELL_MAX_CHARS)
        if not counts:
            continue
        width, agreeing = max(counts.items(), key=lambda pair: (pair[1] if pair[0] > 1 else 0, pair[0]))
        rows = counts.total()
        if width < 2:
            continue
        if is_expected:  # titles and notes of one cell may stand above and below, and several tables in one file
            share = agreeing / rows
            several = 1 - counts[1] / rows
            if several >= 0.5 or (agreeing >= 3 and share >= 0.2):
                candidates.append((several * agreeing, width, delimiter))
        elif delimiter == "," and head.count(", ") > head.count(",") / 2:
            continue  # lists in prose
        elif agreeing == rows >= 3 and (width >= 3 or delimiter == "\t" or rows >= 6):
            candidates.append((agreeing, width, delimiter))
    return max(candidates)[2] if candidates else None


def read_rows(text: str, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a delimited text, quotes resolved; a line that tells the delimiter is left out.

    A quote that is never closed would swallow all rows behind it: where their number is odd, each line is read alone.
    Raises csv.Error for what is no such text.
    """
    csv.field_size_limit(_FIELD_MAX_CHARS)
    if told := _TOLD.match(text):
        text = text[told.end() :]
    text = text.replace("\r\r\n", "\n")
    form = _form_of(text, delimiter)
    if text.count('"') % 2 == 0:
        yield from csv.reader(io.StringIO(text, newline=""), **form)
        return
    for line in io.StringIO(text):
        yield from csv.reader([line.rstrip("\r\n")], **form)


def _form_of(text: str, delimiter: str) -> ReaderOptions:
    """Return how quotes are written: behind a blank, or with a backslash before those within a cell."""
    form: ReaderOptions = {"delimiter": delimiter}
    if f'{delimiter} "' in text:
        form["skipinitialspace"] = True
    if '\\"' in text:
        head = text[:_HEAD_CHARS].splitlines(keepends=True)[:_SAMPLE_LINES]
        escaped: ReaderOptions = {**form, "escapechar": "\\", "doublequote": False}
        widths = [{len(row) for row in csv.reader(head, **each) if row} for each in (form, escaped)]
        if len(widths[1]) < len(widths[0]):
            return escaped
    return form


def _cells_per_row(head: str, delimiter: str, *, cell_max_chars: int) -> Counter[int]:
    """Return how many of the first rows have which number of cells; empty if the text can't be read that way."""
    lines = head.replace("\r\r\n", "\n").splitlines(keepends=True)
    if len(lines) > _SAMPLE_LINES:
        lines = lines[:_SAMPLE_LINES]
    elif len(lines) > 2:
        lines = lines[:-1] if len(head) >= 20_000 else lines  # the last one may be cut
    counts: Counter[int] = Counter()
    try:
        for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=f'{delimiter} "' in head):
            if any(len(cell) > cell_max_chars for cell in row):
                return Counter()
            if any(cell.strip() for cell in row):
                counts[len(row)] += 1
    except csv.Error:
        return Counter()
    return counts
