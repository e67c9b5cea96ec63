"""Files whose reading took minutes: each is read, or refused with its reason, within the CPU time of a small file."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from documents import extraction
from documents.extraction.failures import Unreadable
from documents.extraction.office import xlsx_sheet
from documents.extraction.process.limits import Limits
from tests.documents.extraction import making
from tests.documents.extraction.reading import read_here, read_in_child, refusal_of

CPU_SECONDS = 10
WALL_SECONDS = 300  # other work on this machine must not count


@pytest.fixture(autouse=True)
def limits(monkeypatch: pytest.MonkeyPatch) -> None:
    def limits_for(size_bytes: int, *, seconds: int, memory_bytes: int, max_chars: int) -> Limits:
        return Limits(memory_bytes, CPU_SECONDS, WALL_SECONDS, max_chars)

    monkeypatch.setattr(extraction, "limits_for", limits_for)


def page_of_attributes() -> bytes:
    """A page of 4.9 MB with one element."""
    return b"<html><body><p " + b" ".join(b"a%d=1" % number for number in range(560_000)) + b">The end.</p>"


def page_of_paragraphs() -> bytes:
    return b"<html><body>" + b"<p>x" * 100_000 + b"<p>The end."


def mailbox() -> bytes:
    mail = (
        b"From anna@example.org Mon Jan  1 00:00:00 2024\nFrom: Anna <anna@example.org>\nSubject: Note %d\n\n"
        b"Number %d is paid.\n\n"
    )
    return b"".join(mail % (number, number) for number in range(8_000)) + mail % (0, 0) + b"The end.\n"


def sheet_of_rows() -> bytes:
    """A workbook of 1 MB whose rows have hardly any cells."""
    rows = "".join(f'<row r="{number}"/>' for number in range(1, 400_000))
    return making.workbook(
        f'<sheetData>{rows}<row r="400001"><c r="A400001" t="str"><v>The end.</v></c></row></sheetData>'
    )


@pytest.mark.parametrize("make", [page_of_attributes, page_of_paragraphs, mailbox, sheet_of_rows])
def test_a_file_of_very_many_parts_is_read_in_time(make: Callable[[], bytes]) -> None:
    name = "file.html" if make.__name__.startswith("page") else "file"
    assert read_in_child(make(), name).text.endswith("The end.")


@pytest.mark.parametrize(
    ("sheet", "code"),
    [
        ('<row r="1"><c><v>1</v></c></row><row r="2">' + "<c><v>1</v></c>" * 1_500_001 + "</row>", "too_large"),
        ("<row/>" * 5_000_001, "too_complex"),
    ],
    ids=["values", "rows"],
)
def test_a_sheet_beyond_the_limits_is_refused_without_reading_it(
    sheet: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = making.workbook(f"<sheetData>{sheet}</sheetData>")
    assert refusal_of(data).code == code

    def never(*arguments: object) -> None:
        raise AssertionError("it is being read")

    monkeypatch.setattr(xlsx_sheet, "forget", never)
    with pytest.raises(Unreadable):
        read_here(data)
