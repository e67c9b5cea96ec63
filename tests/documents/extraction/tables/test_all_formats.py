"""The same generated tables through every format: each cell is found under its own header, and nowhere else.

RAGSITE_TABLES says how many tables to try in all, in equal parts; the suite tries a few.
"""

from __future__ import annotations

import csv
import html
import io
from dataclasses import dataclass
from email.message import EmailMessage

import docx
import openpyxl
import pptx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from documents.extraction.content import assemble
from documents.extraction.media_types import (
    CSV,
    DOCX,
    EMAIL,
    EPUB,
    HTML,
    MARKDOWN,
    ODS,
    ODT,
    PDF,
    PPTX,
    RTF,
    XLSX,
)
from documents.extraction.process.child import reader_of
from documents.text.chunking import cut
from documents.text.normalization import normalise
from tests.documents.extraction import making
from tests.examples import examples

FORMATS = (CSV, XLSX, DOCX, PPTX, HTML, MARKDOWN, ODS, ODT, RTF, EMAIL, EPUB, PDF)
NOUNS = (
    "Fee",
    "Room",
    "Owner",
    "Phone",
    "Fax",
    "Grade",
    "No. of units",
    "Größe",
    "電話番号",
    "Ngày hết hạn",
    "Due (days)",
)
LONG = "How satisfied are you with the cleaning of your office building during the last quarter, all in all?"
VALUES = {
    "text": st.sampled_from(
        ["brick", "glass and steel", "cedar", "on request", "Hà Nội", "東京都", "semi-gloss, white"]
    ),
    "number": st.integers(0, 10**7).map(str),
    "amount": st.integers(1, 10**9).map(lambda cents: f"{cents / 100:,.2f} €"),
    "percent": st.integers(1, 999).map(lambda tenths: f"{tenths / 10}%"),
    "date": st.dates().map(lambda day: f"{day:%d.%m.}{day.year:04d}"),
}


@dataclass(frozen=True)
class Made:
    """A table: names of the columns, and rows that each begin with a key of their own."""

    names: list[str]
    rows: list[list[str]]


@st.composite
def tables(draw: st.DrawFn) -> Made:
    kinds = draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=7))
    first_year = draw(st.integers(1990, 2030))
    names = ["Item"]
    for place, kind in enumerate(kinds):
        year = [str(first_year + place)] if kind in ("amount", "percent") else []
        names.append(draw(st.sampled_from([*NOUNS, LONG, *year])))
    rows = []
    for number in range(draw(st.integers(2, 12))):
        cells = [draw(st.just("") | VALUES[kind] | VALUES[kind]) for kind in kinds]
        rows.append([f"Unit {number:02d}", *cells])
    rows[0][1] = rows[0][1] or draw(VALUES[kinds[0]])  # a sheet with keys alone is a list
    return Made(names, rows)


def as_csv(made: Made) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([made.names, *made.rows])
    return out.getvalue().encode()


def as_xlsx(made: Made) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    for row in (made.names, *made.rows):
        sheet.append([cell or None for cell in row])
    return saved(book)


def as_docx(made: Made) -> bytes:
    document = docx.Document()
    table = document.add_table(len(made.rows) + 1, len(made.names))
    for row, cells in zip(table.rows, [made.names, *made.rows], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    return saved(document)


def as_pptx(made: Made) -> bytes:
    slides = pptx.Presentation()
    shapes = slides.slides.add_slide(slides.slide_layouts[6]).shapes
    table = shapes.add_table(len(made.rows) + 1, len(made.names), 0, 0, 100, 100).table
    for row, cells in zip(table.rows, [made.names, *made.rows], strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    return saved(slides)


def as_html(made: Made) -> bytes:
    rows = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in (made.names, *made.rows)]
    return f"<!doctype html><meta charset=utf-8><table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>".encode()


def as_markdown(made: Made) -> bytes:
    lines = [f"| {' | '.join(row)} |" for row in (made.names, ["---"] * len(made.names), *made.rows)]
    return "\n".join(lines).encode()


def as_open_document(made: Made, kind: str) -> bytes:
    names = "urn:oasis:names:tc:opendocument:xmlns:"
    rows = [
        "".join(
            f"<table:table-cell><text:p>{html.escape(cell)}</text:p></table:table-cell>"
            if cell
            else "<table:table-cell/>"
            for cell in row
        )
        for row in (made.names, *made.rows)
    ]
    table = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    content = (
        f'<office:document-content xmlns:office="{names}office:1.0" xmlns:text="{names}text:1.0" '
        f'xmlns:table="{names}table:1.0"><office:body><office:{kind}><table:table table:name="Sheet">{table}'
        f"</table:table></office:{kind}></office:body></office:document-content>"
    )
    return making.archive({"mimetype": f"application/vnd.oasis.opendocument.{kind}", "content.xml": content})


def as_ods(made: Made) -> bytes:
    return as_open_document(made, "spreadsheet")


def as_odt(made: Made) -> bytes:
    return as_open_document(made, "text")


def as_rtf(made: Made) -> bytes:
    def shown(cell: str) -> str:
        return "".join(character if character.isascii() else f"\\u{ord(character)}?" for character in cell)

    ends = "".join(f"\\cellx{1000 * (place + 1)}" for place in range(len(made.names)))
    rows = ["".join(f"{shown(cell)}\\cell " for cell in row) for row in (made.names, *made.rows)]
    table = "".join(f"\\trowd{ends}\\pard\\intbl {row}\\row " for row in rows)
    return f"{{\\rtf1\\ansi {table}\\pard The end.\\par}}".encode("ascii")


def as_mail(made: Made) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@example.org", "b@example.org", "Table"
    message.set_content("The table is in the HTML.")
    message.add_alternative(as_html(made).decode(), subtype="html")
    return message.as_bytes()


def as_epub(made: Made) -> bytes:
    rows = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in (made.names, *made.rows)]
    return making.book({"one": f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"})


def as_pdf(made: Made) -> bytes:
    """Return a page with a ruled table; its letters are those of Windows-1252."""
    size, height = 5, 12
    widths = [
        max(len(row[place]) for row in (made.names, *made.rows)) * size * 0.75 + 8 for place in range(len(made.names))
    ]
    edges = [20.0]
    for width in widths:
        edges.append(edges[-1] + width)
    count = len(made.rows) + 1
    bottom = 800 - count * height
    out = "".join(f"{x:.1f} 800 m {x:.1f} {bottom} l S " for x in edges)
    out += "".join(f"20 {800 - row * height} m {edges[-1]:.1f} {800 - row * height} l S " for row in range(count + 1))
    content = out.encode()
    for number, row in enumerate((made.names, *made.rows)):
        for left, cell in zip(edges, row, strict=False):
            if cell:
                content += making.line(cell, 792 - number * height, x=int(left) + 4, size=size)
    return making.pdf([content], page_extra=f"/MediaBox [0 0 {max(595, int(edges[-1]) + 20)} 842]")


MAKERS = {
    CSV: as_csv,
    XLSX: as_xlsx,
    DOCX: as_docx,
    PPTX: as_pptx,
    HTML: as_html,
    MARKDOWN: as_markdown,
    ODS: as_ods,
    ODT: as_odt,
    RTF: as_rtf,
    EMAIL: as_mail,
    EPUB: as_epub,
    PDF: as_pdf,
}


def in_western_letters(made: Made) -> Made:
    """Return the table with "?" for what the PDF's font has no letters for."""

    def shown(cell: str) -> str:
        return cell.encode("cp1252", "replace").decode("cp1252")

    return Made([*map(shown, made.names)], [[*map(shown, row)] for row in made.rows])


@pytest.mark.parametrize("media_type", FORMATS)
@examples(100)
@given(made=tables())
def test_every_cell_is_under_its_own_header(media_type: str, made: Made) -> None:
    if media_type == PDF:
        made = in_western_letters(made)
    content = reader_of(media_type)(MAKERS[media_type](made))
    text = assemble(content, max_chars=10**7).text
    lines = text.split("\n")

    for row in made.rows:
        named = [f"{name}: {cell}" for name, cell in zip(made.names, row, strict=True) if cell]
        own = [normalise(line) for line in lines if line.startswith(f"Item: {row[0]}")]
        assert own
        assert normalise("; ".join(named)) in (own[0], _joined(own, f"Item: {row[0]}")), text
    for piece in cut(text, size=300, overlap=0, markdown=content.markdown):
        if any(row[0] in piece.text for row in made.rows):
            assert piece.text.count("Item: Unit") >= piece.text.count("Unit")
        assert piece.text == text[piece.start : piece.end]


def _joined(lines: list[str], key: str) -> str:
    """Return the lines of a long row as one."""
    return "; ".join([lines[0], *(line.removeprefix(f"{key}; ") for line in lines[1:])])


def saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()
