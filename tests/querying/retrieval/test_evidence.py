from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from documents.keywords.terms import ReadQuestion
from querying.retrieval.evidence import Evidence, FoundWords, evidence_for
from querying.retrieval.proximity import content_pairs
from tests.querying.retrieval.test_proximity import read

QUESTION = read("town", "basel", frequencies={"town": 900, "basel": 2})


def evidence(
    question: ReadQuestion = QUESTION,
    passages: Sequence[FoundWords] = (),
    lexical: Sequence[float] = (),
    chunk_count: int = 1000,
) -> Evidence:
    return evidence_for(question, passages, lexical=lexical, chunk_count=chunk_count, average_length=50.0)


def with_words(*words: str) -> FoundWords:
    # `read` gives all words the same terms: a passage that has 0 has them all.
    return FoundWords(frozenset({0}), words)


def test_an_unknown_rare_word_counts_more_than_an_unknown_common_one() -> None:
    without_basel = evidence(read("town", "basel", frequencies={"town": 900, "basel": 0}))
    without_town = evidence(read("town", "basel", frequencies={"town": 0, "basel": 2}))
    assert without_basel.known < 0.05
    assert 0.4 < without_town.known < 0.6  # unknown, it is taken for rarer than a word in one chunk
    assert evidence().known == pytest.approx(1.0)


def test_the_best_score_is_a_share_of_what_could_be_reached() -> None:
    alone = read("basel", frequencies={"basel": 2})
    most = math.log(1 + (1000 - 2 + 0.5) / 2.5) * 1.9
    assert evidence(alone, lexical=[most]).best == pytest.approx(1.0)
    assert evidence(alone, lexical=[most / 2]).best == pytest.approx(0.5)
    assert evidence(alone).best == 0.0


def test_the_lead_is_over_passages_that_fit_by_chance() -> None:
    assert evidence(lexical=[8.0] + [2.0] * 30).lead == pytest.approx(0.75)
    assert evidence(lexical=[8.0] * 30).lead == pytest.approx(0.0)
    assert evidence(lexical=[8.0, 4.0]).lead == pytest.approx(0.5)  # a corpus of two chunks: the last one


def test_words_that_stand_together_speak_for_a_passage() -> None:
    question = read("super", "bowl", "winner")
    together = evidence(question, [with_words("the", "super", "bowl", "was", "played")])
    apart = evidence(question, [with_words("bowl", "of", "hot", "and", "super", "soup")])
    all_of_it = evidence(question, [with_words("super", "bowl", "winner")])
    assert apart.pairs == 0 < together.pairs < all_of_it.pairs == pytest.approx(1.0)


def test_pairs_reach_over_one_word_that_says_nothing() -> None:
    assert set(content_pairs(("days", "of", "holiday"), {1: 2.0, 3: 3.0}, most=4.0).items()) == {
        (("days", "holiday"), 4.0)
    }


def test_the_count_is_of_the_passage_with_most_of_the_weight() -> None:
    assert evidence(passages=[FoundWords(frozenset(), ()), with_words("town", "basel")]).found == pytest.approx(
        math.log1p(2)
    )
    assert evidence(passages=[FoundWords(frozenset(), ())]).found == 0.0


@pytest.mark.parametrize("question", [read(), read("the", frequencies={"the": 0})])
@pytest.mark.parametrize("chunk_count", [0, 1, 1000])
def test_there_is_evidence_for_every_question_over_every_corpus(question: ReadQuestion, chunk_count: int) -> None:
    found = evidence(question, chunk_count=chunk_count)
    assert all(math.isfinite(each) for each in vars(found).values() if isinstance(each, float))


def test_what_stands_around_the_question_of_a_mail_counts_for_nothing() -> None:
    question = read("lunch", "basel", frequencies={"lunch": 0, "basel": 2})
    assert evidence(question).known < 0.6
    assert evidence(question.with_context({"basel"})).known == pytest.approx(1.0)


def test_another_word_for_the_same_is_a_known_one() -> None:
    [term] = read("holiday", frequencies={"holiday": 0}).terms
    question = ReadQuestion(("holiday",), (replace(term, also=(77,)),), False)
    found = evidence(question, [FoundWords(frozenset({77}), ("annual", "leave"))])
    assert found.known == pytest.approx(1.0)
    assert found.found == pytest.approx(math.log(2))


def test_words_that_only_ask_need_not_be_in_a_passage() -> None:
    question = read("wer", "zahlt", "basel", frequencies={"wer": 0, "zahlt": 3, "basel": 2})
    assert evidence(question).known == pytest.approx(1.0)
    alone = read("what", "who", frequencies={"what": 0, "who": 0})  # nothing else is asked
    assert evidence(alone).known == 0.0


def test_in_a_corpus_of_one_chunk_it_has_the_lead_and_no_word_is_common() -> None:
    one = evidence(read("basel", frequencies={"basel": 1}), lexical=[0.5], chunk_count=1)
    assert one.lead == 1.0
    assert one.chance < 0.1
