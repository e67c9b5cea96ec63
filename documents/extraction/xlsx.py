"""Excel workbooks."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import openpyxl

from documents.extraction.archives import open_archive
from documents.extraction.content import Content
from documents.extraction.tables import describe_rows
from documents.headings import as_body, as_heading


def read(data: bytes) -> Content:
    """Return each visible sheet as a section, with a line per row; a formula is its last value."""
    open_archive(data).close()
    workbook = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    parts = []
    for sheet in workbook.worksheets:
        if sheet.sheet_state != "visible":
            continue
        sheet.reset_dimensions()  # what the file says of its size may be a million empty rows
        lines = "\n".join(map(as_body, describe_rows(_rows(sheet))))
        if lines:
            parts.append(f"{as_heading(1, sheet.title)}\n\n{lines}")
    return Content(parts, markdown=True, title=workbook.properties.title or None)


def _rows(sheet: Any) -> Iterator[list[str]]:
    """Yield the cells of each row that has any, as text."""
    for row in sheet.iter_rows(values_only=True):
        cells = [_text(value) for value in row]
        if any(cells):
            yield cells


def _text(value: object) -> str:
    """Return a cell's value as a person would write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
    return str(value)
