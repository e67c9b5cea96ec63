"""Tables of a PDF whose cells are drawn with lines, and tables that go on overleaf."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from documents.text.extraction_notes import Note
from tests.documents.extraction import making
from tests.documents.extraction.making import line
from tests.documents.extraction.reading import read_here, read_in_child

FEES = [("Item", "Rule", "Fee"), ("Pool", "", "5"), ("Gym", "open daily", "")]


def drawn(rows: Sequence[Sequence[str]], places: Sequence[int], *, ruled: str = "m l S", step: int = 20) -> bytes:
    """Return a page with the cells of rows; `ruled`: with lines between them, thin areas, or a frame for each."""
    out = b""
    right = [*places[1:], places[-1] + 120]
    for number, row in enumerate(rows):
        top = 715 - number * step
        for left, end, text in zip(places, right, row, strict=True):
            out += line(text, top - 15, x=left + 5) if text else b""
            if ruled == "re S":
                out += f"{left} {top - step} {end - left} {step} re S ".encode()
    bottom, width = 715 - len(rows) * step, right[-1] - places[0]
    for number in range(len(rows) + 1):
        y = 715 - number * step
        out += {"m l S": f"{places[0]} {y} m {right[-1]} {y} l S ", "re f": f"{places[0]} {y} {width} 1 re f "}.get(
            ruled, ""
        ).encode()
    for x in (*places, right[-1]):
        out += {"m l S": f"{x} {bottom} m {x} 715 l S ", "re f": f"{x} {bottom} 1 {715 - bottom} re f "}.get(
            ruled, ""
        ).encode()
    return out


@pytest.mark.parametrize("ruled", ["m l S", "re f", "re S"])
def test_cells_between_lines_are_a_table(ruled: str) -> None:
    text = read_here(making.pdf([drawn(FEES, (70, 200, 330), ruled=ruled)])).text
    assert text == "Item | Rule | Fee\nItem: Pool; Fee: 5\nItem: Gym; Rule: open daily"


def test_two_columns_and_two_rows_are_enough() -> None:
    text = read_here(making.pdf([drawn([("Item", "Fee"), ("Pool", "5")], (70, 200))])).text
    assert text == "Item | Fee\nItem: Pool; Fee: 5"


def test_cells_of_several_lines_stay_together_and_apart_from_their_neighbours() -> None:
    page = drawn([("Item", "Rule"), ("Pool", ""), ("Gym", "daily")], (70, 120), step=40)
    page += line("closed on the first", 660, x=122) + line("Monday of a month", 647, x=122)
    page += line("Twelve letters of a name", 580, x=72)  # below the table

    assert read_here(making.pdf([page])).text.split("\n") == [
        "Item | Rule",
        "Item: Pool; Rule: closed on the first Monday of a month",
        "Item: Gym; Rule: daily",
        "Twelve letters of a name",
    ]


def test_narrow_cells_are_parted_by_their_line() -> None:
    page = drawn([("A", "B"), ("", ""), ("x", "y")], (70, 110))
    page += line("Poolside", 680, x=72, size=9) + line("closed", 680, x=112, size=9)

    assert "A: Poolside; B: closed" in read_here(making.pdf([page])).text


def test_a_cell_over_several_rows_or_columns_is_in_each() -> None:
    rules = b"70 715 m 430 715 l S 70 655 m 430 655 l S 70 715 m 70 655 l S 430 715 m 430 655 l S "
    rules += b"190 695 m 430 695 l S 70 675 m 430 675 l S 190 715 m 190 655 l S 310 695 m 310 655 l S "
    words = [("Site", 75, 690), ("2024", 195, 700), ("Q1", 195, 680), ("Q2", 315, 680)]
    words += [("York", 75, 660), ("1", 195, 660), ("2", 315, 660)]
    page = rules + b"".join(line(text, y, x=x) for text, x, y in words)

    assert read_here(making.pdf([page])).text.split("\n")[-1] == "Site: York; 2024 Q1: 1; 2024 Q2: 2"


def test_frames_around_text_are_no_table() -> None:
    prose = [f"Sentence {number} of a text in a frame, which goes on for a while." for number in range(12)]
    page = drawn([("", ""), ("", "")], (40, 300), step=250)
    page += b"".join(line(text, 700 - 15 * number, x=45, size=7) for number, text in enumerate(prose))
    page += b"".join(line(text, 700 - 15 * number, x=305, size=7) for number, text in enumerate(prose))
    text = read_here(making.pdf([page])).text

    assert all(f"{sentence}\n" in text for sentence in prose[:-1])


def rows_of(first: int, last: int) -> list[tuple[str, str, str]]:
    return [(f"Unit {number}", str(number), "day") for number in range(first, last)]


@pytest.mark.parametrize("ruled", ["", "m l S"])
def test_a_table_that_goes_on_overleaf_keeps_its_header(ruled: str) -> None:
    head = [("Item", "Fee", "Per")]
    pages = [head + rows_of(0, 20), rows_of(20, 40), head + rows_of(40, 45)]
    text = read_here(making.pdf([drawn(rows, (70, 200, 330), ruled=ruled) for rows in pages])).text

    assert all(f"Item: Unit {number}; Fee: {number}; Per: day" in text for number in range(45))
    assert "Unit 20 | 20 | day" not in text


def test_another_table_overleaf_has_a_header_of_its_own() -> None:
    other = [("City", "Budget", "Year"), ("Rome", "1000", "2024"), ("Oslo", "700", "2024")]
    pages = [[("Item", "Fee", "Per"), *rows_of(0, 5)], other]
    text = read_here(making.pdf([drawn(rows, (70, 200, 330)) for rows in pages])).text

    assert "City: Oslo; Budget: 700; Year: 2024" in text


def test_prose_beside_a_table_is_no_column_of_it() -> None:
    words = ["guests may use the showers", "from six in the morning and", "the key is given back to the", "desk when"]
    page = b"".join(
        line(cell, 700 - 14 * number, x=x)
        for number, row in enumerate([("Item", "Fee", "Unit"), ("Pool", "5", "day"), ("Gym", "7", "week")])
        for cell, x in zip([*row, words[number]], (70, 130, 190, 310), strict=True)
    )

    assert read_here(making.pdf([page])).text.split("\n") == [
        "Item | Fee | Unit",
        "Item: Pool; Fee: 5; Unit: day",
        "Item: Gym; Fee: 7; Unit: week",
        *words[:3],
    ]


def test_raised_digits_are_powers() -> None:
    page = line("Limit 10", 700) + line("6", 705, x=115, size=7) + line("cells, 2024 rows", 700, x=123)
    assert read_here(making.pdf([page])).text == "Limit 10^6 cells, 2024 rows"


def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes() -> None:
    data = making.pdf([line("The valve is left of the pump.")])
    found = read_in_child(data[: data.index(b"xref")])

    assert (found.text, found.notes) == ("The valve is left of the pump.", (Note("cut_off"),))
