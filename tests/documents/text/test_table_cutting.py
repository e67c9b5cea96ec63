"""Tables are cut between rows, and every piece names the columns and the row of its values."""

from __future__ import annotations

import pytest

from documents.extraction.tables.model import describe_table
from documents.text.chunking import Piece, Unit, cut, embedded_text
from documents.text.table_rows import find_tables

NAMES = ["Article number", "Description", "Price with tax"]


def text_of(rows: int, *, width: int = 0) -> str:
    names = NAMES + [f"Property {number}" for number in range(width)]
    body = [[f"AX-{row}", f"Bracket {row}", f"{row}.50", *(f"v{row}.{n}" for n in range(width))] for row in range(rows)]
    lines = "\n".join(describe_table([names, *body]))
    return f"# Prices\n\nValid from May. In euro.\n\n{lines}\n\nAsk for more.\n\n## Delivery\n\nFree of charge."


@pytest.mark.parametrize("unit", ["chars", "tokens"])
@pytest.mark.parametrize(("size", "width"), [(200, 0), (800, 0), (200, 30), (800, 60)])
def test_every_piece_of_a_table_has_the_names_and_the_keys(size: int, width: int, unit: Unit) -> None:
    text = text_of(240, width=width)
    pieces = cut(text, size=size, overlap=20, markdown=True, unit=unit)
    table = find_tables(text)[0]

    inside = [piece for piece in pieces if table.rows[0][0] <= piece.start and piece.end <= table.end]
    assert len(inside) > 5
    for piece in inside:
        for line in piece.text.split("\n"):
            assert "Article number: AX-" in line or "Article number: AX-" in piece.heading
            assert all(": " in cell for cell in line.split("; "))
    assert all(piece.text == text[piece.start : piece.end] for piece in pieces)


def test_rows_are_kept_whole_and_the_header_stays_with_the_first() -> None:
    text = text_of(40)
    pieces = cut(text, size=300, overlap=50, markdown=True)

    rows = [line for line in text.split("\n") if line.startswith("Article number: ")]
    assert all(any(row in piece.text.split("\n") for piece in pieces) for row in rows)
    assert any(f"{' | '.join(NAMES)}\nArticle number: AX-0" in piece.text for piece in pieces)
    assert pieces[0].text.startswith("# Prices\n\nValid from May.")


def test_a_long_cell_goes_on_below_its_rows_key_and_its_columns_name() -> None:
    answer = "Every sentence says one more thing about it. " * 40
    text = "# FAQ\n\n" + "\n".join(
        describe_table([["Question", "Answer"], ["How long?", answer], ["How much?", "Nothing."]], header_rows=1)
    )
    pieces = cut(text, size=400, overlap=0, markdown=True)

    later = [piece for piece in pieces if "Question: How long?" not in piece.text and "Every sentence" in piece.text]
    assert len(later) >= 3
    assert later[0].text.startswith("Answer: Every")
    assert later[0].heading == "FAQ > Question: How long?"
    assert {piece.heading for piece in later[1:]} == {"FAQ > Question: How long? > Answer"}
    assert embedded_text("House", later[1]).startswith("House > FAQ > Question: How long? > Answer\n")
    assert pieces[-1].heading == "FAQ"


def test_prose_with_pipes_is_no_table() -> None:
    text = "Either a | b is true.\nOr it is not.\n\nName | Room\n\nName: Ada; Room: 12"

    assert find_tables(text) == []


def test_titles_and_several_tables_are_found() -> None:
    text = "Plan\nName | Room\nName: Ada; Room: 12\n\nCity | Budget\nCity: Paris; Budget: 1\nCity: Rome\nThe end"
    found = find_tables(text)

    assert [text[table.start : table.end] for table in found] == [
        "Name | Room\nName: Ada; Room: 12",
        "City | Budget\nCity: Paris; Budget: 1\nCity: Rome",
    ]
    assert [len(table.rows) for table in found] == [1, 2]


def test_a_table_is_cut_in_linear_time() -> None:
    text = text_of(20_000)
    pieces = cut(text, size=800, overlap=100, markdown=True)

    assert sum(len(piece.text) for piece in pieces) > 0.95 * len(text)
    assert isinstance(pieces[0], Piece)
