from __future__ import annotations

import pytest

from querying.gate import KEYWORDS_ONLY, UNKNOWN_MODEL, Evidence, calibration_for, evidence_for, is_answerable
from tests.querying.test_proximity import read

ENGLISH = {"model": "wordllama", "language": "en"}


@pytest.mark.parametrize(
    ("evidence", "answerable"),
    [
        (Evidence(0.9, 0.5, 0.5, **ENGLISH), True),
        (Evidence(0.2, 0.1, 0.3, **ENGLISH), False),
        (Evidence(0.3, 0.1, 0.7, **ENGLISH), True),  # other words, the same meaning
        (Evidence(0.3, 0.1, 0.7, model="wordllama", language="vi"), False),  # there, its cosines are noise
        (Evidence(0.8, 0.4), True),
        (Evidence(0.4, 0.1), False),
        (Evidence(0.0, 0.0), False),
    ],
)
def test_the_gate_weighs_words_and_meaning(evidence: Evidence, answerable: bool) -> None:
    assert is_answerable(evidence) is answerable


def test_each_kind_of_evidence_has_its_own_constants() -> None:
    assert calibration_for(Evidence(0.5, 0.5)) is KEYWORDS_ONLY
    assert calibration_for(Evidence(0.5, 0.5, 0.5, model="wordllama", language="de")) is KEYWORDS_ONLY
    assert calibration_for(Evidence(0.5, 0.5, 0.5, model="bge-m3", language="en")) is UNKNOWN_MODEL
    assert calibration_for(Evidence(0.5, 0.5, 0.5, **ENGLISH)) not in (KEYWORDS_ONLY, UNKNOWN_MODEL)


def test_a_missing_rare_word_counts_more_than_a_missing_common_one() -> None:
    question = read("the", "basel", frequencies={"the": 900, "basel": 2})
    has_rare = evidence_for(question, chunk_count=1000, found=set(), lexical=None, cosine=None)
    assert has_rare.idf_share == 0
    both = evidence_for(question, chunk_count=1000, found={0}, lexical=5.0, cosine=None)
    assert both.idf_share == 1
    assert 0 < both.bm25_share < 1


def test_an_empty_question_has_no_evidence() -> None:
    evidence = evidence_for(read(), chunk_count=10, found={1}, lexical=None, cosine=None)
    assert evidence == Evidence(0.0, 0.0)
    assert not is_answerable(evidence)
