"""Content decides what a file is, not its name."""

from __future__ import annotations

import pytest

from documents.extraction import media_types
from documents.extraction.failures import Unreadable
from documents.extraction.media_types import recognise
from tests.documents.extraction import making
from tests.documents.extraction.reading import refusal_of
from tests.documents.extraction.test_plain_text import mail

PAGE = b"<!DOCTYPE html><html><body><p>text</p></body></html>"
MADE = [
    (making.pdf([making.line("text")]), media_types.PDF),
    (making.word_document(), media_types.DOCX),
    (making.presentation(), media_types.PPTX),
    (making.spreadsheet(), media_types.XLSX),
    (making.book({"one": "<p>text</p>"}), media_types.EPUB),
    (making.archive({"mimetype": media_types.ODT, "content.xml": "<x/>"}), media_types.ODT),
    (making.archive({"mimetype": media_types.ODS, "content.xml": "<x/>"}), media_types.ODS),
    (making.archive({"mimetype": media_types.ODP, "content.xml": "<x/>"}), media_types.ODP),
    (rb"{\rtf1\ansi text}", media_types.RTF),
    (PAGE, media_types.HTML),
    (mail(), media_types.EMAIL),
]
SUFFIXES = [
    "",
    ".pdf",
    ".docx",
    ".pptx",
    ".xlsx",
    ".odt",
    ".rtf",
    ".epub",
    ".html",
    ".eml",
    ".txt",
    ".md",
    ".csv",
    ".png",
    ".exe",
]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("data", "media_type"), MADE, ids=[media_type for _, media_type in MADE])
def test_a_wrong_name_changes_nothing(data: bytes, media_type: str, suffix: str) -> None:
    assert recognise(data, suffix=suffix) == media_type


@pytest.mark.parametrize(
    ("text", "suffix", "media_type"),
    [
        ("plain words", ".txt", media_types.PLAIN_TEXT),
        ("plain words", ".pdf", media_types.PLAIN_TEXT),
        ("plain words", ".md", media_types.MARKDOWN),  # every text is Markdown
        ("# Title\n\n- one\n- two\n", ".txt", media_types.MARKDOWN),
        ("# a comment\nx = 1\n# another\n", ".py", media_types.PLAIN_TEXT),
        ("a,b,c\n1,2,3\n4,5,6\n", ".txt", media_types.CSV),
        ("a\tb\n1\t2\n4\t5\n", "", media_types.CSV),
        ("a;b\n1;2", ".csv", media_types.CSV),
        ("<p>one</p><p>two</p><p>three</p>", "", media_types.HTML),
        ("<b>one</b>", ".html", media_types.HTML),
        ("How to write <html> by hand", ".txt", media_types.PLAIN_TEXT),
        ("The header is %PDF-1.7, as everybody knows", ".txt", media_types.PLAIN_TEXT),
        ("Note: this\nis no mail", ".txt", media_types.PLAIN_TEXT),
    ],
)
def test_texts_are_told_apart(text: str, suffix: str, media_type: str) -> None:
    assert recognise(text.encode(), suffix=suffix) == media_type


UNKNOWN = [
    (making.png(), "picture"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 4, "picture"),
    (b"RIFF\x24\x08\x00\x00WAVEfmt \x10\x00\x00\x00" + bytes(range(256)) * 4, "video"),
    (making.archive({"a.txt": "text"}), "archive"),
    (b"\x1f\x8b\x08\x00" + bytes(range(256)) * 4, "archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000), ".doc"),
    (b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 8, "Accepted are PDF"),
    (bytes(range(256)) * 20, "Accepted are PDF"),
    (b"%!PS-Adobe-3.0\n/Helvetica findfont", "This is a PostScript file"),
    (b"\xc5\xd0\xd3\xc6" + bytes(28) + b"%!PS-Adobe-3.0 EPSF-3.0\n", "This is a PostScript file"),
]


@pytest.mark.parametrize(("data", "hint"), UNKNOWN)
def test_an_unknown_type_is_refused_with_what_is_accepted(data: bytes, hint: str) -> None:
    refused = refusal_of(data, "report.pdf")

    assert refused.code == "unknown_type"
    assert hint in refused.message


@pytest.mark.parametrize("start", [b"ID3\x03\x00\x00", b"\xff\xfb\x90\x00", b"OggS\x00\x02", b"\x00\x00\x00 ftypmp42"])
def test_sounds_and_films_are_no_text_in_two_bytes_per_letter(start: bytes) -> None:
    with pytest.raises(Unreadable):
        recognise(start + b"\xff\xfb\x90\x00" * 100)
