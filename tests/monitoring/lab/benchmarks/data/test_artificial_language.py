"""Made-up texts are the same every time, and have what makes real ones hard."""

from __future__ import annotations

from collections import Counter

import numpy as np

from monitoring.lab.benchmarks.data.artificial_language import FIRST_TOPIC_WORD, VOCABULARY, Language
from monitoring.lab.benchmarks.data.plain_texts import make_prose

LENGTHS = [5] * 200


def words_of(language: Language) -> list[str]:
    return [
        word
        for document in language.documents(LENGTHS)
        for passage in document.passages
        for word in language.text_of(passage).split()
    ]


def test_the_same_seed_gives_the_same_texts() -> None:
    assert words_of(Language(3)) == words_of(Language(3))
    assert words_of(Language(3)) != words_of(Language(4))
    assert Language(3).questions(LENGTHS, 5) == Language(3).questions(LENGTHS, 5)
    assert make_prose(5000, seed=1) == make_prose(5000, seed=1) != make_prose(5000, seed=2)


def test_few_words_are_frequent_and_most_are_rare() -> None:
    counts = Counter(words_of(Language()))
    ranked = [count for _, count in counts.most_common()]
    assert ranked[0] > 20 * ranked[200]
    assert sum(count <= 3 for count in ranked) > len(ranked) / 3
    assert len(set(Language().words)) == VOCABULARY


def test_a_document_has_a_subject() -> None:
    first, *others = [
        Counter(word for word in np.concatenate(document.passages).tolist() if word >= FIRST_TOPIC_WORD)
        for document in Language().documents([20] * 20)
    ]
    own = sum(count for _, count in first.most_common(30)) / first.total()
    elsewhere = [sum(other[word] for word, _ in first.most_common(30)) / other.total() for other in others]
    assert own > 5 * sorted(elsewhere)[len(elsewhere) // 2]


def test_questions_are_about_passages_that_there_are() -> None:
    language = Language()
    passages = [
        set(language.text_of(passage).split())
        for document in language.documents(LENGTHS)
        for passage in document.passages
    ]
    for question in language.questions(LENGTHS, 10):
        assert any(set(question.split()) <= passage for passage in passages)


def test_common_questions_have_the_most_frequent_words_only() -> None:
    language = Language()
    frequent = set(language.words[:24])
    assert all(set(question.split()) <= frequent for question in language.common_questions(5))


def test_prose_has_the_size_that_was_asked_for() -> None:
    text = make_prose(10_000, seed=1)
    assert len(text.encode()) == 10_000
    assert text.count("\n\n") > 5
