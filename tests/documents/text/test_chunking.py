"""Pieces cover all of a text, are no longer than requested, and have their headings and pages."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from documents.text.chunking import HEADING_PATH_MAX_CHARS, Piece, Unit, count_tokens, cut, embedded_text
from documents.text.normalization import normalise

WORDS = [
    "word",
    "Satz.",
    "longer-words",
    "Überschrift",
    "中文字。",
    "😀",
    "e\u0301",
    "\n",
    "\n\n",
    "# A\n",
    "## B\n",
    "Title\n===\n",
    "```\n",
    "- item\n",
    "| a | b |\n",
    "\n\nk | v\nk: x; v: some words\nk: y; v: z\nk: 1; v: one more\n\n",
    "#",
    "x" * 90,
    " " * 5,
    "שלום",
    "!?",
    "\t",
]
TEXT = st.builds(
    normalise, st.lists(st.sampled_from(WORDS) | st.text(max_size=10), max_size=120).map(" ".join) | st.text()
)
SIZES = st.integers(1, 60).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))


@given(TEXT, SIZES, st.booleans(), st.sampled_from(["chars", "tokens"]))
@example("# A\n\n## B\n\ntext " * 30, (50, 10), True, "chars")
def test_pieces_are_spans_that_hold_the_whole_text(
    text: str, sizes: tuple[int, int], markdown: bool, unit: Unit
) -> None:
    size, overlap = sizes
    pieces = cut(text, size=size, overlap=overlap, markdown=markdown, unit=unit)

    assert [piece.ordinal for piece in pieces] == list(range(len(pieces)))
    covered = [False] * len(text)
    for piece in pieces:
        assert piece.text == text[piece.start : piece.end]
        assert piece.text.strip() == piece.text != ""
        covered[piece.start : piece.end] = [True] * (piece.end - piece.start)
    assert not "".join(character for character, is_in in zip(text, covered, strict=True) if not is_in).strip()


@given(TEXT, SIZES, st.booleans())
@example("word\n\n 00 00000000 Satz. 00 00\n000000", (30, 23), True)
def test_no_piece_is_longer_than_asked_and_neighbours_share_no_more_than_asked(
    text: str, sizes: tuple[int, int], markdown: bool
) -> None:
    size, overlap = sizes
    pieces = cut(text, size=size, overlap=overlap, markdown=markdown)

    assert all(len(piece.text) <= size for piece in pieces)
    for piece, following in itertools.pairwise(pieces):
        assert piece.start < following.start
        assert piece.end < following.end
        assert piece.end - following.start <= overlap


@given(TEXT, st.integers(8, 60))
def test_pieces_in_tokens_are_no_longer_than_asked(text: str, size: int) -> None:
    assert all(count_tokens(piece.text) <= size for piece in cut(text, size=size, overlap=2, unit="tokens"))


def texts(text: str, **options: Any) -> list[str]:
    options = {"size": 60, "overlap": 0} | options
    return [piece.text for piece in cut(text, **options)]


def test_borders_are_those_of_paragraphs_then_sentences() -> None:
    paragraphs = ["One short paragraph.", "A second one. It has two sentences, and both are long enough.", "The third."]

    assert texts("\n\n".join(paragraphs)) == [
        "One short paragraph.",
        "A second one.",
        "It has two sentences, and both are long enough.\n\nThe third.",
    ]


def test_neighbours_share_about_what_was_asked_for() -> None:
    pieces = cut("Ten words make up one sentence in this text here. " * 100, size=300, overlap=60)
    shared = [piece.end - following.start for piece, following in itertools.pairwise(pieces)]

    assert sum(30 <= number <= 60 for number in shared) > 0.8 * len(shared)


def test_a_piece_knows_the_headings_above_it() -> None:
    body = "Some words that fill the piece. "
    text = normalise(f"Preface {body}\n\n# Pay\n\n{body * 3}\n\n## Bonus\n\n{body * 3}\n\n# Leave\n\n{body * 3}")
    pieces = cut(text, size=110, overlap=0, markdown=True)

    assert [piece.heading for piece in pieces] == ["", "Pay", "Pay > Bonus", "Leave"]
    assert [piece.text.split("\n")[0] for piece in pieces[1:]] == ["# Pay", "## Bonus", "# Leave"]
    assert {piece.heading for piece in cut(text, size=110, overlap=0)} == {""}  # plain text has no headings


def test_a_heading_stays_with_its_text() -> None:
    text = f"# Title\n\n## Part\n\n{'Words of a long paragraph, one after another. ' * 30}".strip()
    pieces = cut(text, size=200, overlap=20, markdown=True)

    assert pieces[0].text.startswith("# Title\n\n## Part\n\nWords")
    assert {piece.heading for piece in pieces} == {"Title > Part"}
    assert max(len(piece.text) for piece in pieces) <= 200


def test_short_sections_share_a_piece_and_chapters_do_not() -> None:
    text = f"# A\n\none\n\n## B\n\ntwo\n\n## C\n\n{'three ' * 9}\n\n# D\n\nfour"
    pieces = cut(normalise(text), size=100, overlap=0, markdown=True)

    assert [piece.heading for piece in pieces] == ["A", "D"]
    assert pieces[0].text.startswith("# A\n\none\n\n## B\n\ntwo\n\n## C\n\nthree")
    assert pieces[1].text == "# D\n\nfour"
    assert [piece.heading for piece in cut("## C\n\nthree\n\n# D\n\nfour", size=99, overlap=0, markdown=True)] == [
        "C",
        "D",
    ]


def test_the_page_is_the_one_that_a_piece_starts_on() -> None:
    pages = ["First page. " * 5, "", "Third page. " * 5]
    text = normalise(pages[0]) + "\n\n" + normalise(pages[2])
    third = text.index("Third")
    pieces = cut(text, page_starts=(0, third, third), size=60, overlap=0)

    assert [piece.page for piece in pieces] == [1 if piece.start < third else 3 for piece in pieces]
    assert {piece.page for piece in pieces} == {1, 3}
    assert cut("text", size=10, overlap=0)[0].page is None


def test_a_path_of_headings_fits_its_column() -> None:
    text = "".join(f"{'#' * level} {'long title ' * 30}\n" for level in range(1, 6)) + "text"

    assert len(cut(text, size=5000, overlap=0, markdown=True)[0].heading) <= HEADING_PATH_MAX_CHARS


@pytest.mark.parametrize(("size", "overlap"), [(10, 10), (10, 11), (10, -1)])
def test_an_overlap_that_can_not_work_is_refused(size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        cut("text", size=size, overlap=overlap)


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_nothing_has_no_pieces(text: str) -> None:
    assert cut(text, size=10, overlap=0) == []


@pytest.mark.parametrize("unit", ["中", "a", "ส", "word ", "😀", "\n", "# A\n", "- x\n", "`"])
@pytest.mark.parametrize("markdown", [False, True])
def test_a_text_without_borders_is_cut_in_bounded_time(unit: str, markdown: bool) -> None:
    """The splitter alone needs 18 s for 400,000 Chinese characters in one sentence, and 72 s for twice as many."""
    assert cut(unit * (200_000 // len(unit)), size=800, overlap=100, markdown=markdown) is not None


def piece(text: str, heading: str = "") -> Piece:
    return Piece(0, text, heading, None, 0, len(text))


@pytest.mark.parametrize(
    ("title", "given_piece", "embedded"),
    [
        ("Rules", piece("Be kind.", "Pay > Bonus"), "Rules > Pay > Bonus\nBe kind."),
        ("Rules", piece("# Pay\n\n## Bonus\n\nBe kind.", "Pay > Bonus"), "Rules > Pay > Bonus\nBe kind."),
        ("Rules", piece("Bonus\n-----\nBe kind.", "Bonus"), "Rules > Bonus\nBe kind."),
        ("Pay", piece("Be kind.", "Pay > Bonus"), "Pay > Bonus\nBe kind."),  # the title is the first heading
        ("", piece("Be kind."), "Be kind."),
        ("Rules", piece("# 1\nBe kind."), "Rules\n# 1\nBe kind."),  # plain text: it is no heading
        ("", piece("# Pay", "Pay"), "Pay"),
        ("", piece("a pay-\nment ﬁrst"), "a payment first"),
    ],
)
def test_what_is_embedded_is_the_path_and_the_text(title: str, given_piece: Piece, embedded: str) -> None:
    assert embedded_text(title, given_piece) == embedded
