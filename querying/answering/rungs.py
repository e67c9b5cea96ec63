"""Writes the draft of an answer, one function per rung: by the model, from quoted sentences, from passages."""

from __future__ import annotations

import re
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from django.conf import settings

from querying.answering.ladder import (
    CUT,
    NO_ANSWER,
    NO_ROOM,
    NOT_IN_DOCUMENTS,
    REPEATS,
    TOKEN_LIMIT,
    UNAVAILABLE,
    reason_of,
)
from querying.extractive.answer import Quote, quoted_answer
from querying.generation.citations import CITATION, Citation, citation_of, citations_of
from querying.generation.phrases import about_another, not_in_these_documents, see_these_passages
from querying.generation.prompt import FRAME, REQUEST, SYSTEM, Prompt, build_prompt
from querying.output.degenerate import echoes_prompt, echoes_question, says_nothing
from querying.output.link_filter import filter_answer
from querying.output.model_text import ModelText, Stop
from querying.passages import Retrieved
from querying.text.sentences import Span
from querying.timings import Timings
from querying.types import HEARTBEAT, AnswerMode, Draft, Question, Reason, Token, Usage, Writing
from ragsite.deadline import Deadline
from ragsite.errors import OllamaTimeout, RagError
from ragsite.ollama import Finished, Tick, get_client
from ragsite.ollama import Token as ModelToken

FAST_PASSAGES, FAST_TOKENS = 3, 256  # in mode `fast`: a shorter prompt and a shorter answer
RESERVE_SECONDS = 0.2  # for what comes after the model, so that the reply is in time
RESERVE_SECONDS_PER_CHAR = 30e-6  # for splitting a long text into sentences and finding its citations
PART_CHARS = 2000  # of a long token, processed at once
_REASONS_TO_STOP = {Stop.LOOP: REPEATS, Stop.TOO_LONG: TOKEN_LIMIT, Stop.ECHO: NO_ANSWER}
_THINKING_ALOUD: set[str] = set()  # models whose last answer began with thoughts without an opening mark
_WORD = re.compile(r"[^\W\d_]+")


def write_generated(question: Question, retrieved: Retrieved, timings: Timings) -> Writing[Draft]:
    """Write with the model, token by token; return the draft.

    Empty text: it failed before it had written anything of use. When it fails later, its text is kept up to the last
    whole sentence, if that much cites a passage, and `answer_cut` is among the reasons; the same when it reached its
    limit of tokens, or repeats itself. A text that is no answer is dropped, and the next rung writes one.
    """
    with timings.stage("prompt"):
        prompt = prompt_for(question, retrieved)
    if not prompt.numbers:
        return Draft(AnswerMode.GENERATED, reasons=(NO_ROOM,))
    with timings.stage("generate"):
        draft = yield from _generate(question, retrieved, prompt, timings)
    return draft


def prompt_for(question: Question, retrieved: Retrieved) -> Prompt:
    """Return the prompt of a question: in fast mode of fewer passages, with less room for the answer."""
    fast = question.mode == "fast"
    return build_prompt(
        question.text,
        retrieved.passages[:FAST_PASSAGES] if fast else retrieved.passages,
        context_tokens=settings.OLLAMA_NUM_CTX,
        answer_tokens=min(settings.OLLAMA_MAX_TOKENS, FAST_TOKENS) if fast else settings.OLLAMA_MAX_TOKENS,
    )


def _generate(question: Question, retrieved: Retrieved, prompt: Prompt, timings: Timings) -> Writing[Draft]:
    model = settings.LLM_MODEL
    answer = ModelText(
        set(prompt.numbers),
        answer_tokens=prompt.answer_tokens,
        prompt_mark=prompt.mark,
        expects_thoughts=model in _THINKING_ALOUD,
    )
    finished: Finished | None = None
    failure: RagError | None = None
    said, spoken, read_chars = "", list[str](), 0
    beat_at = time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS
    try:
        with closing(_pieces(question, prompt)) as pieces:
            for piece in pieces:
                if isinstance(piece, Finished):
                    finished = piece
                    continue
                if isinstance(piece, ModelToken):
                    timings.first_token(question)
                    said = ""
                    for part in _parts(piece.text, question.deadline, read_chars):
                        said = answer.feed(part)
                        yield from _tokens(said, spoken)
                        if answer.stop is not None:
                            break
                    read_chars += len(piece.text)
                    if answer.stop is not None:
                        break  # closes the connection, so that the model stops
                    if not said and time.monotonic() < beat_at:
                        continue  # the model writes thoughts
                beat_at = time.monotonic() + settings.STREAM_HEARTBEAT_SECONDS
                if isinstance(piece, Tick) or not said:
                    yield HEARTBEAT
    except RagError as exc:
        failure = exc
    yield from _tokens(answer.finish(), spoken)
    if answer.has_retracted:
        _THINKING_ALOUD.add(model)
    elif finished is not None:
        _THINKING_ALOUD.discard(model)
    draft = _draft_of(answer, finished, failure, question, retrieved)
    return draft if draft.text else replace(draft, has_spoken=any(map(str.strip, spoken)))


def _draft_of(
    answer: ModelText, finished: Finished | None, failure: RagError | None, question: Question, retrieved: Retrieved
) -> Draft:
    """Return the draft of what the model wrote: complete, cut after its last whole sentence, or empty."""
    why = _why_cut(answer, finished, failure)
    text = answer.text if why is None else answer.whole_sentences
    if answer.is_not_found and failure is None:
        return Draft(AnswerMode.GENERATED, reasons=(NOT_IN_DOCUMENTS,))
    if why is None and _is_no_answer(text, question.text):
        return Draft(AnswerMode.GENERATED, reasons=(NO_ANSWER,))
    if why is not None and (not CITATION.search(text) or _is_no_answer(text, question.text)):
        return Draft(AnswerMode.GENERATED, reasons=(CUT, why) if answer.text else (why,))
    return Draft(
        AnswerMode.GENERATED,
        text,
        citations_of(text, retrieved.passages),
        () if why is None else (CUT, why),
        model=settings.LLM_MODEL,
        usage=None if finished is None else _usage_of(finished),
    )


def _why_cut(answer: ModelText, finished: Finished | None, failure: RagError | None) -> Reason | None:
    """Return the reason why an answer is incomplete; None: it is complete."""
    if answer.stop in _REASONS_TO_STOP:
        return _REASONS_TO_STOP[answer.stop]
    if answer.stop is Stop.TURN:
        return None
    if failure is not None:
        return reason_of(failure)
    if finished is not None and finished.done_reason == "length":
        return TOKEN_LIMIT
    return None if finished is not None and finished.done_reason == "stop" else UNAVAILABLE


def _usage_of(finished: Finished) -> Usage:
    return Usage(finished.prompt_tokens, finished.answer_tokens, finished.context_truncated)


def _is_no_answer(text: str, question: str) -> bool:
    return says_nothing(text) or echoes_question(text, question) or echoes_prompt(text, (SYSTEM, FRAME, REQUEST))


def _pieces(question: Question, prompt: Prompt) -> Generator[ModelToken | Tick | Finished, None, None]:
    """Yield what the model sends. A generator, so that errors of the call itself are raised by `next`, too."""
    options: Mapping[str, Any] = {
        "num_predict": prompt.answer_tokens,
        "temperature": settings.OLLAMA_TEMPERATURE,
        "top_k": settings.OLLAMA_TOP_K,
    }
    yield from get_client().generate(
        settings.LLM_MODEL,
        prompt.messages,
        options=options,
        deadline=Deadline(question.deadline.at - RESERVE_SECONDS),
        lane=question.lane,
    )


def _parts(text: str, deadline: Deadline, read_chars: int = 0) -> Iterator[str]:
    """Yield the text in parts of PART_CHARS.

    Raises OllamaTimeout when the time left is only enough to process what came before, of which `read_chars`
    characters came with earlier tokens.
    """
    for begin in range(0, len(text), PART_CHARS):
        chars = read_chars + begin
        if chars and deadline.remaining() <= RESERVE_SECONDS + RESERVE_SECONDS_PER_CHAR * chars:
            raise OllamaTimeout("The model wrote more than could be read in time.")
        yield text[begin : begin + PART_CHARS]


def _tokens(text: str, written: list[str]) -> Iterator[Token]:
    if text:
        written.append(text)
        yield Token(text)


def write_extractive(question: Question, retrieved: Retrieved, timings: Timings) -> Writing[Draft]:
    """Quote the sentences that most likely answer the question; return the draft."""
    with timings.stage("extract"):
        quoted = quoted_answer(
            _corrected(question.text, retrieved.corrections),
            retrieved.passages,
            question.answer_style,
            alike=retrieved.alike,
        )
    text = quoted.text
    if text and retrieved.missing_identifiers:
        text = f"{about_another(retrieved.missing_identifiers, question.language)}\n\n{text}"
    yield from _tokens(text, [])
    return Draft(AnswerMode.EXTRACTIVE, text, citations=_citations_of_quotes(quoted.quotes, retrieved))


def _corrected(question: str, corrections: Mapping[str, str]) -> str:
    """Return the question with its misspelled words corrected, because quotes are chosen by its words."""
    return _WORD.sub(lambda found: corrections.get(found[0].lower(), found[0]), question) if corrections else question


def _citations_of_quotes(quotes: Sequence[Quote], retrieved: Retrieved) -> tuple[Citation, ...]:
    """Return one citation per quote, in their order."""
    return tuple(
        citation_of(quote.number, retrieved.passages[quote.number - 1], Span(quote.start, quote.end))
        for quote in quotes
    )


def write_passages(question: Question, retrieved: Retrieved, timings: Timings) -> Writing[Draft]:
    """Name the passages, or say that the documents don't hold the answer; return the draft, which always has a text.

    It has no citations, because it makes no claim that a passage could support.
    """
    if retrieved.passages and retrieved.answerable:
        text = see_these_passages(retrieved.passages, question.language)
    else:
        text = not_in_these_documents(retrieved.passages, question.language)
    text = filter_answer(text, ())
    yield from _tokens(text, [])
    return Draft(AnswerMode.PASSAGES, text)
