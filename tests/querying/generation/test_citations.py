"""Citations: only those that resolve are left, wherever the stream is cut, and each quotes its passage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.text.borders import Border
from querying.generation.citations import CITATION, CitationFilter, best_sentence, citations_of, keep_known_citations
from tests.querying.passages import make_passage

CASES = [
    ("Paid leave is 25 days [1].", "Paid leave is 25 days [1]."),
    ("Yes [1, 2].", "Yes [1][2]."),
    ("Yes [1][2].", "Yes [1][2]."),
    ("Yes [1-3].", "Yes [1][2][3]."),
    ("Yes [2, 2].", "Yes [2]."),
    ("Yes 【1】.", "Yes [1]."),
    ("Yes 【1†lines 3-9】.", "Yes [1]."),
    ("Yes [Passage 2].", "Yes [2]."),
    ("Yes [^2].", "Yes [2]."),
    ("No [0].", "No."),
    ("No [99].", "No."),
    ("No [4] and more.", "No and more."),
    ("Half [1, 99].", "Half [1]."),
    ("Range [1-99999].", "Range [1]."),
    ("Big [99999999999999].", "Big [99999999999999]."),  # no citation: nobody numbers passages so
    ("[[9]]", "[]"),
    ("[99[9]]", ""),  # dropping the inner one must not make an outer one
    ("[9 [8] [7]]", ""),
    ("[99[1]]", "[99[1]]"),
    ("a [sic] b [see 3] c", "a [sic] b [see 3] c"),
    ("[1](http://x)", "[1](http://x)"),  # the output filter sees to the rest
    ("[1]] x", "[1]] x"),
    ("open [1", "open [1"),
    ("open [", "open ["),
    ("two\n[1\n]", "two\n[1\n]"),
    ("Source: 1", "Source: 1"),
    # Glued to a word: an index where it is no given passage, else a citation
    ("Use map[7] and m2_k[9], x[0][9].", "Use map[7] and m2_k[9], x[0]."),
    ("It is 25 days[1].", "It is 25 days [1]."),
    ("It is 25[2], 25.[1] (a)[1]", "It is 25[2], 25.[1] (a)[1]"),
    ("in 2018[9] and 25[9]", "in 2018 and 25"),
    ("days.[9] (a)[9] **b**[9]", "days. (a) **b**"),
    ("休假[9]。休假[1]。", "休假。休假[1]。"),
    ("phép[9] nghỉ[9]", "phép nghỉ"),
    ("a[9†x] b【9】 c[^9] d[Source 9]", "a b c d"),
    ("a[1, 9] b[8, 9]", "a [1] b[8, 9]"),
    # In code: text, whatever its number
    ("Write `x = a[1] + [9]` [9] then [1].", "Write `x = a[1] + [9]` then [1]."),
    ("```\na = [9]\nb[1]\n```\nSo [9] it is [1].", "```\na = [9]\nb[1]\n```\nSo it is [1]."),
    ("One ` only [9].\nNext [9] line.", "One ` only [9].\nNext line."),
    ("  [9]", " "),
    ("x[" + "1" * 80 + "]", "x[" + "1" * 80 + "]"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_only_citations_of_given_passages_are_left(text: str, expected: str) -> None:
    assert keep_known_citations(text, range(1, 4)) == expected


@pytest.mark.parametrize("text", [case[0] for case in CASES])
def test_every_cut_of_the_stream_gives_the_same_text(text: str) -> None:
    whole = keep_known_citations(text, range(1, 4))
    for cut in range(len(text) + 1):
        citations = CitationFilter(range(1, 4))
        assert citations.feed(text[:cut]) + citations.feed(text[cut:]) + citations.finish() == whole


@given(st.lists(st.text("[]【】19, -\n†ab", max_size=8), max_size=12), st.integers(0, 4))
def test_no_citation_that_points_nowhere_survives_any_text_or_cut(pieces: list[str], passages: int) -> None:
    known = range(1, passages + 1)
    citations = CitationFilter(known)
    out = "".join(map(citations.feed, pieces)) + citations.finish()
    assert out == keep_known_citations("".join(pieces), known)
    assert all(int(number) in known for number in CITATION.findall(out))


def test_a_passage_that_the_model_has_not_seen_can_not_be_cited() -> None:
    assert keep_known_citations("a [1] b [2] c [1-3]", {1, 3}) == "a [1] b c [1][3]"


def test_a_stream_is_held_back_by_one_open_bracket_only() -> None:
    citations = CitationFilter(range(1, 4))
    assert citations.feed("Leave is 25 days") == "Leave is 25 days"
    assert citations.feed(" [1") == ""
    assert citations.feed("].") == " [1]."


def test_a_citation_quotes_the_sentence_that_bears_the_claim_out() -> None:
    text = "The office opens at 9. Employees get 25 days of paid leave. Coffee is free."
    passages = [
        make_passage(text="Something else."),
        make_passage(text=text, start=1000, page=7, document_title="Rules"),
    ]
    answer = "The office is open from 9 [2]. People have 25 days of leave. [2] Nobody knows more."
    found = citations_of(answer, passages)
    assert [citation.number for citation in found] == [2, 2]
    assert [citation.quote for citation in found] == [
        "The office opens at 9.",
        "Employees get 25 days of paid leave.",
    ]
    for citation in found:
        assert citation.document_title == "Rules"
        assert citation.page == 7
        assert text[citation.start - 1000 : citation.end - 1000] == citation.quote


def test_there_is_one_citation_for_each_number_in_the_answer_in_its_order() -> None:
    passages = [make_passage(text=f"Fact {n}.") for n in range(3)]
    found = citations_of("Fact 2 [3]. Fact 0 [1][3]. Nothing [7]. Code: `map[2]`.", passages)
    assert [citation.number for citation in found] == [3, 1, 3]


def test_two_claims_of_one_sentence_are_borne_out_by_a_sentence_each() -> None:
    text = "The crane lifts forty tonnes. It was built in 1920. The driver decides alone."
    found = citations_of("It was built in 1920 [1] and the driver decides alone [1].", [make_passage(text=text)])
    assert [citation.quote for citation in found] == ["It was built in 1920.", "The driver decides alone."]


def test_a_heading_bears_nothing_out() -> None:
    text = "## Paid leave\nAll get 25 days of it.\n## Parking\nIt is free."
    (citation,) = citations_of("Of paid leave there are 25 days [1].", [make_passage(text=text)])
    assert citation.quote == "All get 25 days of it."


@pytest.mark.parametrize(
    ("path", "text", "heading"),
    [
        ("Staff handbook > Leave", "It is this.", "Staff handbook > Leave"),
        ("Staff handbook > Leave", "# Staff handbook\n\n## Leave\nIt is this.", "Staff handbook > Leave"),
        ("Staff handbook > Leave", "## Leave\nNo.\n## Parking\nIt is this.", "Staff handbook > Parking"),
        ("Staff handbook > Leave", "## Leave\nNo.\n### Unpaid\nIt is this.", "Staff handbook > Leave > Unpaid"),
        ("", "# no markdown\nIt is this.", ""),
    ],
)
def test_a_citation_names_the_headings_above_its_quote(path: str, text: str, heading: str) -> None:
    (citation,) = citations_of("It is this [1].", [make_passage(text=text, heading=path)])
    assert (citation.quote, citation.heading) == ("It is this.", heading)


def test_a_citation_names_page_and_headings_of_its_quote_and_not_of_the_passages_start() -> None:
    text = "Slide one says this. Slide two says that. Slide three says more."
    borders = (Border(text.index("Slide two"), 8, "Deck > Two"), Border(text.index("Slide three"), 9, "Deck > Three"))
    passages = [make_passage(text=text, page=7, heading="Deck > One", borders=borders)]

    found = citations_of("Slide one says this [1]. Slide two says that [1]. Slide three says more [1].", passages)
    assert [(each.page, each.heading) for each in found] == [(7, "Deck > One"), (8, "Deck > Two"), (9, "Deck > Three")]


def test_a_known_passage_without_borders_is_not_searched_for_headings() -> None:
    text = "# include <stdio.h>\nIt is this."  # of a plain text, or a code block that begins in the passage before
    (citation,) = citations_of("It is this [1].", [make_passage(text=text, heading="Pay", borders=())])
    assert citation.heading == "Pay"


@given(st.text(max_size=200), st.text(max_size=80))
def test_a_quote_is_always_a_part_of_its_passage(text: str, claim: str) -> None:
    span = best_sentence(text, claim)
    assert 0 <= span.start <= span.end <= len(text)
    assert span.end > span.start or not text.strip()
