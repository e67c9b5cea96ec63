"""Chooses the rungs of the answer ladder that are possible now, and gives the reasons for a lower one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from querying.passages import LegReport, Retrieved
from querying.types import OTHER_IDENTIFIER, AnswerMode, Reason
from ragsite.deadline import Deadline
from ragsite.errors import (
    CircuitOpen,
    DeadlineExceeded,
    ModelInputTooLong,
    ModelNotFound,
    OllamaBusy,
    OllamaMisconfigured,
    OllamaTimeout,
    Overloaded,
    RagError,
    ShuttingDown,
)

MIN_GENERATION_SECONDS = 1.0  # with less time left, the model would only be interrupted

# First match wins: put the special before the general.
_CODES: tuple[tuple[type[RagError], str, str], ...] = (
    (CircuitOpen, "circuit_open", "The language model failed too often and is left alone for a moment."),
    (OllamaBusy, "model_busy", "The language model has more to do than it can finish in time."),
    (Overloaded, "model_busy", "The language model has more to do than it can finish in time."),
    (ModelNotFound, "model_missing", "The language model is not installed on the model server."),
    (OllamaMisconfigured, "model_misconfigured", "The model server's address or the model's name is wrong."),
    (ModelInputTooLong, "prompt_too_long", "The question and its passages are too long for the language model."),
    (OllamaTimeout, "model_slow", "The language model did not answer in time."),
    (ShuttingDown, "shutting_down", "The server is restarting; ask again for the language model's answer."),
    (DeadlineExceeded, "deadline", "There was not enough time left for the language model."),
)
UNAVAILABLE = Reason("model_unavailable", "The language model can't be reached, or fails.")
NO_TIME = Reason("deadline", "There was not enough time left for the language model.")
NO_ROOM = Reason("prompt_too_long", "The question and its passages are too long for the language model.")
CUT = Reason("answer_cut", "The language model stopped before its answer was complete.")
TOKEN_LIMIT = Reason("token_limit", "The language model's answer was longer than OLLAMA_MAX_TOKENS allows.")
REPEATS = Reason("repetition", "The language model began to repeat itself.")
NO_ANSWER = Reason("no_answer", "What the language model wrote is no answer: only thoughts, an echo, or nothing.")
NOT_IN_DOCUMENTS = Reason("not_in_documents", "The documents don't hold an answer; the nearest passages are named.")
UNCERTAIN = Reason("uncertain", "The documents may not hold the answer; these are the passages that come nearest.")

STALE = Reason("stale", "This answer is an older one, from before the latest changes of the documents or settings.")

# While one of these is so, an older answer is better than none by a model.
_MODEL_IS_AWAY = frozenset(
    {"circuit_open", "model_busy", "model_missing", "model_misconfigured", "model_slow", "model_unavailable"}
)
# Reasons that explain an answer without making it less than it could be.
NO_LOSS = frozenset({NOT_IN_DOCUMENTS.code, UNCERTAIN.code, OTHER_IDENTIFIER})


def rungs(retrieved: Retrieved, *, model_configured: bool, deadline: Deadline) -> tuple[AnswerMode, ...]:
    """Return the rungs to try, in this order; each is only reached when the one before gave nothing.

    A question whose answer is not in the documents goes to no model: it would make one up.
    """
    if not retrieved.passages or not retrieved.answerable:
        return (AnswerMode.PASSAGES,)
    if not model_configured or deadline.remaining() < MIN_GENERATION_SECONDS:
        return (AnswerMode.EXTRACTIVE, AnswerMode.PASSAGES)
    return (AnswerMode.GENERATED, AnswerMode.STALE, AnswerMode.EXTRACTIVE, AnswerMode.PASSAGES)


def is_possible(rung: AnswerMode, reasons: Collection[Reason]) -> bool:
    """Return whether a rung may be tried after what has happened so far.

    An old answer only while the model is away; and nothing is quoted as an answer when the model found none.
    """
    if NOT_IN_DOCUMENTS in reasons:
        return rung is AnswerMode.PASSAGES
    return rung is not AnswerMode.STALE or any(reason.code in _MODEL_IS_AWAY for reason in reasons)


def reasons_before_writing(retrieved: Retrieved, *, model_configured: bool, deadline: Deadline) -> tuple[Reason, ...]:
    """Return the reasons for a lesser answer that are known before any rung is tried."""
    found = list(_reasons_of_legs(retrieved.legs))
    if not retrieved.passages or not retrieved.answerable:
        found.append(NOT_IN_DOCUMENTS)
        return tuple(found)
    if retrieved.is_uncertain:
        found.append(UNCERTAIN)
    found += _reasons_of_identifiers(retrieved)
    if model_configured and deadline.remaining() < MIN_GENERATION_SECONDS:
        found.append(NO_TIME)
    return tuple(found)


def reason_of(error: RagError) -> Reason:
    """Return why the model did not answer."""
    for kind, code, message in _CODES:
        if isinstance(error, kind):
            return Reason(code, message)
    return UNAVAILABLE


def is_degraded(reasons: Iterable[Reason]) -> bool:
    """Return whether an answer with these reasons is less than this server is set up to give."""
    return any(reason.code not in NO_LOSS for reason in reasons)


def reasons_of_search(retrieved: Retrieved) -> tuple[Reason, ...]:
    """Return the reasons why a search without an answer found less than it might."""
    reasons = (*_reasons_of_legs(retrieved.legs), *_reasons_of_identifiers(retrieved))
    return (*reasons, UNCERTAIN) if retrieved.is_uncertain else reasons


def _reasons_of_identifiers(retrieved: Retrieved) -> Iterable[Reason]:
    if retrieved.passages and retrieved.missing_identifiers:
        names = ", ".join(retrieved.missing_identifiers)
        yield Reason(OTHER_IDENTIFIER, f"The documents don't name {names}; what follows is about another one.")


def _reasons_of_legs(legs: Iterable[LegReport]) -> Iterable[Reason]:
    """Yield one reason per kind of leg that failed or was late; of several corpora, a leg is named corpus/kind."""
    broken = {leg.name.rpartition("/")[2] for leg in legs if leg.status in {"failed", "late"}}
    if "dense" in broken:
        yield Reason(
            "embedding_unavailable", "The search by meaning failed; these passages were found by their words alone."
        )
    if "lexical" in broken:
        yield Reason("keywords_unavailable", "The search by words failed; these passages were found by meaning alone.")
