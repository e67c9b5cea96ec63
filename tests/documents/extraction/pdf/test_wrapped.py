"""Tables of a PDF without lines whose cells go over several lines."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.documents.extraction import making
from tests.documents.extraction.making import line
from tests.documents.extraction.reading import read_here

PLACES = (70, 200, 400)
FEES = [
    ("Item", "Rule", "Fee"),
    ("Pool", "closed on the first\nMonday of a month", "5"),
    ("Gym", "open daily", "7"),
    ("Swimming\nlessons", "on request at\nthe desk", "12"),
    ("Sauna", "", "9"),
]
DESCRIBED = [
    "Item | Rule | Fee",
    "Item: Pool; Rule: closed on the first Monday of a month; Fee: 5",
    "Item: Gym; Rule: open daily; Fee: 7",
    "Item: Swimming lessons; Rule: on request at the desk; Fee: 12",
    "Item: Sauna; Fee: 9",
]


def page(rows: Sequence[Sequence[str]], *, gap: int = 20, by_cell: bool = True) -> bytes:
    """Return a page with rows that stand `gap` points apart, the lines in a cell 13; drawn cell by cell or by line."""
    drawn, y = [], 700
    for row in rows:
        cells = [cell.split("\n") for cell in row]
        for cell, x in zip(cells, PLACES, strict=True):
            drawn += [(y - 13 * number, x, text) for number, text in enumerate(cell) if text]
        y -= 13 * (max(map(len, cells)) - 1) + gap
    if not by_cell:
        drawn.sort(key=lambda each: (-each[0], each[1]))
    return b"".join(line(text, y, x=x) for y, x, text in drawn)


def lines_of(content: bytes) -> list[str]:
    return read_here(making.pdf([content])).text.split("\n")


@pytest.mark.parametrize("by_cell", [True, False])
def test_lines_of_a_cell_are_put_together(*, by_cell: bool) -> None:
    after = line("These fees are those of the whole year, and of all the guests of the house.", 500)

    assert lines_of(page(FEES, by_cell=by_cell) + after)[:5] == DESCRIBED


def test_a_cell_that_begins_within_a_sentence_belongs_to_the_row_above() -> None:
    rows = [("Item", "Rule", "Fee"), ("Pool", "closed on the first\nday of a month", "5"), ("Gym", "open daily", "7")]

    assert lines_of(page(rows, gap=13))[1] == "Item: Pool; Rule: closed on the first day of a month; Fee: 5"


@pytest.mark.parametrize("by_cell", [True, False])
def test_rows_with_empty_cells_stay_rows(*, by_cell: bool) -> None:
    rows = [("Site", "Guests", "Fee"), ("York", "Adults", "5"), ("", "Children", "3"), ("Hull", "Adults", "4")]

    assert lines_of(page(rows, gap=13, by_cell=by_cell))[1:] == [
        "Site: York; Guests: Adults; Fee: 5",
        "Guests: Children; Fee: 3",
        "Site: Hull; Guests: Adults; Fee: 4",
    ]
