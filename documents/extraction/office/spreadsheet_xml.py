"""Reads workbooks that Excel saved as "XML Spreadsheet 2003" (SpreadsheetML). Pure: no Django."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from documents.extraction.content import Content
from documents.extraction.office.number_formats import formatter_of, plain_number
from documents.extraction.tables.grid import Grid
from documents.extraction.tables.model import describe_rows
from documents.text.extraction_notes import Note
from documents.text.headings import as_body, as_heading

SS = "{urn:schemas-microsoft-com:office:spreadsheet}"
_X = "{urn:schemas-microsoft-com:office:excel}"
_NAMED_FORMATS = {"Percent": "0.00%", "Fixed": "0.00", "Standard": "#,##0.00"}
_MIDNIGHT = "T00:00:00.000"


def read_workbook(root: Any) -> Content:
    """Return each visible sheet of a workbook as a section with a line per row; hidden sheets are `hidden`."""
    formatters = dict(_formatters(root))
    shown: list[str] = []
    hidden: list[str] = []
    hidden_rows = 0
    for sheet in root.iterfind(f"{SS}Worksheet"):
        grid, left_out = _grid_of(sheet, formatters)
        body = "\n".join(map(as_body, describe_rows(grid.rows)))
        if not body:
            continue
        text = f"{as_heading(1, sheet.get(f'{SS}Name') or 'Sheet')}\n\n{body}"
        if (sheet.findtext(f"{_X}WorksheetOptions/{_X}Visible") or "").strip() in ("SheetHidden", "SheetVeryHidden"):
            hidden.append(text)
        else:
            shown.append(text)
            hidden_rows += left_out
    counted = {"hidden_sheets": len(hidden), "hidden_rows": hidden_rows}
    return Content(
        shown,
        markdown=True,
        notes=[Note(code, count) for code, count in counted.items() if count],
        hidden="\n\n".join(hidden),
    )


def _formatters(root: Any) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Yield the id of each style of cells with what writes its numbers."""
    for style in root.iterfind(f"{SS}Styles/{SS}Style"):
        found = style.find(f"{SS}NumberFormat")
        code = (found.get(f"{SS}Format") or "") if found is not None else ""
        if code:
            yield style.get(f"{SS}ID") or "", formatter_of(_NAMED_FORMATS.get(code, code)[:500])


def _grid_of(sheet: Any, formatters: dict[str, Callable[[str], str]]) -> tuple[Grid, int]:
    """Return the cells of a sheet, and how many hidden rows with text were left out."""
    grid, number, left_out = Grid(), 0, 0
    for row in sheet.iterfind(f"{SS}Table/{SS}Row"):
        told = _count(row, "Index")
        if told > number + 1:
            grid.end_row()  # rows without text part tables
        number = told or number + 1
        if row.get(f"{SS}Hidden") == "1":
            left_out += row.find(f"{SS}Cell/{SS}Data") is not None
            continue
        for cell in row.iterfind(f"{SS}Cell"):
            grid.skip_to(_count(cell, "Index") - 1)
            columns, rows = 1 + _count(cell, "MergeAcross"), 1 + _count(cell, "MergeDown")
            grid.add(_text(cell, formatters), columns=columns, rows=rows)
        grid.end_row()
    return grid, left_out


def _text(cell: Any, formatters: dict[str, Callable[[str], str]]) -> str:
    """Return what a cell shows."""
    data = cell.find(f"{SS}Data")
    if data is None:
        return ""
    text = "".join(data.itertext())
    kind = data.get(f"{SS}Type")
    if kind == "Number":
        return formatters.get(cell.get(f"{SS}StyleID") or "", plain_number)(text)
    if kind == "Boolean":
        return "yes" if text.strip() == "1" else "no"
    return text.removesuffix(_MIDNIGHT) if kind == "DateTime" else text


def _count(element: Any, name: str) -> int:
    value = element.get(f"{SS}{name}") or ""
    return int(value) if value.isdecimal() and len(value) < 6 else 0
