"""Recognised lines become the text of a page, in the order in which a person reads it."""

from __future__ import annotations

from documents.extraction.ocr.engines import Line, lines_of
from documents.extraction.ocr.page_text import is_turned, text_of_page


def line(text: str, left: float, top: float, *, width: float | None = None, sure: float = 0.95) -> Line:
    wide = width if width is not None else 12.0 * len(text)
    return Line(text, left, top, left + wide, top + 20, sure)


def test_rows_come_from_top_to_bottom_and_paragraphs_are_kept_apart() -> None:
    page = text_of_page(
        [line("Second line.", 100, 130), line("First line.", 100, 100), line("A new paragraph.", 100, 200)]
    )

    assert page.text == "First line.\nSecond line.\n\nA new paragraph."


def test_the_pieces_of_a_row_stand_side_by_side() -> None:
    page = text_of_page([line("EUR 45.50", 600, 102), line("Meals", 100, 100), line("Hotel", 100, 130)])

    assert page.text == "Meals  EUR 45.50\nHotel"


def test_columns_come_one_after_the_other_below_the_title() -> None:
    title = line("The title of the whole page", 100, 20, width=800)
    left = [line(f"Left line number {n}.", 100, 100 + 30 * n, width=350) for n in range(4)]
    right = [line(f"Right line number {n}.", 600, 100 + 30 * n, width=350) for n in range(4)]

    words = text_of_page([*right, title, *left]).text.split("\n")

    assert [word for word in words if word] == [each.text for each in (title, *left, *right)]


def test_a_table_stays_in_rows() -> None:
    cells = [line(text, x, y) for y in (100, 130, 160, 190) for x, text in ((100, f"item {y}"), (400, f"{y} EUR"))]

    assert text_of_page(cells).text.split("\n") == [f"item {y}  {y} EUR" for y in (100, 130, 160, 190)]


def test_stains_are_no_text_and_an_unsure_page_is_known_as_one() -> None:
    page = text_of_page([line("~#", 10, 10, sure=0.1), line("Rcnt is dve", 100, 100, sure=0.6)])

    assert page.text == "Rcnt is dve"
    assert not page.is_sure
    assert text_of_page([line("Rent is due", 100, 100)]).is_sure
    assert text_of_page([]).text == ""


def test_a_table_of_words_is_read_as_lines() -> None:
    table = "\n".join(
        [
            "level\tpage\tblock\tpar\tline\tword\tleft\ttop\twidth\theight\tconf\ttext",
            "4\t1\t1\t1\t1\t0\t10\t10\t200\t20\t-1\t",
            "5\t1\t1\t1\t1\t1\t10\t10\t50\t20\t75.0\tRent",
            "5\t1\t1\t1\t1\t2\t70\t12\t40\t20\t75.0\tdue",
            "5\t1\t1\t1\t2\t1\t10\t40\t50\t20\t95.0\tMonthly",
        ]
    )

    assert lines_of(table) == [
        Line("Rent due", 10, 10, 110, 32, 0.75),
        Line("Monthly", 10, 40, 60, 60, 0.95),
    ]


def test_columns_of_a_crooked_page_come_one_after_the_other() -> None:
    title = line("The title of the whole page", 100, 20, width=800)
    left = [line(f"Left line number {n}.", 100 - n, 100 + 30 * n, width=350) for n in range(5)]
    right = [line(f"Right line number {n}.", 600 - n, 115 + 30 * n, width=350) for n in range(5)]
    words = text_of_page([*right, title, *left]).text.split("\n")

    assert [word for word in words if word] == [each.text for each in (title, *left, *right)]


def test_cells_of_a_table_stay_below_their_names() -> None:
    rows = [("Name", "Phone", "Fax"), ("Ross", "", "555"), ("Diaz", "777", ""), ("Kim", "12", "34")]
    cells = [
        line(text, x, 100 + 30 * number)
        for number, row in enumerate(rows)
        for text, x in zip(row, (100, 300, 500), strict=True)
        if text
    ]
    below = line("The list ends here.", 100, 300)

    assert text_of_page([*cells, below]).text.split("\n") == [
        "Name | Phone | Fax",
        "Name: Ross; Fax: 555",
        "Name: Diaz; Phone: 777",
        "Name: Kim; Phone: 12; Fax: 34",
        "",
        "The list ends here.",
    ]


def test_words_with_a_wide_gap_between_them_are_cells() -> None:
    def row(number: int, left: int, text: str) -> str:
        return f"5\t1\t1\t1\t1\t{number}\t{left}\t10\t50\t20\t95.0\t{text}"

    pieces = lines_of("\n".join([row(1, 10, "Ross"), row(2, 66, "Jr."), row(3, 400, "555")]))
    assert [each.text for each in pieces] == ["Ross Jr.", "555"]


def test_lines_that_are_higher_than_wide_tell_a_page_on_its_side() -> None:
    tall = [Line(f"Line number {n}", 30 * n, 0, 30 * n + 20, 300, 0.9) for n in range(3)]

    assert is_turned(tall)
    assert not is_turned([line("A line", 10, 10), *tall[:1], line("Another line of text", 10, 40)])
    assert not is_turned([])
