"""Text in old encodings: read right or refused, never stored as other letters."""

from __future__ import annotations

import unicodedata
from hashlib import sha256

import pytest

from documents.extraction import media_types
from documents.extraction.encodings.decoding import decode, decode_counted
from documents.extraction.encodings.guessing import guess_encoding
from documents.extraction.encodings.languages import text_cost
from documents.extraction.encodings.viscii import from_viscii
from documents.extraction.failures import Unreadable
from documents.text.extraction_notes import Note
from tests.documents.extraction.reading import read_in_child, refusal_of

ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "cp1252",
    "mac_roman",
    "cp850",
    "cp437",
    "cp1250",
    "iso8859-2",
    "cp1251",
    "koi8-r",
    "cp866",
    "cp1253",
    "cp1254",
    "cp932",
    "euc_jp",
    "gb18030",
    "big5",
    "cp949",
    "cp500",
]
COMMON = {"utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp932", "gb18030", "big5"}
TEXTS = [
    "The porter’s lodge – open from 7 a.m. – keeps “lost” keys for £5… Ask at the desk, please; it isn’t far.",
    "Die Hausordnung gilt für alle Mieter: Müll gehört in die Tonne, Fahrräder stehen im Hof, nicht im Flur.",
    "Les clés perdues sont à déclarer à l’accueil ; le remplacement coûte 15 € et prend deux jours ouvrés.",
    "Ключи от подвала выдаёт комендант по вторникам с девяти до двенадцати, при себе иметь пропуск.",
    "Klíče od sklepa vydává správce každé úterý, přineste si průkaz a vyplněnou žádost o zapůjčení.",
    "鍵をなくした場合は、すぐに管理室へ連絡してください。再発行には二日かかります。",
    "钥匙丢失后请立即通知管理处，补办需要两个工作日，费用为五十元。",
]


def in_bytes(text: str, encoding: str) -> bytes | None:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return None


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_in_any_encoding_is_read_right_or_refused(text: str) -> None:
    for size in (40, len(text)):
        for encoding in ENCODINGS:
            data = in_bytes(text[:size], encoding)
            if data is None:
                continue
            try:
                assert decode(data) == text[:size], encoding
            except Unreadable as refused:
                assert refused.reason == "unknown_encoding"
                assert size == 40 or encoding not in COMMON, encoding


@pytest.mark.parametrize(
    "text",
    [
        "Day pass: €7.50. Year pass: €88.",
        "Keep between 3°C and 9°C (±1°).",
        "The kiosk’s new price is £2 – tea included.",
        "“Yes”, she said.",
        "© 2021 Hill & Sons®",
        "See § 12 of the rules.",
        "• Towels\n• Soap",
        "½ litre costs 40¢",
    ],
)
def test_the_signs_of_short_english_text_come_out(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp"])
@pytest.mark.parametrize("name", ["大阪支店営業部", "新宿区西口", "製造課長 山田"])
def test_japanese_names_without_kana_are_no_korean(name: str, encoding: str) -> None:
    assert decode(name.encode(encoding)) == name


VIETNAMESE = "Người thuê phải trả tiền điện trước ngày mồng năm hằng tháng và giữ gìn tài sản chung của tòa nhà."


def test_vietnamese_from_before_unicode() -> None:
    tones = dict(zip("\u0300\u0301\u0303\u0309\u0323", "\u0300\u0301\u0303\u0309\u0323", strict=True))
    in_two = "".join(
        letter if in_bytes(letter, "cp1258") else _with_separate_tone(letter, "".join(tones)) for letter in VIETNAMESE
    )

    assert unicodedata.normalize("NFC", decode(in_two.encode("cp1258"))) == VIETNAMESE
    assert decode(b"C\xf6\xa9ng ty c\xf3 ph\xc7n".replace(b"\xf6\xa9", b"\xab").replace(b"\xf3", b"\xe6")) == (
        "Công ty cổ phần"
    )  # TCVN3
    assert decode("Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam".encode("cp1252")) == "Cộng hòa xã hội chủ nghĩa Việt Nam"
    letters = {from_viscii(bytes([byte])): byte for byte in range(256)}
    assert decode(bytes(letters[letter] for letter in VIETNAMESE)) == VIETNAMESE
    assert from_viscii(b"Vi\xaet Nam, ch\xfc ngh\xeea") == "Việt Nam, chủ nghĩa"


def _with_separate_tone(letter: str, tones: str) -> str:
    parts = unicodedata.normalize("NFD", letter)
    base = "".join(part for part in parts if part not in tones)
    return unicodedata.normalize("NFC", base) + "".join(part for part in parts if part in tones)


def test_a_zero_byte_does_not_make_another_encoding_of_a_text() -> None:
    text = b"Guests ring the bell twice\x00 after ten. " * 4

    assert decode_counted(text).text == text.replace(b"\x00", b"").decode()
    assert decode_counted(text[:-1]).repaired == 4
    assert decode(b"Account A\x00\x00\x00\x00South\x00\x00\x00\x00\n" * 9) == "Account A South \n" * 9


def test_lines_of_another_encoding_do_not_spoil_the_rest() -> None:
    lines = ["Jürgen kam um acht.\n"] * 6 + ["Zoë ging um neun.\n"] * 4
    data = b"".join(line.encode("utf-8" if number < 6 else "cp1252") for number, line in enumerate(lines))

    assert decode(data) == "".join(lines)


def test_damaged_places_are_counted_on_the_document() -> None:
    read = read_in_child("Grüße aus Köln, schöne Straße. ".encode() * 5 + b"\xff ok")

    assert read.text.endswith("\ufffd ok")
    assert read.notes == (Note("bytes_repaired", 1),)


@pytest.mark.parametrize(
    "data",
    [
        "PAYMENT LIST FOR APRIL, PAGE 2. TOTAL IS IN THE LAST LINE.".encode("cp500"),
        b"a\x00\x00\x00b\x00\x00\x00\x00\x00c\x00\x00" * 30,
        b"".join(bytes(byte | 0x80 for byte in sha256(bytes([n])).digest()) for n in range(9)),
    ],
)
def test_what_no_encoding_explains_is_refused(data: bytes) -> None:
    refused = refusal_of(data, "list.txt")

    assert refused.code == "unknown_encoding"
    assert "UTF-8" in refused.message


@pytest.mark.parametrize(
    ("label", "encoding", "text"),
    [
        ("gb2312", "gbk", "朱镕基路"),  # the third is only in GBK
        ("x-sjis", "cp932", "①階"),  # the first is only in Microsoft's table
        ("ks_c_5601-1987", "cp949", "똠방각하"),
        ("iso-8859-1", "cp1252", "8 € – “net”"),
        ("iso-8859-9", "cp1254", "ışık"),
        ("us-ascii", "gbk", "本楼将于周五停水，请提前准备好生活用水。"),  # says one thing and is another
    ],
)
def test_a_declared_encoding_is_understood_as_browsers_do(label: str, encoding: str, text: str) -> None:
    assert decode(text.encode(encoding), declared=label) == text


def test_a_mark_of_utf8_before_another_code_page_is_a_mistake() -> None:
    assert decode(b"\xef\xbb\xbf" + "Schöne Grüße".encode("cp1252")) == "Schöne Grüße"


def test_a_page_may_declare_what_its_bytes_alone_would_not_tell() -> None:
    page = "<html><meta charset=iso-8859-13><p>ąžuolas".encode("iso8859-13")

    assert media_types.recognise(page) == media_types.HTML
    assert read_in_child(page).text == "ąžuolas"


def test_where_two_readings_are_as_good_there_is_no_guess() -> None:
    assert guess_encoding(b"13 \xe2 \xe2") is None


def test_a_sign_where_nobody_writes_it_is_dearer() -> None:
    assert text_cost("It’s here") < text_cost("It¡s here")
    assert text_cost("costs £4") < text_cost("costs Ł4")


TWICE = [
    ("Größe fünf – gültig".encode().decode("cp1252").encode(), "Größe fünf – gültig"),
    (
        "the 2003–04 season, the 2004–05 season".encode().decode("latin-1").encode(),
        "the 2003–04 season, the 2004–05 season",
    ),
    ("Ça coûte 5 € – à peu près".encode().decode("cp1252").encode(), "Ça coûte 5 € – à peu près"),
]


@pytest.mark.parametrize(("data", "text"), TWICE)
def test_letters_that_were_encoded_twice_are_mended_and_counted(data: bytes, text: str) -> None:
    decoded = decode_counted(data)

    assert decoded.text == text
    assert decoded.repaired == sum(not character.isascii() for character in text)


@pytest.mark.parametrize("text", ["São João, â€“ is what a dash becomes, and Ã¶ an ö", "NÃO, SÃO", "£Â 5"])
def test_a_text_that_has_other_letters_too_is_left_as_it_is(text: str) -> None:
    assert decode(text.encode()) == text


ANNOUNCED = [
    ("연차 휴가 안내입니다".encode("iso2022_kr"), "연차 휴가 안내입니다"),
    ("会議は三時".encode("iso2022_jp"), "会議は三時"),
    ("朱先生周五休假".encode("hz"), "朱先生周五休假"),
    (b"a shell script: ~{user}/x ~{ab~}", "a shell script: ~{user}/x ~{ab~}"),
    ("ok \ud83d\ude00 äöü".encode("utf-8", "surrogatepass"), "ok \U0001f600 äöü"),
]


@pytest.mark.parametrize(("data", "text"), ANNOUNCED)
def test_rare_ways_to_write_letters_are_read(data: bytes, text: str) -> None:
    assert decode(data) == text


def test_lines_around_a_table_of_an_old_program_are_no_letters() -> None:
    table = "┌──────┐\n│ Name │\n└──────┘\n"
    assert decode(table.encode("cp437")) == table


@pytest.mark.parametrize("encoding", ["cp1252", "gb18030", "big5", "cp949"])
def test_a_sign_in_brackets_stays_that_sign(encoding: str) -> None:
    text = "The first of them is called (±)-2-amine in the list, and this is all that is said of it there.\n" * 3
    try:
        assert decode(text.encode(encoding)) == text
    except Unreadable as failure:
        assert failure.reason == "unknown_encoding"
