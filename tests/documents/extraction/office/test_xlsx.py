"""Excel workbooks: what a sheet shows, and what it does not."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from io import BytesIO

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.worksheet.worksheet import Worksheet

from documents.extraction.failures import Unreadable
from documents.extraction.office import xlsx
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_here, read_in_child

ROWS = (["Region", "Fee", "Left"], ["North", 12, 3], ["South", 14, 4], ["West", 16, 5])


def made(change: Callable[[Worksheet], None] = lambda sheet: None) -> bytes:
    """Return a workbook with ROWS on its sheet, after a change."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Fees"
    for row in ROWS:
        sheet.append(row)
    change(sheet)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def lines_of(data: bytes) -> list[str]:
    return read_here(data).text.split("\n")


def notes_of(data: bytes) -> dict[str, int]:
    return {note.code: note.count for note in xlsx.read(data).notes}


def test_numbers_are_as_the_sheet_shows_them() -> None:
    def change(sheet: Worksheet) -> None:
        sheet["B2"].number_format = "0.0%"
        sheet["B2"] = 0.075
        sheet["B3"] = 98765432109.25
        sheet["B4"].number_format = '#,##0.00 "€"'
        sheet["B4"] = 1234.5

    assert [line.split("; ")[1] for line in lines_of(made(change))[3:]] == [
        "Fee: 7.5%",
        "Fee: 98765432109.25",
        "Fee: 1,234.50 €",
    ]


def test_hidden_rows_columns_and_sheets_are_not_searched_and_are_counted() -> None:
    def change(sheet: Worksheet) -> None:
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["C"].hidden = True
        assert sheet.parent
        other = sheet.parent.create_sheet("Secret")
        other.append(["vault", "8812"])
        other.sheet_state = "veryHidden"

    data = made(change)

    assert lines_of(data)[2:] == ["Region | Fee", "Region: North; Fee: 12", "Region: West; Fee: 16"]
    assert notes_of(data) == {"hidden_sheets": 1, "hidden_rows": 2}
    read = read_in_child(data)
    assert "8812" not in read.text
    assert read.hidden == "# Secret\n\nvault | 8812"


def test_merged_cells_are_in_each_of_their_rows() -> None:
    def change(sheet: Worksheet) -> None:
        sheet.merge_cells("A2:A3")
        sheet.merge_cells("B4:C4")

    assert lines_of(made(change))[3:] == [
        "Region: North; Fee: 12; Left: 3",
        "Region: North; Fee: 14; Left: 4",
        "Region: West; Fee: 16; Left: 16",
    ]


def test_a_merged_title_is_written_once_and_two_rows_of_names_are_joined() -> None:
    def change(sheet: Worksheet) -> None:
        sheet.insert_rows(1, 2)
        sheet["A1"], sheet["A2"], sheet["B2"] = "Fees of all years", "Region", "2024"
        sheet["A3"] = None
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("B2:C2")
        sheet.merge_cells("A2:A3")

    assert lines_of(made(change))[2:5] == [
        "Fees of all years",
        "Region | 2024 Fee | 2024 Left",
        "Region: North; 2024 Fee: 12; 2024 Left: 3",
    ]


def test_notes_on_cells_are_read() -> None:
    def change(sheet: Worksheet) -> None:
        sheet["B3"].comment = Comment("Paid\nin May", "Ada")

    assert lines_of(made(change))[-2:] == ["", "Note on South, 14 (B3): Paid in May"]


def test_a_formula_without_a_value_is_shown_and_counted() -> None:
    data = made(lambda sheet: sheet.append(["Total", "=SUM(B2:B4)"]))

    assert lines_of(data)[-1] == "Region: Total; Fee: =SUM(B2:B4)"
    assert notes_of(data) == {"formulas_without_value": 1}


def test_a_shared_formula_is_moved_to_its_cell_and_an_empty_result_is_no_formula() -> None:
    sheet = (
        "<sheetData><row r='1'><c r='A1'><f t='shared' ref='A1:A2' si='0'>B1*2</f></c></row>"
        "<row r='2'><c r='A2'><f t='shared' si='0'/></c></row>"
        "<row r='3'><c r='A3' t='str'><f>IF(B1,1,\"\")</f><v></v></c></row></sheetData>"
    )

    assert lines_of(making.workbook(sheet))[2:] == ["=B1*2", "=B2*2"]


def test_readings_of_characters_are_no_text() -> None:
    sheet = (
        "<sheetData><row><c t='inlineStr'><is><r><t>東京</t></r><rPh sb='0' eb='2'><t>トウキョウ</t></rPh></is></c>"
        "<c t='inlineStr'><is><t>a_x0009_b</t></is></c></row></sheetData>"
    )

    assert lines_of(making.workbook(sheet))[2:] == ["東京 | a b"]


def test_an_empty_row_ends_a_table_and_a_gap_in_the_numbers_is_one() -> None:
    def change(sheet: Worksheet) -> None:
        sheet["A7"], sheet["B7"], sheet["A8"], sheet["B8"] = "City", "Budget", "Paris", 1000

    assert lines_of(made(change))[-3:] == ["", "City | Budget", "City: Paris; Budget: 1000"]


def test_strict_files_and_relations_to_nowhere_are_read() -> None:
    package = zipfile.ZipFile(BytesIO(made()))
    parts = {name: package.read(name) for name in package.namelist()}
    relations = parts["xl/_rels/workbook.xml.rels"].replace(
        b"</Relationships>", b"<Relationship Id='x' Type='http://y/image' Target='NULL'/></Relationships>"
    )
    strict = {
        name: re.sub(
            rb"http://schemas.openxmlformats.org/(\w+)/2006/(main|rel)", rb"http://purl.oclc.org/ooxml/\1/\2", part
        )
        for name, part in (parts | {"xl/_rels/workbook.xml.rels": relations}).items()
        if name != "[Content_Types].xml"
    }

    data = making.archive({"[Content_Types].xml": parts["[Content_Types].xml"]} | strict)

    assert b"purl.oclc.org" in strict["xl/worksheets/sheet1.xml"]
    assert lines_of(data)[-1] == "Region: West; Fee: 16; Left: 5"


def test_a_damaged_sheet_is_read_as_far_as_it_goes() -> None:
    sheet = "<sheetData>" + "".join(
        f"<row><c t='inlineStr'><is><t>Row {number}</t></is></c></row>" for number in range(9)
    )
    data = making.workbook(sheet)[:]
    package = zipfile.ZipFile(BytesIO(data))
    parts = {name: package.read(name) for name in package.namelist()}
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"][:-60]

    content = xlsx.read(making.archive(parts))

    assert "Row 0" in content.parts[0]
    assert [note.code for note in content.notes] == ["damaged_parts"]


def test_a_damaged_workbook_without_text_is_broken_not_empty() -> None:
    with pytest.raises(Unreadable) as refused:
        xlsx.read(making.workbook("<sheetData><row><c t='s'><v>5</v></c></row></sheetData>"))
    assert refused.value.reason == "broken"


def test_very_many_rows_are_refused_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("documents.extraction.office.xlsx_sheet.CELLS_MAX", 3)
    with pytest.raises(Unreadable) as refused:
        xlsx.read(made())
    assert refused.value.reason == "too_much_text"


def test_titles_of_charts_and_what_pictures_show_are_read() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in (["Month", "Visits"], ["May", 5], ["June", 7]):
        sheet.append(row)
    chart = BarChart()
    chart.title = "Visits by month"
    chart.add_data(Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    sheet.add_chart(chart, "E5")  # type: ignore[call-arg]
    out = BytesIO()
    book.save(out)

    assert read_here(out.getvalue()).text.endswith("Month: June; Visits: 7\n\nChart: Visits by month")
