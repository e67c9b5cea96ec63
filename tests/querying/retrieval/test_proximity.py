from __future__ import annotations

from documents.keywords.terms import QuestionTerm, ReadQuestion
from querying.retrieval.proximity import pair_score, pair_weights


def read(*words: str, frequencies: dict[str, int] | None = None) -> ReadQuestion:
    known = frequencies or {}
    terms = tuple(
        QuestionTerm(
            word,
            tuple(place for place, each in enumerate(words, start=1) if each == word),
            True,
            tuple(range(19)),
            (known.get(word, 1),) + (0,) * 18,
            False,
        )
        for word in dict.fromkeys(words)
    )
    return ReadQuestion(words, terms, False)


def test_words_side_by_side_score_and_words_apart_do_not() -> None:
    weights = pair_weights(read("super", "bowl", "winner"), 1000)
    together = pair_score(weights, ["the", "super", "bowl", "was", "played"], relative_length=1)
    apart = pair_score(weights, ["a", "bowl", "of", "super", "soup"], relative_length=1)
    assert together > 0
    assert apart == 0


def test_rare_pairs_weigh_more_and_none_more_than_one_chunk_of_all() -> None:
    weights = pair_weights(read("of", "the", "bowl", frequencies={"of": 990, "the": 990, "bowl": 3}), 1000)
    assert weights["of", "the"] < 0.1 < weights["the", "bowl"] < 7
    assert max(pair_weights(read("a", "b"), 1000).values()) <= 7


def test_words_that_postgres_cut_differently_have_no_pairs() -> None:
    question = read("a", "b")
    assert pair_weights(ReadQuestion(("a", "b", "c"), question.terms, False), 10) == {}


def test_short_questions_have_no_pairs() -> None:
    assert pair_weights(read("bowl"), 10) == {}
    assert pair_score({}, ["bowl"], relative_length=1) == 0
