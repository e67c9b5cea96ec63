"""An engine reads no language whose letters it can't write: what came out would look right and be wrong."""

from __future__ import annotations

import string

import pytest

from documents.extraction.ocr import engines
from documents.extraction.ocr.letters import LETTERS, is_misread, lacks

WESTERN = set(string.printable + "äöüßéèàùçñêîôûïë¿¡áíóúâãõœ")


@pytest.mark.parametrize(
    ("language", "lacking"),
    [("en", False), ("de", False), ("de-AT", False), ("vi", True), ("ru", True), ("pl", True), ("xx", False)],
)
def test_a_language_needs_its_letters(language: str, lacking: bool) -> None:
    assert lacks(WESTERN, language) is lacking


def test_vietnamese_is_noticed_although_the_corpus_is_english() -> None:
    half_read = "Nhân viên đưc nghi phép năm 12 ngày làm vic hưng nguyên lương."

    assert is_misread(half_read, WESTERN)
    assert not is_misread(half_read, WESTERN | set(LETTERS["vi"]))
    assert not is_misread(
        "Every employee has 28 days of paid leave, says Mr. Đặng of the office in the north.", WESTERN
    )


def test_tesseract_goes_first_where_it_has_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "has_rapidocr", lambda: True)
    monkeypatch.setattr(engines, "pack_of", lambda language: "vie.traineddata" if language == "vi" else None)

    assert engines.choose("auto", "vi") == "tesseract"
    assert engines.choose("auto", "de") == "rapidocr"
    assert engines.choose("rapidocr", "vi") == "rapidocr"
    assert engines.choose("tesseract", "de") is None
    assert engines.choose("off", "vi") is None
