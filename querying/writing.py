"""The rungs that write an answer: by the model, of quoted sentences, of passages. Each returns a draft."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from django.conf import settings

from querying.citations import CITATION, Citation, citation_of, citations_of
from querying.extractive import Quote, quoted_answer
from querying.ladder import CUT, NO_ROOM, UNAVAILABLE, reason_of
from querying.output_filter import AnswerFilter, filter_answer
from querying.prompting import Prompt, build_prompt
from querying.retrieval import Retrieved
from querying.sentences import Span, sentences_of
from querying.timings import Timings
from querying.values import HEARTBEAT, AnswerMode, Asked, Draft, Reason, Token, Usage, Writing
from querying.wording import not_in_these_documents, see_these_passages
from ragsite.deadline import Deadline
from ragsite.errors import RagError
from ragsite.ollama import Finished, Tick, get_client
from ragsite.ollama import Token as ModelToken

FAST_PASSAGES, FAST_TOKENS = 3, 256  # of mode `fast`: less to read and less to write
RESERVE_SECONDS = 0.2  # kept for what comes after the model, so that the reply is in time
ENDS_SENTENCE = tuple(".!?…。！？।。”\"')]")


def write_generated(asked: Asked, retrieved: Retrieved, timings: Timings) -> Writing[Draft]:
    """Write with the model, token by token; return the draft.

    Empty text: it failed before it had written anything of use. When it fails later, what it wrote is kept up to its
    last whole sentence, if that much cites a passage, and `answer_cut` is among the reasons.
    """
    fast = asked.mode == "fast"
    answer_tokens = min(settings.OLLAMA_MAX_TOKENS, FAST_TOKENS) if fast else settings.OLLAMA_MAX_TOKENS
    with timings.stage("prompt"):
        prompt = build_prompt(
            asked.question,
            retrieved.passages[:FAST_PASSAGES] if fast else retrieved.passages,
            context_tokens=settings.OLLAMA_NUM_CTX,
            answer_tokens=answer_tokens,
        )
    if not prompt.numbers:
        return Draft(AnswerMode.GENERATED, reasons=(NO_ROOM,))
    with timings.stage("generate"):
        draft = yield from _generate(asked, retrieved, prompt, timings)
    return draft


def _generate(asked: Asked, retrieved: Retrieved, prompt: Prompt, timings: Timings) -> Writing[Draft]:
    answer = AnswerFilter(set(prompt.numbers))
    written: list[str] = []
    finished: Finished | None = None
    failure: RagError | None = None
    try:
        with closing(_pieces(asked, prompt)) as pieces:
            for piece in pieces:
                if isinstance(piece, Finished):
                    finished = piece
                elif isinstance(piece, Tick):
                    yield HEARTBEAT
                else:
                    timings.first_token(asked)
                    yield from _tokens(answer.feed(piece.text), written)
    except RagError as exc:
        failure = exc
    yield from _tokens(answer.finish(), written)
    text = "".join(written).strip()
    if finished is not None and text:
        return Draft(
            AnswerMode.GENERATED,
            text,
            citations=citations_of(text, retrieved.passages),
            model=finished.model,
            usage=Usage(finished.prompt_tokens, finished.answer_tokens, finished.context_truncated),
        )
    reason = reason_of(failure) if failure is not None else UNAVAILABLE
    return _cut_draft(text, retrieved, reason) if text else Draft(AnswerMode.GENERATED, reasons=(reason,))


def _pieces(asked: Asked, prompt: Prompt) -> Generator[ModelToken | Tick | Finished, None, None]:
    """Yield what the model sends. A generator of its own, so that an error of the call itself comes out here too."""
    options: Mapping[str, Any] = {
        "num_predict": prompt.answer_tokens,
        "temperature": settings.OLLAMA_TEMPERATURE,
        "top_k": settings.OLLAMA_TOP_K,
    }
    yield from get_client().generate(
        settings.LLM_MODEL,
        prompt.messages,
        options=options,
        deadline=Deadline(asked.deadline.at - RESERVE_SECONDS),
        lane=asked.lane,
    )


def _tokens(text: str, written: list[str]) -> Iterator[Token]:
    if text:
        written.append(text)
        yield Token(text)


def _cut_draft(text: str, retrieved: Retrieved, reason: Reason) -> Draft:
    """Return what is worth keeping of an answer that was cut; a fragment without a source is not."""
    spans = sentences_of(text)
    if spans and not text[: spans[-1].end].endswith(ENDS_SENTENCE):
        spans.pop()
    kept = text[: spans[-1].end] if spans else ""
    if not CITATION.search(kept):
        return Draft(AnswerMode.GENERATED, reasons=(CUT, reason))
    citations = citations_of(kept, retrieved.passages)
    return Draft(AnswerMode.GENERATED, kept, citations, (CUT, reason), model=settings.LLM_MODEL)


def write_extractive(asked: Asked, retrieved: Retrieved, timings: Timings) -> Writing[Draft]:
    """Quote the sentences that say most about the question; return the draft."""
    with timings.stage("extract"):
        quoted = quoted_answer(asked.question, retrieved.passages, asked.answer_style)
    yield from _tokens(quoted.text, [])
    return Draft(AnswerMode.EXTRACTIVE, quoted.text, citations=_citations_of_quotes(quoted.quotes, retrieved))


def _citations_of_quotes(quotes: Sequence[Quote], retrieved: Retrieved) -> tuple[Citation, ...]:
    """Return one citation per quote, in their order."""
    return tuple(
        citation_of(quote.number, retrieved.passages[quote.number - 1], Span(quote.start, quote.end))
        for quote in quotes
    )


def write_passages(asked: Asked, retrieved: Retrieved, timings: Timings) -> Writing[Draft]:
    """Name the passages, or say that the documents don't hold the answer; return the draft, which always has a text."""
    if retrieved.passages and retrieved.answerable:
        text = see_these_passages(retrieved.passages, asked.language)
    else:
        text = not_in_these_documents(retrieved.passages, asked.language)
    text = filter_answer(text, range(1, len(retrieved.passages) + 1))
    yield from _tokens(text, [])
    return Draft(AnswerMode.PASSAGES, text, citations_of(text, retrieved.passages))
