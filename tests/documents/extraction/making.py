"""Small documents of every format, made on the spot."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO

import docx
import openpyxl
import pptx
from openpyxl.worksheet.worksheet import Worksheet

OFFICE_MAIN = {
    "word/document.xml": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xl/workbook.xml": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
}
PICTURE = b"q 595 0 0 842 0 0 cm /Im Do Q "  # over the whole page


def pdf(
    pages: Sequence[bytes],
    *,
    broken: Iterable[int] = (),
    extra: str = "",
    page_extra: str = "",
    more: Mapping[int, bytes] | None = None,
) -> bytes:
    """Return a PDF with these content streams; pages in `broken` (from 0) point to an object that does not exist.

    `extra` are further entries of the catalog, `page_extra` of each page, `more` further objects (from 2000 on). Page n
    (from 0) is the object 10 + 2 n.
    """
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    objects = {
        1: f"<< /Type /Catalog /Pages 2 0 R /Lang (de-AT) {extra} >>".encode(),
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        4: stream(
            b"\xff\x00\x00",
            b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceRGB /BitsPerComponent 8",
        ),
        5: b"<< /Title (Rules of the house) >>",
    }
    resources = "<< /Font << /F 3 0 R >> /XObject << /Im 4 0 R >> >>"
    for number, content in enumerate(pages):
        page = f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources {resources} "
        page += f"/Contents {11 + 2 * number} 0 R {page_extra} >>"
        objects[10 + 2 * number] = b"42" if number in broken else page.encode()
        objects[11 + 2 * number] = stream(content)
    return pdf_file(objects | dict(more or {}))


def pdf_of_glyph_numbers(pages: Sequence[str]) -> bytes:
    """Return a PDF whose font has glyph numbers instead of letters, in the order that most fonts have them in."""
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(pages)))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        3: b"<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Some /Encoding /Identity-H /DescendantFonts [6 0 R] >>",
        6: b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Some /CIDToGIDMap /Identity /DW 600 "
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor 7 0 R >>",
        7: b"<< /Type /FontDescriptor /FontName /ABCDEF+Some /Flags 4 /Ascent 800 /Descent -200 /CapHeight 700 "
        b"/ItalicAngle 0 /StemV 80 /FontBBox [0 -200 1000 800] >>",
    }
    resources = b"/Resources << /Font << /F 3 0 R >> >>"
    for number, text in enumerate(pages):
        codes = "".join(f"{ord(character) - 29:04x}" for character in text)
        objects[10 + 2 * number] = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s /Contents %d 0 R >>" % (
            resources,
            11 + 2 * number,
        )
        objects[11 + 2 * number] = stream(f"BT /F 12 Tf 1 0 0 1 72 700 Tm <{codes}> Tj ET".encode())
    return pdf_file(objects)


def pdf_with_glyphs(glyphs: Mapping[str, str], content: bytes) -> bytes:
    """Return a PDF of one page whose font shows each key of `glyphs` as one glyph that means its value."""
    meanings = "".join(f"<{ord(code):02x}> <{text.encode('utf-16-be').hex()}>\n" for code, text in glyphs.items())
    table = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(glyphs)} beginbfchar\n{meanings}endbfchar\n"
        "endcmap CMapName currentdict /CMap defineresource pop end end"
    )
    resources = b"/Resources << /Font << /F 3 0 R >> >>"
    return pdf_file(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [10 0 R] /Count 1 >>",
            3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode 4 0 R >>",
            4: stream(table.encode()),
            10: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s /Contents 11 0 R >>" % resources,
            11: stream(content),
        }
    )


def form(value: str) -> bytes:
    """Return a PDF with a form of one field that is filled in."""
    shown = f"BT /F 12 Tf 2 5 Td ({value}) Tj ET".encode()
    font = b"/Resources << /Font << /F 3 0 R >> >>"
    return pdf_file(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [20 0 R] >> >>",
            2: b"<< /Type /Pages /Kids [10 0 R] /Count 1 >>",
            3: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            10: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] %s /Contents 11 0 R /Annots [20 0 R] >>" % font,
            11: stream(line("Name:")),
            20: b"<< /Subtype /Widget /FT /Tx /T (name) /Rect [120 695 320 715] /F 4 /AP << /N 21 0 R >> >>",
            21: stream(shown, b"/Type /XObject /Subtype /Form /BBox [0 0 200 20] %s" % font),
        }
    )


def pdf_file(objects: Mapping[int, bytes]) -> bytes:
    """Return a PDF file of these objects; the first is the catalog, the fifth the description."""
    out = BytesIO()
    out.write(b"%PDF-1.7\n")
    offsets = {}
    for number, body in sorted(objects.items()):
        offsets[number] = out.tell()
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    size = max(objects) + 1
    out.write(b"xref\n0 %d\n" % size)
    for number in range(size):
        out.write(b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 65535 f \n")
    out.write(b"trailer << /Size %d /Root 1 0 R /Info 5 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, start))
    return out.getvalue()


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """Return a compressed stream object."""
    packed = zlib.compress(content)
    return b"<< /Filter /FlateDecode /Length %d %s >>\nstream\n%s\nendstream" % (len(packed), entries, packed)


def line(text: str, y: int = 700, *, x: int = 72, size: int = 12) -> bytes:
    """Return a content stream that draws one line of text."""
    escaped = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F {size} Tf 1 0 0 1 {x} {y} Tm ({escaped}) Tj ET ".encode("cp1252")


def archive(entries: Mapping[str, bytes | str]) -> bytes:
    """Return a ZIP file."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    return out.getvalue()


def with_wrong_checksum(data: bytes, name: str) -> bytes:
    """Return a ZIP file in which an entry has a checksum that is not its own."""
    return _changed(data, name, checksum=True)


def with_broken_entry(data: bytes, name: str) -> bytes:
    """Return a ZIP file in which an entry can't be unpacked."""
    return _changed(data, name, checksum=False)


def _changed(data: bytes, name: str, *, checksum: bool) -> bytes:
    with zipfile.ZipFile(BytesIO(data)) as packed:
        entry = packed.getinfo(name)
    changed = bytearray(data)
    if not checksum:
        start = entry.header_offset + 30 + len(name)
        changed[start + 1 : start + 8] = b"\xff" * 7
        return bytes(changed)
    listed = data.index(b"PK\x01\x02")
    while data[listed + 46 : listed + 46 + len(name)] != name.encode():
        listed = data.index(b"PK\x01\x02", listed + 4)
    for place in (entry.header_offset + 14, listed + 16):
        changed[place] ^= 0xFF
    return bytes(changed)


def office(parts: Mapping[str, bytes | str]) -> bytes:
    """Return an Office file whose main part is the one of `parts` that is known."""
    main = next(name for name in parts if name in OFFICE_MAIN)
    types = f'<Override PartName="/{main}" ContentType="{OFFICE_MAIN[main]}"/>'
    for name in parts:
        if name.startswith("xl/worksheets/"):
            types += (
                f'<Override PartName="/{name}" '
                'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            )
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return archive(
        {
            "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
            "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{relation}/officeDocument" Target="{main}"/></Relationships>',
            **parts,
        }
    )


def word_xml(body: str, *, before: str = "") -> str:
    """Return a Word document's main part."""
    return f'{before}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>'


def workbook(sheet: str, parts: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return an Excel file with the XML of one sheet, and further parts."""
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return office(
        {
            "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
            f'xmlns:r="{relation}"><sheets><sheet name="One" sheetId="1" r:id="r1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": "<Relationships "
            'xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            f'<Relationship Id="r1" Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/worksheets/sheet1.xml": '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            f"{sheet}</worksheet>",
            **(parts or {}),
        }
    )


def word_document() -> bytes:
    """Return a Word file with a header, headings, a list, a table, and a footer."""
    document = docx.Document()
    document.core_properties.title = "Holiday rules"
    document.sections[0].header.paragraphs[0].text = "Internal"
    document.sections[0].footer.paragraphs[0].text = "Version 3"
    document.add_heading("Holidays", 1)
    document.add_paragraph("Everybody has thirty days.")
    document.add_heading("Carry-over", 2)
    document.add_paragraph("Five days may be carried over.", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Grade", "Days", "A1", "31"], strict=True):
        cell.text = text
    document.add_paragraph("After the table.")
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def presentation() -> bytes:
    """Return slides: one with a title, bullets, a table and notes; an empty one; one without a title."""
    slides = pptx.Presentation()
    first = slides.slides.add_slide(slides.slide_layouts[1])
    first.shapes.title.text = "Safety first"
    first.placeholders[1].text = "Wear a helmet"
    table = first.shapes.add_table(1, 2, 914_400, 6_400_000, 100, 100).table
    table.cell(0, 0).text, table.cell(0, 1).text = "Exit", "North"
    first.notes_slide.notes_text_frame.text = "Mention the drill"
    slides.slides.add_slide(slides.slide_layouts[6])
    last = slides.slides.add_slide(slides.slide_layouts[6])
    last.shapes.add_textbox(0, 0, 100, 100).text_frame.text = "Questions?"
    out = BytesIO()
    slides.save(out)
    return out.getvalue()


def spreadsheet() -> bytes:
    """Return a workbook with a table, and a hidden sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "Staff"
    for row in (["Room plan"], ["Name", "Room", "Since"], ["Ada", 12.5, None], ["Grace", 7.0, "2021"]):
        sheet.append(row)
    hidden = book.create_sheet("Secret")
    hidden.append(["not", "shown"])
    hidden.sheet_state = "hidden"
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def book(chapters: Mapping[str, str]) -> bytes:
    """Return an EPUB whose reading order is that of `chapters` (name to HTML body); the files are stored in another."""
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in chapters)
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    pages = {
        f"OEBPS/{name}.xhtml": f"<!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'><body>{body}</body></html>"
        for name, body in sorted(chapters.items())
    }
    return archive(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
            "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The house</dc:title><dc:language>en-GB</dc:language>'
            f"</metadata><manifest>{items}</manifest><spine>{spine}</spine></package>",
            **pages,
        }
    )


def png() -> bytes:
    """Return a picture of one pixel."""
    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\x00\x00")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )
