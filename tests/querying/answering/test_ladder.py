"""The possible rungs of the ladder, and the reasons for a lower one."""

from __future__ import annotations

import pytest

from querying.answering.ladder import (
    CUT,
    NO_ANSWER,
    NO_ROOM,
    NO_TIME,
    NOT_IN_DOCUMENTS,
    REPEATS,
    TOKEN_LIMIT,
    UNAVAILABLE,
    is_degraded,
    is_possible,
    reason_of,
    reasons_before_writing,
    reasons_of_search,
    rungs,
)
from querying.passages import LegReport, Retrieved
from querying.types import AnswerMode, Reason
from ragsite import errors
from ragsite.deadline import Deadline
from tests.querying.made import NOTHING, made_retrieved

G, S, E, P = AnswerMode.GENERATED, AnswerMode.STALE, AnswerMode.EXTRACTIVE, AnswerMode.PASSAGES


@pytest.mark.parametrize(
    ("retrieved", "model_configured", "seconds", "expected", "codes"),
    [
        (made_retrieved(), True, 10, (G, S, E, P), []),  # everything is there
        (made_retrieved(), False, 10, (E, P), []),  # no model was ever wanted: nothing is missing
        (made_retrieved(), True, 0.5, (E, P), ["deadline"]),  # no time for a model
        (made_retrieved(), False, 0.5, (E, P), []),
        (made_retrieved(answerable=False), True, 10, (P,), ["not_in_documents"]),  # a model would make one up
        (NOTHING, True, 10, (P,), ["not_in_documents"]),
        (made_retrieved(is_uncertain=True), True, 10, (G, S, E, P), ["uncertain"]),  # the model decides
        (made_retrieved(is_uncertain=True), False, 10, (E, P), ["uncertain"]),
    ],
)
def test_rungs(
    retrieved: Retrieved, model_configured: bool, seconds: float, expected: tuple[AnswerMode, ...], codes: list[str]
) -> None:
    deadline = Deadline.after(seconds)
    assert rungs(retrieved, model_configured=model_configured, deadline=deadline) == expected
    reasons = reasons_before_writing(retrieved, model_configured=model_configured, deadline=deadline)
    assert [reason.code for reason in reasons] == codes
    assert is_degraded(reasons) is (codes == ["deadline"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.OllamaUnavailable(), "model_unavailable"),
        (errors.BrokenReply(), "model_unavailable"),
        (errors.OllamaError(), "model_unavailable"),
        (errors.OllamaTimeout(), "model_slow"),
        (errors.CircuitOpen(), "circuit_open"),
        (errors.OllamaBusy(), "model_busy"),
        (errors.Overloaded(), "model_busy"),
        (errors.ModelNotFound(), "model_missing"),
        (errors.OllamaMisconfigured(), "model_misconfigured"),
        (errors.ModelInputTooLong(), "prompt_too_long"),
        (errors.DeadlineExceeded(), "deadline"),
        (errors.ShuttingDown(), "shutting_down"),
    ],
)
def test_each_error_of_the_model_has_its_code(error: errors.RagError, code: str) -> None:
    reason = reason_of(error)
    assert reason.code == code
    assert reason.message.endswith(".")


@pytest.mark.parametrize(
    ("names", "codes"),
    [
        ({"dense": "failed"}, ["embedding_unavailable"]),
        ({"dense": "late"}, ["embedding_unavailable"]),
        ({"dense": "skipped"}, []),  # the space is empty: nothing was lost
        ({"lexical": "failed"}, ["keywords_unavailable"]),
        ({"a/dense": "failed", "b/dense": "failed", "a/lexical": "ok"}, ["embedding_unavailable"]),
        ({"dense-papers/lexical": "ok", "dense-papers/dense": "ok"}, []),
    ],
)
def test_a_leg_that_failed_is_a_reason(names: dict[str, str], codes: list[str]) -> None:
    legs = [LegReport(name, status, 1.0) for name, status in names.items()]  # type: ignore[arg-type]
    retrieved = made_retrieved(legs=legs)
    assert [reason.code for reason in reasons_of_search(retrieved)] == codes
    reasons = reasons_before_writing(retrieved, model_configured=True, deadline=Deadline.after(9))
    assert is_degraded(reasons) is bool(codes)


@pytest.mark.parametrize(
    ("reasons", "possible"),
    [
        ((), False),
        ((NO_TIME,), False),  # the model is there
        ((NO_ROOM,), False),  # it would fail again tomorrow
        ((UNAVAILABLE,), True),
        ((CUT, UNAVAILABLE), True),
        ((reason_of(errors.CircuitOpen()),), True),
        ((reason_of(errors.OllamaTimeout()),), True),
        ((reason_of(errors.ShuttingDown()),), False),
    ],
)
def test_an_old_answer_is_only_given_while_the_model_is_away(reasons: tuple[Reason, ...], possible: bool) -> None:
    assert is_possible(S, reasons) is possible
    assert is_possible(E, reasons)


def test_a_search_says_when_its_passages_may_be_beside_the_question() -> None:
    assert [reason.code for reason in reasons_of_search(made_retrieved(is_uncertain=True))] == ["uncertain"]
    assert reasons_of_search(made_retrieved()) == ()


def test_nothing_is_quoted_when_the_model_found_no_answer() -> None:
    assert [is_possible(rung, (NOT_IN_DOCUMENTS,)) for rung in (G, S, E, P)] == [False, False, False, True]
    assert not is_degraded([NOT_IN_DOCUMENTS])
    assert all(map(is_degraded, ([TOKEN_LIMIT], [REPEATS], [NO_ANSWER])))
