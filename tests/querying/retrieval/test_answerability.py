from __future__ import annotations

from dataclasses import replace

import pytest

from documents.models import EmbeddingSpace
from documents.reindexing.closeness import Closeness
from querying.retrieval.answerability import (
    Calibration,
    Verdict,
    calibration_for,
    calibrations,
    closeness_for,
    verdict,
    writing_of,
)
from querying.retrieval.evidence import Evidence

# What the middle of squad's answered questions, and of questions about something else, looks like.
STRONG = Evidence(0.95, 0.55, 0.5, 1.6, 1.6, 0.9, 0.5, 4.0, 0.02, 0.6)
WEAK = Evidence(0.5, 0.15, 0.1, 1.6, 0.7, 0.3, 0.0, 4.0, 0.02, 0.6)
MEASURED = Closeness(0.7, 0.5, 0.6, 80, 200)


def space(provider: str, model: str) -> EmbeddingSpace:
    return EmbeddingSpace(provider=provider, model=model)


def test_the_gate_weighs_words_and_meaning() -> None:
    assert verdict([STRONG]) is Verdict.ANSWERABLE
    assert verdict([WEAK]) is Verdict.ABSENT
    assert verdict([replace(STRONG, closeness=0.5)]) is Verdict.ANSWERABLE
    assert verdict([replace(WEAK, closeness=-0.5)]) is Verdict.ABSENT


def test_meaning_can_speak_for_a_question_in_other_words() -> None:
    between = replace(WEAK, known=0.75, best=0.25, found=1.1, lead=0.3, mass=0.5)
    near, far = (calibration_for(replace(between, closeness=each)) for each in (0.9, -0.9))
    assert near.probability(replace(between, closeness=0.9)) > far.probability(replace(between, closeness=-0.9)) + 0.3


def test_stop_words_alone_are_no_evidence() -> None:
    assert verdict([replace(STRONG, found=0.0)]) is Verdict.ABSENT
    assert verdict([replace(STRONG, found=0.0, closeness=0.9)]) is not Verdict.ABSENT  # the same in other words


def test_the_best_corpus_decides() -> None:
    assert verdict([WEAK, STRONG]) is Verdict.ANSWERABLE


def test_without_the_keyword_leg_the_reader_judges() -> None:
    assert verdict([]) is Verdict.UNCERTAIN


def test_between_the_thresholds_the_answer_is_uncertain() -> None:
    # 1 / (1 + e^-x) is 0.27, 0.5 and 0.73 for -1, 0 and 1.
    calibration = Calibration(0.0, {"known": 1.0}, refused_below=0.4, certain_from=0.6)
    verdicts = [calibration.verdict(replace(WEAK, known=known)) for known in (-1.0, 0.0, 1.0)]
    assert verdicts == [Verdict.ABSENT, Verdict.UNCERTAIN, Verdict.ANSWERABLE]


def test_each_set_of_legs_way_of_writing_and_size_has_its_own_calibration() -> None:
    both = calibration_for(replace(STRONG, closeness=0.5))
    words = [
        calibration_for(replace(STRONG, writing=writing, is_small=is_small))
        for writing in ("stemmed", "spaced", "unspaced")
        for is_small in (False, True)
    ]
    assert len({id(each) for each in (both, *words)}) == 7
    assert "closeness" in both.weights
    assert not any("closeness" in each.weights for each in words)


def test_a_way_of_writing_without_a_calibration_for_both_legs_has_that_of_the_words() -> None:
    for writing in ("spaced", "unspaced"):
        expected = calibrations().get((writing, "both", False), calibrations()[writing, "keywords", False])
        assert calibration_for(replace(STRONG, writing=writing, closeness=0.5)) is expected


def test_the_middle_band_is_there() -> None:
    assert all(0 < each.refused_below <= each.certain_from < 1 for each in calibrations().values())
    assert any(each.refused_below < each.certain_from for each in calibrations().values())


@pytest.mark.parametrize(
    ("provider", "model", "language", "speaks"),
    [
        ("embedded", "wordllama", "en", True),
        ("embedded", "wordllama", "vi", False),  # there, its cosines are noise
        ("ollama", "nomic-embed-text", "en-GB", True),
        ("ollama", "nomic-embed-text", "de", False),
        ("ollama", "bge-m3", "de", True),
        ("ollama", "somebody/their-own:v2", "en", True),
        ("ollama", "somebody/their-own:v2", "de", False),
    ],
)
def test_cosines_count_where_the_model_knows_the_language(
    provider: str, model: str, language: str, speaks: bool
) -> None:
    found = closeness_for(space(provider, model), MEASURED, 0.6, language)
    assert found == (pytest.approx(0.6 * 0.5) if speaks else None)


def test_cosines_of_a_space_that_tells_nothing_apart_do_not_count() -> None:
    noise = replace(MEASURED, separation=0.1)
    assert closeness_for(space("ollama", "bge-m3"), noise, 0.6, "en") is None
    assert closeness_for(space("ollama", "bge-m3"), None, 0.6, "en") is None
    assert closeness_for(space("ollama", "bge-m3"), MEASURED, None, "en") is None
    assert closeness_for(None, MEASURED, 0.6, "en") is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("question", "language", "writing"),
    [
        ("Who pays?", "en", "stemmed"),
        ("Wer zahlt?", "de-AT", "stemmed"),
        ("Ai trả tiền?", "vi", "spaced"),
        ("谁付钱？", "zh", "unspaced"),
        ("谁付 VPN 的钱？", "en", "unspaced"),
        ("ใครจ่าย", "th", "unspaced"),
    ],
)
def test_questions_are_told_apart_by_how_they_are_written(question: str, language: str, writing: str) -> None:
    assert writing_of(question, language) == writing
