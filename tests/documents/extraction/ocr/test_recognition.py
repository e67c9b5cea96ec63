"""Scanned pages and pictures become text where an engine is installed, page by page, and say how far to trust it."""

from __future__ import annotations

import io
from pathlib import Path

import pypdfium2
import pytest
from pytest_django import Settings

from documents.extraction import ExtractionFailed
from documents.extraction.ocr import engines
from documents.extraction.ocr.recognised_page import PageText
from documents.extraction.ocr.recognising import Page, recognise_pages
from documents.extraction.process import runner as process_runner
from documents.indexing import file_text
from documents.indexing.attempts import Interrupted, claim
from documents.indexing.file_text import text_of
from documents.models import Document
from documents.uploads.acceptance import accept_upload
from tests.documents.extraction.making import line, pdf
from tests.documents.extraction.ocr.scans import as_file, page
from tests.factories import make_corpus

needs_rapidocr = pytest.mark.skipif(not engines.has_rapidocr(), reason="needs RapidOCR: make install-ocr")
needs_tesseract = pytest.mark.skipif(
    engines.pack_of("en") is None, reason="needs Tesseract: apt-get install tesseract-ocr tesseract-ocr-eng"
)
INSTALLED = [
    pytest.param(engines.RAPIDOCR, marks=[needs_rapidocr, pytest.mark.slow]),
    pytest.param(engines.TESSERACT, marks=needs_tesseract),
]


def scanned(data: bytes, name: str = "scan.pdf", language: str = "en") -> Document:
    """Return a document that a run has claimed."""
    document = accept_upload(make_corpus(language=language), file=io.BytesIO(data), name=name).document
    claimed = claim(document.pk)
    assert claimed is not None
    return claimed


def _printed_and_scanned() -> bytes:
    file = io.BytesIO()
    with (
        pypdfium2.PdfDocument(pdf([line("A page that was printed, with enough text to be one.")])) as whole,
        pypdfium2.PdfDocument(as_file(page())) as scan,
    ):
        whole.import_pages(scan)
        whole.save(file)
    return file.getvalue()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[int, Page]:
    """Stand for an engine: what it finds on each page."""
    pages: dict[int, Page] = {}

    def recognise(path: Path, media_type: str, language: str, numbers: list[int] | None, **options: object) -> object:
        wanted = numbers or sorted(pages)
        for done, number in enumerate(wanted, start=1):
            yield pages[number]
            options["go_on"](done, len(wanted))  # type: ignore[operator]

    monkeypatch.setattr(file_text, "recognise_pages", recognise)
    monkeypatch.setattr(engines, "choose", lambda wanted, language: None if wanted == "off" else engines.RAPIDOCR)
    return pages


@pytest.mark.parametrize("engine", INSTALLED)
def test_a_scan_is_read(engine: str, tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.write_bytes(as_file(page(), page(("The second sheet", "has two lines of its own"))))

    pages = list(recognise_pages(scan, "application/pdf", "en", None, engine=engine))

    assert [each.number for each in pages] == [1, 2]
    assert pages[0].found is not None
    assert "A guest pays 12 euros for a day on the water." in pages[0].found.text
    assert pages[0].found.is_sure
    assert pages[1].found is not None
    assert "The second sheet" in pages[1].found.text
    assert not any("ocr" in server for server in process_runner._servers)  # it takes memory that nothing needs any more


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@needs_tesseract
def test_a_picture_is_read(kind: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    picture.write_bytes(as_file(page(), kind=kind))
    media_type = file_text.kind_of(picture)
    assert media_type is not None

    (only,) = recognise_pages(picture, media_type, "en", None, engine=engines.TESSERACT)

    assert only.found is not None
    assert "A guest pays 12 euros for a day on the water." in only.found.text


@needs_rapidocr
@pytest.mark.slow
def test_a_language_that_the_engine_cannot_write_is_not_read(tmp_path: Path) -> None:
    scan = tmp_path / "scan"
    scan.write_bytes(as_file(page()))

    (only,) = recognise_pages(scan, "application/pdf", "vi", None, engine=engines.RAPIDOCR)

    assert only.found is None
    assert only.reason == "ocr_language"


@pytest.mark.django_db
def test_recognised_pages_are_in_their_places_and_named(told: dict[int, Page]) -> None:
    told[1] = Page(1, 3, PageText("The first sheet.", 0.99))
    told[2] = Page(2, 3, PageText("Hrd to rd.", 0.5))
    told[3] = Page(3, 3, None, "timed_out")
    document = scanned(as_file(page(), page(), page()))

    read = text_of(document)

    assert read.text == "The first sheet.\n\nHrd to rd."
    assert read.page_starts == (0, 18, 28)
    assert [(note.code, note.pages) for note in read.notes] == [
        ("picture_pages", (3,)),
        ("recognised_pages", (1,)),
        ("unsure_pages", (2,)),
    ]
    document.refresh_from_db()
    assert (document.ocr_pages_done, document.ocr_pages_total) == (3, 3)


@pytest.mark.django_db
def test_of_a_file_with_some_scanned_pages_only_those_are_recognised(told: dict[int, Page]) -> None:
    told[2] = Page(2, 2, PageText("Recognised words.", 0.99))
    document = scanned(_printed_and_scanned())

    read = text_of(document)

    assert read.text.endswith("Recognised words.")
    assert read.text.startswith("A page that was printed")
    assert [(note.code, note.pages) for note in read.notes] == [("recognised_pages", (2,))]


@pytest.mark.django_db
def test_without_an_engine_a_scan_is_refused_with_the_way_out(settings: Settings) -> None:
    settings.OCR_ENGINE = "off"

    with pytest.raises(ExtractionFailed, match="OCR") as refused:
        text_of(scanned(as_file(page())))

    assert refused.value.code == "no_text"


@pytest.mark.django_db
@pytest.mark.parametrize(("reason", "words"), [("ocr_language", "can write its language"), ("", "No text was")])
def test_a_scan_of_which_nothing_was_read_says_why(told: dict[int, Page], reason: str, words: str) -> None:
    told[1] = Page(1, 1, None, reason)

    with pytest.raises(ExtractionFailed, match=words):
        text_of(scanned(as_file(page(), kind="PNG"), "scan.png"))


@pytest.mark.django_db
def test_recognition_stops_between_two_pages(told: dict[int, Page]) -> None:
    told.update({number: Page(number, 3, PageText(f"Sheet {number}.", 0.9)) for number in (1, 2, 3)})
    document = scanned(as_file(page(), page(), page()))

    with pytest.raises(Interrupted):
        text_of(document, keep_going=lambda: False)

    document.refresh_from_db()
    assert document.ocr_pages_done == 1


@pytest.mark.django_db
def test_a_file_of_very_many_pages_is_recognised_so_far_and_says_so(told: dict[int, Page], settings: Settings) -> None:
    settings.OCR_PAGES_MAX = 2
    told.update({number: Page(number, 3, PageText(f"Sheet {number}.", 0.9)) for number in (1, 2, 3)})

    read = text_of(scanned(as_file(page(), page(), page())))

    assert "Sheet 2." in read.text
    assert "Sheet 3." not in read.text
    assert ("picture_pages", (3,)) in [(note.code, note.pages) for note in read.notes]
