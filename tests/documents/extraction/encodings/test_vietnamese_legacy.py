"""Vietnamese encodings from before Unicode."""

from __future__ import annotations

import unicodedata

import pytest

from documents.extraction.encodings.vietnamese_legacy import from_tcvn3, from_vni

SMALL = "àảãáạăằẳẵắặâầẩẫấậđèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵ"  # every letter of Vietnamese with a mark


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("C¸c phßng ban nép b¸o c¸o tr­íc ngµy m­êi l¨m.", "Các phòng ban nộp báo cáo trước ngày mười lăm."),
        ("§¬n xin nghØ phÐp göi tr­ëng phßng, §iÒu 7", "Đơn xin nghỉ phép gửi trưởng phòng, Điều 7"),
        ("\uf0a7iÒu", "Điều"),  # from a symbol font
        ("Ho\xb5 b×nh", "Hoà bình"),
        ("Đơn xin nghỉ phép và gửi", "Đơn xin nghỉ phép và gửi"),  # Unicode already
        ("Annex 3: 12 EUR", "Annex 3: 12 EUR"),
    ],
)
def test_tcvn3_becomes_unicode(written: str, read: str) -> None:
    assert from_tcvn3(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Caùc phoøng ban noäp baùo caùo tröôùc ngaøy möôøi laêm.", "Các phòng ban nộp báo cáo trước ngày mười lăm."),
        ("Ñôn xin nghæ pheùp göûi tröôûng phoøng, ÑIEÀU 7", "Đơn xin nghỉ phép gửi trưởng phòng, ĐIỀU 7"),
        (
            "Kyõ thuaät, quy cheá, kyù teân, lyù lòch, hoûi yù kieán, mó thuaät",
            "Kỹ thuật, quy chế, ký tên, lý lịch, hỏi ý kiến, mĩ thuật",
        ),
        ("ÑAËC BIEÄT", "ĐẶC BIỆT"),
        ("Đơn xin nghỉ phép", "Đơn xin nghỉ phép"),
    ],
)
def test_vni_becomes_unicode(written: str, read: str) -> None:
    assert from_vni(written) == read


def test_every_letter_can_be_written_in_tcvn3() -> None:
    converted = {from_tcvn3(chr(code)) for code in range(0xA1, 0x100)}

    assert set(SMALL) <= converted
    assert all(unicodedata.is_normalized("NFC", letter) for letter in converted)


def test_every_letter_can_be_written_in_vni() -> None:
    marks = "øùûõïâàáåãäêèéúüë"
    pairs = [letter + mark for letter in "aeouyôö" for mark in marks]
    converted = {from_vni(pair) for pair in [*pairs, *"ìíæóòîñôö"]}

    assert set(SMALL) <= converted
    assert {letter.upper() for letter in SMALL} <= {from_vni(pair.upper()) for pair in [*pairs, *"ìíæóòîñôö"]}
