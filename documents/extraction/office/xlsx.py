"""Reads Excel workbooks (.xlsx).

Hidden sheets are kept apart, hidden rows and columns (also those that a filter hides) left out and counted.
Notes on cells stand below their sheet.
"""

from __future__ import annotations

from collections.abc import Iterator

from documents.extraction.content import Content
from documents.extraction.failures import Unreadable
from documents.extraction.office.charts import chart_title
from documents.extraction.office.package import Package
from documents.extraction.office.xlsx_book import Book, Sheet, text_of
from documents.extraction.office.xlsx_sheet import SheetFindings, SheetReader
from documents.extraction.tables.model import describe_rows
from documents.text.extraction_notes import Note
from documents.text.headings import as_body, as_heading

_MAIN_NAMES = ("xl/workbook.xml",)
_DRAWING_MAX_TEXTS = 10_000


def read(data: bytes) -> Content:
    """Return each visible sheet as a section, with a line per row; numbers are as the sheet shows them.

    Raises Unreadable: broken where there is no text and something is damaged; too_much_text; too_complex.
    """
    package = Package(data)
    main = _main(package)
    book = Book(package, main)
    parts: list[str] = []
    all_seen: list[SheetFindings] = []
    sheets = book.sheets()
    for sheet in sheets:
        if sheet.is_visible and (text := _section(package, book, sheet, all_seen)):
            parts.append(text)
    hidden = [_section(package, book, sheet, []) for sheet in sheets if not sheet.is_visible]
    notes = [
        *package.notes,
        *([Note("damaged_parts")] if book.missing_texts and not package.notes else []),
        *_counted("hidden_sheets", sum(not sheet.is_visible for sheet in sheets)),
        *_counted("hidden_rows", sum(seen.hidden_rows + len(seen.hidden_columns) for seen in all_seen)),
        *_counted("formulas_without_value", sum(seen.formulas for seen in all_seen)),
    ]
    if not parts and any(note.code == "damaged_parts" for note in notes):
        raise Unreadable("broken")
    return Content(
        parts,
        markdown=True,
        title=package.property_of("title"),
        notes=notes,
        hidden="\n\n".join(filter(None, hidden)),
    )


def _main(package: Package) -> str:
    try:
        return package.main(*_MAIN_NAMES)
    except Unreadable:
        if not package.names("xl/worksheets/sheet"):
            raise
        return _MAIN_NAMES[0]  # the list of the sheets is lost; they are not


def _section(package: Package, book: Book, sheet: Sheet, all_seen: list[SheetFindings]) -> str:
    """Return a sheet's rows, notes and text boxes below its name; "" if it has none."""
    data = package.bytes_of(sheet.part)
    if not data:
        return ""
    notes = dict(_cell_notes(package, sheet.part))
    reader = SheetReader(data, book, frozenset(notes))
    blocks = ["\n".join(map(as_body, describe_rows(reader.rows())))]
    if package.is_cut(sheet.part, b"worksheet"):
        package.mark_damaged(sheet.part)
    all_seen.append(reader.seen)
    blocks.append("\n".join(as_body(_note_line(name, note, reader.seen)) for name, note in notes.items()))
    blocks += map(as_body, _drawn(package, sheet.part))
    body = "\n\n".join(block for block in blocks if block)
    return f"{as_heading(1, sheet.name)}\n\n{body}" if body else ""


def _note_line(name: str, note: str, seen: SheetFindings) -> str:
    key, text = seen.cells.get(name, ("", ""))
    about = ", ".join(dict.fromkeys(part for part in (key, text) if part and len(part) <= 100))
    return f"Note on {about} ({name}): {note}" if about else f"Note on {name}: {note}"


def _cell_notes(package: Package, sheet: str) -> Iterator[tuple[str, str]]:
    """Yield the notes of a sheet: name of the cell, and text. Threads of comments take the place of their old form."""
    for part in package.related(sheet, "comments"):
        root = package.xml(part)
        for element in root.iter("{*}comment") if root is not None else ():
            text = " ".join(text_of(element).split())
            if text and not text.startswith("[Threaded comment]"):
                yield element.get("ref") or "", text
    threads: dict[str, list[str]] = {}
    for part in package.related(sheet, "threadedComment"):
        root = package.xml(part)
        for element in root.iter("{*}threadedComment") if root is not None else ():
            text = " ".join((element.findtext("{*}text") or "").split())
            threads.setdefault(element.get("ref") or "", []).append(text)
    yield from ((name, " ".join(filter(None, texts))) for name, texts in threads.items())


def _drawn(package: Package, sheet: str) -> Iterator[str]:
    """Yield the texts of shapes on a sheet, what pictures are said to show, and the titles of charts."""
    for part in package.related(sheet, "drawing"):
        root = package.xml(part)
        for number, box in enumerate(root.iter("{*}txBody") if root is not None else ()):
            if number >= _DRAWING_MAX_TEXTS:
                return
            lines = ("".join(node.text or "" for node in line.iter("{*}t")) for line in box.iter("{*}p"))
            if text := "\n".join(line for line in lines if line.strip()):
                yield text
        for properties in root.iterfind(".//{*}pic/{*}nvPicPr/{*}cNvPr") if root is not None else ():
            if said := " ".join((properties.get("descr") or "").split()):
                yield f"Picture: {said}"
        for chart in package.related(part, "chart"):
            chart_root = package.xml(chart)
            if chart_root is not None and (title := chart_title(chart_root)):
                yield f"Chart: {title}"  # its numbers are those of the sheet


def _counted(code: str, count: int) -> list[Note]:
    return [Note(code, count)] if count else []
