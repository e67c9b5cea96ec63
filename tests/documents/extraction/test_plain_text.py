"""Plain text in any encoding, Markdown, CSV and e-mail."""

from __future__ import annotations

import unicodedata
from email.message import EmailMessage

import pytest

from documents.extraction import media_types
from documents.extraction.encodings.decoding import decode
from documents.extraction.tables.model import describe_rows
from tests.documents.extraction.reading import read_here, read_in_child, refusal_of

TEXTS = [
    (
        "Die schöne Frau hat über die Straße geschaut und „guten Tag“ gesagt.",
        "cp1252 utf-8-sig utf-16 utf-16-le utf-16-be utf-32",
    ),
    ("Die Übung für Anfänger: größere Mengen müssen überprüft werden.", "latin-1 cp850 mac_roman utf-32-le utf-32-be"),
    ("L'été était très chaud. J'ai acheté un café à côté de l'hôtel, ça coûte cher.", "cp1252 latin-1 cp850"),
    ("El niño comió paella. ¿Cuándo volverá mañana? La señora dijo: ¡Qué rico!", "cp1252 cp850"),
    ("Kvinnan åt köttbullar med lingonsylt på många sätt.", "latin-1 cp850"),
    ("It’s the “best” of times – isn’t it? It costs £4.", "cp1252 mac_roman"),
    ("It’s the “best” of times – isn", "mac_roman"),  # nothing but quotation marks to go by
    ("L'ÉTÉ DERNIER, À CÔTÉ DE L'HÔTEL", "cp1252 cp850"),
    ("Zażółć gęślą jaźń. Wszyscy ludzie rodzą się wolni i równi.", "cp1250 iso8859-2"),
    ("Všichni lidé rodí se svobodní. Příliš žluťoučký kůň úpěl.", "cp1250 iso8859-2 cp852"),
    ("Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar.", "cp1254"),
    ("Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis.", "cp1257"),
    (
        "В студеную зимнюю пору я из лесу вышел; был сильный мороз.",
        "cp866 cp1251 koi8-r iso8859-5 mac_cyrillic utf-16-le",
    ),
    ("Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στα δικαιώματα.", "cp1253 iso8859-7"),
    ("כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.", "cp1255 iso8859-8"),
    ("يولد جميع الناس أحراراً متساوين في الكرامة والحقوق", "cp1256 iso8859-6"),
    ("มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกัน", "cp874"),
    ("すべての人間は、生まれながらにして自由であり、平等である。", "cp932 euc_jp iso2022_jp"),
    ("人人生而自由，在尊严和权利上一律平等。\n他们赋有理性和良心。", "gb18030 utf-16-le utf-16-be"),
    ("人人生而自由，在尊嚴和權利上一律平等。", "big5"),
    ("모든 인간은 태어날 때부터 자유로우며 동등하다.", "cp949"),
]


@pytest.mark.parametrize(("text", "encoding"), [(text, name) for text, names in TEXTS for name in names.split()])
def test_a_text_is_read_in_its_encoding(text: str, encoding: str) -> None:
    assert read_here(text.encode(encoding)).text == text


def test_a_text_with_a_few_damaged_bytes_stays_utf8() -> None:
    assert decode("Grüße aus Köln, schöne Straße ".encode() * 5 + b"\xff" + "é".encode()).endswith("\ufffdé")


def test_a_long_ascii_text_that_ends_in_another_encoding_is_read_to_its_end() -> None:
    data = b"Long line of English text.\n" * 10_000 + "Schöne Grüße".encode("cp1252")

    assert read_here(data).text.endswith("Schöne Grüße")


def test_text_with_a_stray_nul_is_text() -> None:
    assert read_here(b"One line.\x00\n" + b"Another line of text. " * 20).text.startswith("One line.\nAnother")


@pytest.mark.parametrize("data", [b"", b" \n\t ", "\ufeff \n".encode(), "\ufeff  ".encode("utf-16"), b"\x00\x00"])
def test_a_file_without_text_is_empty(data: bytes) -> None:
    assert refusal_of(data).code == "empty"


def test_markdown_keeps_its_marks_and_loses_front_matter_and_comments() -> None:
    read = read_in_child(
        b'---\ntitle: "House rules"\nlang: de-AT\n---\n<!-- hidden -->\n# Rules\n\nBe *kind*.\n\n'
        b"```\n<!-- shown -->\n# code\n```\n",
        "rules.md",
    )

    assert read.text == "# Rules\n\nBe *kind*.\n\n```\n<!-- shown -->\n# code\n```"
    assert (read.title, read.media_type, read.markdown) == ("House rules", media_types.MARKDOWN, True)


def test_a_markdown_title_is_its_first_heading() -> None:
    assert read_in_child(b"# The *house*\n\ntext", "a.md").title == "The house"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_rows_name_their_columns(delimiter: str) -> None:
    rows = [["Team", "City", "Cups"], ["Blues", '"St. Louis' + delimiter + ' MO"', "1"], ["Leafs", "", "13"]]
    data = "\n".join(delimiter.join(row) for row in rows).encode()

    assert read_here(data, ".csv").text == (
        f"Team | City | Cups\nTeam: Blues; City: St. Louis{' ' if delimiter == chr(9) else delimiter} MO; Cups: 1\n"
        "Team: Leafs; Cups: 13"
    ).replace("Louis  MO", "Louis MO")


def test_rows_without_a_header_stay_rows() -> None:
    assert list(describe_rows([["1", "2"], ["3", "4"]])) == ["1 | 2", "3 | 4"]
    assert list(describe_rows([["a title"], ["x", "y"], ["3", ""]])) == ["a title", "x | y", "3"]


def test_a_quote_that_never_ends_loses_nothing() -> None:
    data = b'a,b\n1,"never closed\n' + b"3,4\n" * 50_000

    assert read_here(data, ".csv").text.count("a: 3; b: 4") == 50_000


def test_prose_with_commas_is_no_table() -> None:
    data = b"First, this one.\nThen, another one.\nAnd, at last, a third.\n"

    assert media_types.recognise(data) == media_types.PLAIN_TEXT
    assert read_here(b"Named a table.\nBut is none.\n", ".csv").text == "Named a table.\nBut is none."


def mail(html_only: bool = False) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Prüfung morgen", "Ada <ada@example.org>", "all@example.org"
    message["Date"], message["Message-ID"] = "Fri, 16 Dec 2022 17:04:16 -0500", "<1@example.org>"
    if html_only:
        message.set_content("<p>Kommt <b>alle</b>!</p><script>x</script>", subtype="html")
    else:
        message.set_content("Kommt alle!\nGrüße", charset="iso-8859-1")
        message.add_alternative("<p>never needed</p>", subtype="html")
    message.add_attachment(b"%PDF-1.7 secret", maintype="application", subtype="pdf", filename="plan.pdf")
    return message.as_bytes()


def test_a_mail_is_its_headers_its_body_and_the_names_of_its_attachments() -> None:
    read = read_in_child(mail())

    assert read.text == (
        "Subject: Prüfung morgen\nFrom: Ada <ada@example.org>\nTo: all@example.org\n"
        "Date: Fri, 16 Dec 2022 17:04:16 -0500\n\nKommt alle!\nGrüße\n\nAttachments: plan.pdf"
    )
    assert (read.media_type, read.title) == (media_types.EMAIL, "Prüfung morgen")


def test_a_mail_that_is_only_html_is_read_as_a_page() -> None:
    assert "\n\nKommt alle!\n\nAttachments" in read_here(mail(html_only=True)).text


def test_a_mail_of_an_unknown_character_set_is_read() -> None:
    assert "Grüße" in read_here(mail().replace(b'"iso-8859-1"', b'"no-such"')).text


def test_text_that_normalises_is_stored_normalised() -> None:
    read = read_in_child(unicodedata.normalize("NFD", "Nhà thầu\r\n\r\n\r\n\x07fi\xadn").encode())

    assert read.text == "Nhà thầu\n\nfin"


def test_the_colours_of_a_terminal_are_no_text() -> None:
    assert read_here(b"\x1b[31mError\x1b[0m: disk \x1b]8;;http://x\x07full\n").text == "Error: disk full"


def test_json_has_its_letters_and_keeps_its_form() -> None:
    data = rb'{"a": "Gr\u00f6\u00dfe \ud83d\ude00", "b": "\u0022x\u0022 \\\\u00e4 \u000a"}'

    assert read_here(data, ".json").text == '{"a": "Größe \U0001f600", "b": "\\u0022x\\u0022 \\\\\\\\u00e4 \\u000a"}'


def test_a_calendar_is_read_as_its_events() -> None:
    data = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Fire drill\\, north\r\nLOCATION:Hall\r\n"
    data += b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    assert read_here(data, ".ics").text == "Event: Fire drill, north\nLocation: Hall"


MARKDOWN = [
    ("---\n\nBetween two rules\n\n---\n\nMore", "---\n\nBetween two rules\n\n---\n\nMore"),
    ("+++\ntitle = 'X'\n+++\n\nText", "Text"),
    ("A ![plan](data:image/png;base64,iVBORw0KGgo=) here", "A ![plan] here"),
    (
        "<table><tr><th>Item</th><th>Fee</th></tr>\n<tr><td>Pool</td>\n<td>5</td></tr></table>\nEnd",
        "Item | Fee\nItem: Pool; Fee: 5\n\nEnd",
    ),
    ("```\n<table><tr><td>x</td></tr></table>\n```", "```\n<table><tr><td>x</td></tr></table>\n```"),
    ("| a | b |\n|---|---|\n| 1 | 2 | 3 |", "a | b\na: 1; b: 2; 3"),
]


@pytest.mark.parametrize(("written", "text"), MARKDOWN)
def test_markdown_keeps_its_text_and_nothing_else(written: str, text: str) -> None:
    assert read_here(written.encode(), ".md").text == text


CSV = [
    ("Name,Room\r\r\nAda,12\r\r\nBob,13\r\r\n", "Name: Ada; Room: 12"),
    ('Name, Note\nAda, "one, two"\nBob, "three"\n', "Name: Ada; Note: one, two"),
    ('Name,Note\nAda,"say \\\\"hi\\\\", now"\nBob,ok\n'.replace("\\\\", "\\"), 'Name: Ada; Note: say "hi", now'),
    ('Name,Path\nAda,"C:\\\\x\\\\"\nBob,ok\n'.replace("\\\\", "\\"), "Name: Ada; Path: C:\\x\\"),
]


@pytest.mark.parametrize(("written", "line"), CSV)
def test_unusual_ways_to_write_rows_are_read(written: str, line: str) -> None:
    assert line in read_here(written.encode(), ".csv").text.split("\n")
