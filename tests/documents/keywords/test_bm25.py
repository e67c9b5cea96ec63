from __future__ import annotations

import pytest

from documents.keywords.bm25 import ENOUGH, Choice, choose, idf
from documents.keywords.terms import KINDS, QuestionTerm

CHUNKS = 100_000


def term(lexeme: str, frequency: int, *marked: int, is_content: bool = True, count: int = 1) -> QuestionTerm:
    """Return a word that occurs in so many chunks, twice or more in `marked[0]`, three times in `marked[1]`, ..."""
    chunks = [0] * KINDS
    chunks[0] = frequency
    for level, (at_least, more) in enumerate(zip(marked, [*marked[1:], 0], strict=False), start=1):
        chunks[1 + 2 * level] = at_least - more
    terms = tuple(hash((lexeme, kind)) for kind in range(KINDS))
    return QuestionTerm(lexeme, tuple(range(1, count + 1)), is_content, terms, tuple(chunks), folded=False)


def matches(choice: Choice, *terms: QuestionTerm) -> int:
    """Return how many chunks the choice looks at, at most."""
    frequencies = {key: chunks for each in terms for key, chunks in zip(each.terms, each.chunks, strict=True)}
    return sum(frequencies[key] for key in choice.terms) + choice.fill_limit


@pytest.mark.parametrize(
    "terms",
    [
        [term("the", 99_000, 60_000, 30_000, 9_000, 800)],  # one word, nearly everywhere
        [term(f"common{n}", 90_000, 20_000, 4_000, 300) for n in range(10)],
        [term("never-twice", 90_000)],
        [term(f"middling{n}", 3_000, 500) for n in range(60)],  # a long question of middling words
        [term("rare", 7), term("common", 90_000, 30_000, 10_000, 2_000)],
    ],
)
def test_the_cost_has_a_bound_however_common_the_words_are(terms: list[QuestionTerm]) -> None:
    assert 0 < matches(choose(terms, CHUNKS, budget=5_000), *terms) <= 10_000


def test_a_common_word_looks_at_the_chunks_that_are_most_about_it() -> None:
    common = term("tax", 90_000, 30_000, 10_000, 2_000, 100)
    choice = choose([common], CHUNKS, budget=5_000)
    assert choice.terms == common.marks_from(3)  # 2,000 chunks have it five times
    assert choice.fill_term is None
    assert choice.is_bounded


def test_rare_words_are_looked_up_in_full() -> None:
    rare, common = term("penguin", 40), term("the", 90_000, 30_000)
    choice = choose([common, rare], CHUNKS, budget=5_000)
    assert rare.terms[0] in choice.terms
    assert common.terms[0] not in choice.terms
    assert {word.lexeme for word in choice.weighted} == {"penguin", "the"}  # both count in the score


def test_words_that_nothing_marks_fill_up() -> None:
    plain = term("tax", 90_000)
    choice = choose([plain], CHUNKS, budget=5_000)
    assert (choice.terms, choice.fill_term, choice.fill_limit) == ((), plain.terms[0], ENOUGH)


def test_stop_words_are_only_used_where_there_is_nothing_else() -> None:
    stop, unknown, known = term("who", 900, is_content=False), term("zzyzx", 0), term("tax", 5)
    assert [word.lexeme for word in choose([stop, unknown, known], CHUNKS, budget=5_000).weighted] == ["tax"]
    assert [word.lexeme for word in choose([stop, unknown], CHUNKS, budget=5_000).weighted] == ["who"]
    assert choose([unknown], CHUNKS, budget=5_000) == Choice((), ())


def test_without_a_budget_all_that_matches_is_looked_at() -> None:
    terms = [term("the", 99_000, 60_000), term("tax", 40_000)]
    choice = choose(terms, CHUNKS, budget=None)
    assert set(choice.terms) == {terms[0].terms[0], terms[1].terms[0]}
    assert not choice.is_bounded


def weight_of_repeated(*others: QuestionTerm) -> float:
    """Return what `tax` weighs when a question has it twice, over what it weighs once."""
    once, twice = (
        next(word.weight for word in choose([term("tax", 5, count=count), *others], 100, budget=50).weighted)
        for count in (1, 2)
    )
    return twice / once


def test_a_word_twice_in_a_long_question_weighs_twice() -> None:
    assert weight_of_repeated(*(term(f"word{n}", 50) for n in range(10))) == pytest.approx(2)


def test_a_word_twice_in_a_short_question_weighs_less_than_twice() -> None:
    assert 1.4 < weight_of_repeated() < 1.6 < weight_of_repeated(*(term(f"word{n}", 50) for n in range(4))) < 2


def test_rarity() -> None:
    assert idf(1000, 1) == pytest.approx(6.5, abs=0.1)
    assert idf(1000, 100) == pytest.approx(2.3, abs=0.1)
    assert idf(1000, 1000) == pytest.approx(0.0005, abs=0.0001)
    assert idf(1000, 5000) == idf(1000, 1000)  # counted without a lock, it may be off for a moment
    assert idf(0, 0) > 0
