"""Every offset of a passage has its own page and path of headings, whatever sections and pages it spans."""

from __future__ import annotations

import json
from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.borders import Border, borders_of, page_at
from documents.text.chunking import cut
from documents.text.headings import find_headings
from documents.text.normalization import normalise

LINES = ["# One", "## Two", "### Three", "# One", "A sentence.", "Words of a longer sentence, one by one.", ""]


@given(st.lists(st.sampled_from(LINES), max_size=40), st.lists(st.integers(0, 900)), st.integers(20, 200))
def test_the_borders_of_a_piece_say_what_holds_at_each_of_its_places(
    lines: list[str], page_starts: list[int], size: int
) -> None:
    text = normalise("\n\n".join(lines))
    starts = sorted(start for start in page_starts if start <= len(text))
    headings = find_headings(text)
    for piece in cut(text, page_starts=starts, size=size, overlap=0, markdown=True):
        where = [border.offset for border in piece.borders]
        assert where == sorted(set(where))
        for offset, letter in enumerate(piece.text):
            at = bisect_right(where, offset)
            page, path = piece.borders[at - 1][1:] if at else (piece.page, piece.heading)
            assert page == page_at(piece.start + offset, starts)
            if letter in "#\n":
                continue
            above = [heading for heading in headings if heading.start <= piece.start + offset]
            own = above[-1].text if above else ""
            is_heading_line = bool(above) and piece.start + offset < above[-1].end
            assert is_heading_line or path.split(" > ")[-1] == own


def test_most_pieces_have_no_borders() -> None:
    text = normalise("# Pay\n\n" + "A sentence of some words. " * 40)

    assert {piece.borders for piece in cut(text, page_starts=[0], size=200, overlap=20, markdown=True)} == {()}


def test_an_empty_page_is_no_border_of_its_own() -> None:
    (piece,) = cut("one\n\nthree", page_starts=[0, 5, 5], size=100, overlap=0)

    assert (piece.page, piece.borders) == (1, (Border(5, 3, ""),))


@pytest.mark.parametrize(
    "borders", [(), (Border(5, 3, ""),), (Border(5, None, "Pay > Bonus"), Border(9, 12, "“Ω” > x"))]
)
def test_borders_survive_the_database_and_the_caches(borders: tuple[Border, ...]) -> None:
    stored = json.dumps(borders)

    assert borders_of(stored) == borders
    assert borders_of(json.loads(stored)) == borders
    assert borders_of(None) is None


@pytest.mark.parametrize("stored", ["x", "[1]", [[1, 2]], [[1, 2, 3, 4]], 5])
def test_what_is_no_list_of_borders_is_refused(stored: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        borders_of(stored)  # type: ignore[arg-type]


def test_a_page_starts_where_it_is_said_to() -> None:
    assert [page_at(offset, [0, 4, 4, 9]) for offset in (0, 3, 4, 8, 9, 99)] == [1, 1, 3, 3, 4, 4]
    assert page_at(3, []) is None
    assert [page_at(offset, [2]) for offset in range(4)] == [1, 1, 1, 1]  # nothing stands before page 1
