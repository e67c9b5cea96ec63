"""Tables as lines: which row has the names, which cell is whose, where one table ends and the next begins."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from documents.extraction.tables.grid import Grid
from documents.extraction.tables.headers import find_header, kind_of
from documents.extraction.tables.model import LINE_MAX_CHARS, describe_rows, describe_table
from documents.text.normalization import normalise
from tests.documents.extraction.reading import read_here


def table(*rows: str) -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in rows]


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        (table("Name|Room", "Ada|12"), ["Name", "Room"]),
        (table("Region|2022|2023", "North|5|6", "South|7|8"), ["Region", "2022", "2023"]),  # years are names here
        (table("Team|Won|Since", "Ajax|3|1900", "Feyenoord|5|1908"), ["Team", "Won", "Since"]),
        (table("Ajax|3|1900", "Feyenoord|5|1908"), None),  # and here they are values
        (table("Name|Phone|Phone", "Ada|1|2"), ["Name", "Phone", "Phone"]),
        (
            table(f"Date|{'How content are you? ' * 6}", "2024-02-01|Very"),
            ["Date", ("How content are you? " * 6).strip()],
        ),
        (table("Day|1|2|3", "Desk|open|closed|open"), ["Day", "1", "2", "3"]),
        (table("Ada|yes|no", "Bob|yes|yes", "Cid|no|no"), None),  # its words come again below
        (table("|Mon|Tue", "9:00|Yoga|", "10:00||Pilates"), ["", "Mon", "Tue"]),
        (table("Ada|12"), None),  # nothing below
    ],
)
def test_a_header_is_told_by_what_is_below(rows: list[list[str]], names: list[str] | None) -> None:
    header = find_header(rows)

    assert (header.names if header else None) == names


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("12", "number"),
        ("-1 234,50 €", "number"),
        ("USD 5", "number"),
        ("12 %", "number"),
        ("(300)", "number"),
        ("₫1.200.000", "number"),
        ("2024", "year"),
        ("2024-03-01", "date"),
        ("31.12.2024", "date"),
        ("B2", "text"),
        ("Room 12", "text"),
        ("", ""),
    ],
)
def test_the_kind_of_a_cell(cell: str, kind: str) -> None:
    assert kind_of(cell) == kind


def test_empty_cells_stay_empty() -> None:
    assert list(describe_table(table("Name|Phone|Fax", "Ross||555", "Kim|556|"))) == [
        "Name | Phone | Fax",
        "Name: Ross; Fax: 555",
        "Name: Kim; Phone: 556",
    ]
    assert [normalise(line) for line in describe_table(table("Ross||555", "Ross|556|x", "Kim|556|y"))] == [
        "Ross | | 555",
        "Ross | 556 | x",
        "Kim | 556 | y",
    ]


def test_titles_stand_above_the_header() -> None:
    assert list(describe_table(table("Prices of 2024", "Article|Price", "Lamp|5"))) == [
        "Prices of 2024",
        "Article | Price",
        "Article: Lamp; Price: 5",
    ]


@pytest.mark.parametrize("header_rows", [1, 2])
def test_a_marked_header_without_text_names_no_column(header_rows: int) -> None:
    rows = [["Staff"], *([["", ""]] * header_rows), ["Ada", "Rome"], ["Bob", "Oslo"]]

    assert list(describe_table(rows, header_rows=header_rows)) == ["Staff", "Ada | Rome", "Bob | Oslo"]


def test_two_rows_of_names_become_one() -> None:
    rows = table("Region|2023||2024|", "|Q1|Q2|Q1|Q2", "North|1|2|3|4")

    assert list(describe_table(rows))[1] == "Region: North; 2023 Q1: 1; 2023 Q2: 2; 2024 Q1: 3; 2024 Q2: 4"
    assert (
        list(describe_table(table("Area|Area", "north|south", "1|2"), header_rows=2))[1]
        == "Area north: 1; Area south: 2"
    )


def test_a_form_is_pairs() -> None:
    assert list(describe_table(table("Name:|Ada", "Room:|12", "Phone:|"))) == ["Name: Ada", "Room: 12", "Phone:"]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        (  # an empty row
            table("Name|Role", "Ivo|Driver", "", "City|Budget", "Paris|1000"),
            ["Name | Role", "Name: Ivo; Role: Driver", "", "City | Budget", "City: Paris; Budget: 1000"],
        ),
        (  # no empty row
            table("Name|Age", "Ivo|31", "Mia|27", "City|Budget", "Paris|1000"),
            [
                "Name | Age",
                "Name: Ivo; Age: 31",
                "Name: Mia; Age: 27",
                "",
                "City | Budget",
                "City: Paris; Budget: 1000",
            ],
        ),
        (  # an empty row in the middle of one
            table("Name|Age", "Ivo|31", "", "Mia|27", "Total|58"),
            ["Name | Age", "Name: Ivo; Age: 31", "Name: Mia; Age: 27", "Name: Total; Age: 58"],
        ),
        (  # words where numbers are expected
            table("Name|Age|Town", "Ivo|31|Rome", "Mia|unknown|Rome", "Bo|n/a|Rome", "Cy|40|Rome"),
            [
                "Name | Age | Town",
                "Name: Ivo; Age: 31; Town: Rome",
                "Name: Mia; Age: unknown; Town: Rome",
                "Name: Bo; Age: n/a; Town: Rome",
                "Name: Cy; Age: 40; Town: Rome",
            ],
        ),
        (  # side by side
            table("Name|Age||City|Budget", "Ivo|31||Paris|1000", "Mia|27||Rome|2000", "Bo|40"),
            [
                "Name | Age",
                "Name: Ivo; Age: 31",
                "Name: Mia; Age: 27",
                "Name: Bo; Age: 40",
                "",
                "City | Budget",
                "City: Paris; Budget: 1000",
                "City: Rome; Budget: 2000",
            ],
        ),
        (  # the header again on each page
            table("Name|Age", "Ivo|31", "Name|Age", "Mia|27"),
            ["Name | Age", "Name: Ivo; Age: 31", "Name: Mia; Age: 27"],
        ),
    ],
)
def test_a_sheet_may_have_several_tables(rows: list[list[str]], lines: Sequence[str]) -> None:
    assert list(describe_rows(rows)) == lines


def test_a_long_row_has_its_key_on_each_line() -> None:
    names = ["No.", "Asset", *(f"Measured property number {number}" for number in range(40))]
    lines = list(describe_table([names, ["7", "PUMP-004", *(str(number) for number in range(40))]]))[1:]

    assert len(lines) > 2
    assert all(line.startswith("No.: 7; Asset: PUMP-004; ") and len(line) <= LINE_MAX_CHARS + 60 for line in lines)
    assert all(sum(f"number {number}: {number}" in line for line in lines) >= 1 for number in range(40))


def test_merged_cells_are_in_each_of_their_places() -> None:
    grid = Grid()
    for cells in (
        [("Area", 1, 2), ("2024", 2, 1)],
        [("Q1", 1, 1), ("Q2", 1, 1)],
        [("North", 1, 2), ("1", 1, 1), ("2", 1, 1)],
        [("closed", 2, 1)],
    ):
        for text, columns, rows in cells:
            grid.add(text, columns=columns, rows=rows)
        grid.end_row(is_header=cells[0][0] in ("Area", "Q1"))

    assert list(describe_table(grid.rows, header_rows=grid.header_rows)) == [
        "Area | 2024 Q1 | 2024 Q2",
        "Area: North; 2024 Q1: 1; 2024 Q2: 2",
        "Area: North; 2024 Q1: closed; 2024 Q2: closed",
    ]


def test_a_cell_over_the_whole_width_is_a_title_and_written_once() -> None:
    grid = Grid()
    grid.add("Leave by grade", columns=3)
    grid.end_row()
    for cells in ("Grade Days Rest", "A 25 5"):
        for cell in cells.split():
            grid.add(cell)
        grid.end_row()

    assert list(describe_table(grid.rows)) == ["Leave by grade", "Grade | Days | Rest", "Grade: A; Days: 25; Rest: 5"]


def test_merged_cells_cannot_be_made_to_explode() -> None:
    grid = Grid()
    for _ in range(1000):
        grid.add("x" * 300, columns=1000, rows=1000)
        grid.end_row()

    assert sum(len(cell) for row in grid.rows for cell in row) < 300 * 70_000


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("sep=|\na|b\n1|2\n", "a | b\na: 1; b: 2"),
        (
            "Report of May\n\nname;sum\nAda;1,50\nBob;2,75\n",
            "Report of May\n\nname | sum\nname: Ada; sum: 1,50\nname: Bob; sum: 2,75",
        ),
        ('name,note\nAda,"one\ntwo"\nBob,"three"\n', "name | note\nname: Ada; note: one two\nname: Bob; note: three"),
        ('size,for\n5" pipe,bath\n"6"" pipe,hall\n', 'size | for\nsize: 5" pipe; for: bath\nsize: 6" pipe,hall'),
        ("name,a b\nAda,x\u2028y\n", "name | a b\nname: Ada; a b: x y"),
    ],
)
def test_delimited_texts(text: str, lines: str) -> None:
    assert read_here(text.encode(), ".csv").text == lines


def test_lists_in_prose_are_no_table() -> None:
    text = "Screws, nails, glue\nPaint, brush, tape\nThe key is here, as always, near the door"

    assert read_here(text.encode(), ".txt").text == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "para\n| a | b \\| c |\n|--|:-:|\n| 1 | |\n| x | `y` |\nafter",
            "para\n\na | b | c\na: 1\na: x; b | c: `y`\n\nafter",
        ),
        ("a | b\n-|-\n1 | 2\n", "a | b\na: 1; b: 2"),
        ("```\n|a|b|\n|-|-|\n|1|2|\n```", "```\n|a|b|\n|-|-|\n|1|2|\n```"),
        ("> | q | r |\n> |---|---|\n> | 1 | 2 |\n", "q | r\nq: 1; r: 2"),
        ("a | b, no table\nof two lines", "a | b, no table\nof two lines"),
        ("| | |\n|---|---|\n| Ada | Rome |\n| Bob | Oslo |", "Ada | Rome\nBob | Oslo"),  # no names of columns
        ("| | Town |\n|---|---|\n| Ada | Rome |\n| Bob | Oslo |", " | Town\nAda; Town: Rome\nBob; Town: Oslo"),
    ],
)
def test_tables_of_markdown(written: str, read: str) -> None:
    assert read_here(f"# T\n\n{written}".encode(), ".md").text == f"# T\n\n{read}"


def test_three_rows_of_names_are_one_header() -> None:
    rows = [
        ["Site", "Sales", "Sales", "Sales", "Sales"],
        ["Site", "2023", "2023", "2024", "2024"],
        ["Site", "Q1", "Q2", "Q1", "Q2"],
        ["York", "1", "2", "3", "4"],
    ]
    assert list(describe_rows(rows))[1] == (
        "Site: York; Sales 2023 Q1: 1; Sales 2023 Q2: 2; Sales 2024 Q1: 3; Sales 2024 Q2: 4"
    )


@pytest.mark.parametrize(
    "rows",
    [
        [["Project", "Harbour"], ["Owner", "Ada"], ["Budget", "5000"], ["Start", "May"]],
        [["Contract", "K-12"], ["Start", "1 May"], ["Contact", "Ada"]],
    ],
)
def test_a_form_of_two_columns_has_no_header(rows: list[list[str]]) -> None:
    assert list(describe_table(rows)) == [" | ".join(row) for row in rows]
