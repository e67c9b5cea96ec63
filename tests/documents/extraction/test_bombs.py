"""Files made to explode: each is refused in bounded time with a clear code, and we live on."""

from __future__ import annotations

import resource
import time
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from pytest_django import Settings

from documents.extraction import ExtractionFailed, archives
from documents.extraction.failures import Unreadable
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_here, read_in_child, refusal_of

SECONDS_MAX = 30  # they take 0.1 to 5 s; a shared machine may be slow
MB = 1024 * 1024
LAUGHS = "<!DOCTYPE lolz [<!ENTITY a0 'lol'>" + "".join(
    f"<!ENTITY a{level} '{f'&a{level - 1};' * 10}'>" for level in range(1, 11)
)


def zip_bomb() -> bytes:
    """A Word file of 600 kB with a picture of 600 MB."""
    out = BytesIO(making.office({"word/document.xml": making.word_xml("<w:p/>")}))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as packed, packed.open("word/media/image1.bmp", "w") as entry:
        for _ in range(600):
            entry.write(bytes(MB))
    return out.getvalue()


def many_elements() -> bytes:
    return making.office({"word/document.xml": making.word_xml("<w:p/>" * 6_000_000)})


def billion_laughs() -> bytes:
    body = "<w:p><w:r><w:t>&a10;</w:t></w:r></w:p>"
    return making.office({"word/document.xml": making.word_xml(body, before=LAUGHS + "]>")})


def laughs_in_a_sheet() -> bytes:
    data = making.workbook("<sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>&a10;</t></is></c></row></sheetData>")
    return _with_prefix(data, "xl/worksheets/sheet1.xml", LAUGHS + "]>")


def laughs_in_a_book() -> bytes:
    return _with_prefix(
        making.book({"one": "<p>text</p>"}), "OEBPS/book.opf", LAUGHS + "]>", replace=("The house", "&a10;")
    )


def many_entries() -> bytes:
    return making.office(
        {"word/document.xml": making.word_xml("<w:p/>"), **{f"word/{n}.xml": "" for n in range(11_000)}}
    )


def deep_xml() -> bytes:
    return making.office({"word/document.xml": making.word_xml("<w:p>" * 100_000 + "</w:p>" * 100_000)})


def deep_html() -> bytes:
    return b"<!doctype html><body>" + b"<div>" * 300_000 + b"text"


def pdf_loop() -> bytes:
    """A PDF whose page tree is its own child."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [2 0 R 2 0 R 2 0 R] /Count 1000 >>",
    }
    return making.pdf_file(objects)


def pdf_of_a_billion_pages() -> bytes:
    return making.pdf([making.line("one")]).replace(b"/Count 1 ", b"/Count 1999999999 ")


def pdf_garbage() -> bytes:
    return b"%PDF-1.7\n" + bytes(range(256)) * 4000 + b"\ntrailer << /Root 1 0 R >>\nstartxref\n9\n%%EOF"


def pdf_stream_bomb() -> bytes:
    """A page of 300 MB, in 300 kB."""
    return making.pdf([b" " * (300 * MB) + making.line("end")])


REFUSED: list[tuple[Callable[[], bytes], set[str]]] = [
    (zip_bomb, {"too_large"}),
    (many_elements, {"too_complex"}),
    (billion_laughs, {"broken"}),
    (laughs_in_a_sheet, {"broken"}),
    (laughs_in_a_book, {"broken", "too_complex"}),
    (many_entries, {"too_complex"}),
    (deep_xml, {"broken", "too_complex"}),
    (deep_html, {"too_complex"}),
    (pdf_loop, {"broken", "empty"}),
    (pdf_garbage, {"broken"}),
]


@pytest.mark.parametrize(("make", "codes"), REFUSED, ids=[make.__name__ for make, _ in REFUSED])
def test_a_bomb_is_refused_in_bounded_time_and_memory(make: Callable[[], bytes], codes: set[str]) -> None:
    bomb = make()
    started = time.monotonic()

    assert refusal_of(bomb).code in codes
    assert time.monotonic() - started < SECONDS_MAX
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 1200 * MB


@pytest.mark.parametrize("make", [pdf_stream_bomb, pdf_of_a_billion_pages])
def test_a_pdf_that_claims_too_much_is_read_or_refused(make: Callable[[], bytes], settings: Settings) -> None:
    settings.EXTRACTION_TIMEOUT_SECONDS = 20
    try:
        assert read_in_child(make()).text in {"one", "end"}
    except ExtractionFailed as refused:
        assert refused.code in {"too_complex", "timed_out", "broken", "no_text", "empty"}


def test_a_sheet_that_claims_to_fill_every_cell_is_read_at_once() -> None:
    sheet = (
        '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>first</t></is></c></row>'
        '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>last</t></is></c></row></sheetData>'
    )
    started = time.monotonic()

    assert read_in_child(making.workbook(sheet)).text == "# One\n\nfirst\n\nlast"
    assert time.monotonic() - started < SECONDS_MAX


def test_an_external_entity_is_not_read() -> None:
    """XXE: the file on our disk that a document asks for stays on our disk."""
    page = "<!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><html><body><p>seen &x;</p></body></html>"
    word = making.word_xml(
        "<w:p><w:r><w:t>&x;</w:t></w:r></w:p>", before="<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
    )

    assert "root:" not in read_here(page.encode()).text
    assert "root:" not in read_here(making.book({"one": "<p>seen</p>"})).text
    assert refusal_of(making.office({"word/document.xml": word})).code == "broken"


def test_real_bytes_count_and_not_what_the_header_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "UNPACKED_MAX_BYTES", 10 * MB)
    honest = making.archive({"[Content_Types].xml": "<Types/>", "word/big.bin": bytes(11 * MB)})
    lying = honest.replace((11 * MB).to_bytes(4, "little"), (5).to_bytes(4, "little"))
    assert lying != honest

    for data in (honest, lying):
        with pytest.raises(Unreadable):
            archives.open_archive(data)


def _with_prefix(data: bytes, name: str, prefix: str, *, replace: tuple[str, str] = ("", "")) -> bytes:
    """Return the archive with text put before one entry."""
    with zipfile.ZipFile(BytesIO(data)) as packed:
        entries = {entry: packed.read(entry) for entry in packed.namelist()}
    entries[name] = (prefix + entries[name].decode().replace(*replace)).encode()
    return making.archive(entries)
