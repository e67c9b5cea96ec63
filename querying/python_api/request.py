"""Reads the arguments of the Python API: returns validated questions with the corpora that may be asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from django.conf import settings
from django.db import Error as DatabaseFault

from documents.access.policy import Principal
from documents.access.question_scope import scope_of
from documents.models import Corpus
from documents.search.filters import condition_of
from documents.text.normalization import normalise_question
from querying.maintenance import refuse_while_disabled
from querying.types import Question
from ragsite.deadline import Deadline
from ragsite.errors import CorpusNotFound, InvalidInput
from ragsite.web.exception_handler import as_rag_error

ANY_LANGUAGE = "xx"  # of a corpus
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_.@][A-Za-z0-9-]+)*")


class Options(TypedDict, total=False):
    """The options of a call; the defaults are those of the HTTP API."""

    corpora: Sequence[str]  # slugs, or tenant/slug; none: all that may be asked, without the demo beside others
    top_k: int
    deadline_seconds: float  # for all questions of the call; never above DEADLINE_MAX_SECONDS
    locale: str | None  # de, pt-BR, vi_VN: where no corpora are named, only those in its language, if there are any
    filters: Mapping[str, Any] | None


@dataclass(frozen=True)
class RequestOptions:
    """The principal and the options of one call."""

    principal: Principal
    corpora: Sequence[str] = ()
    top_k: int | None = None
    deadline_seconds: float | None = None
    locale: str | None = None
    filters: Mapping[str, Any] | None = None

    def deadline(self) -> Deadline:
        """Return the deadline of the call. Raises InvalidInput."""
        seconds = float(settings.DEADLINE_SECONDS if self.deadline_seconds is None else self.deadline_seconds)
        if not seconds > 0:  # nor NaN
            raise InvalidInput(fields={"deadline_seconds": "Give a number of seconds above 0."})
        return Deadline.after(min(seconds, settings.DEADLINE_MAX_SECONDS))


def prepare(questions: Sequence[str], options: RequestOptions, deadline: Deadline) -> list[Question]:
    """Return the normalised questions, each with the corpora that the principal may ask.

    Raises QuestionsDisabled, InvalidInput, CorpusNotFound, Overloaded and DatabaseUnavailable.
    """
    refuse_while_disabled()
    questions = [questions] if isinstance(questions, str) else questions
    normalised = [_question(question) for question in questions]
    top_k, language = _top_k(options), _language(options)
    filters = dict(options.filters) if options.filters else None
    condition_of(filters)  # a bad filter is an error of the call, not of one question
    names = [options.corpora] if isinstance(options.corpora, str) else options.corpora
    try:
        # Half of the time: after a shared read that took too long, there is time for an own one.
        scope = scope_of(options.principal, names, patience_seconds=deadline.remaining() / 2)
    except DatabaseFault as exc:
        raise as_rag_error(exc) from exc
    corpora = scope.corpora if names else _in_language(language, scope.corpora)
    if not corpora:
        raise CorpusNotFound("There is no corpus that you may ask.")
    standing = scope.fingerprint if corpora == scope.corpora else None
    return [
        Question(text, corpora, options.principal, deadline, top_k=top_k, filters=filters, standing=standing)
        for text in normalised
    ]


def _question(question: str) -> str:
    if not isinstance(question, str):
        raise InvalidInput(fields={"question": "A question is a text."})
    if len(question) > settings.QUESTION_MAX_CHARS:
        raise InvalidInput(fields={"question": f"A question has at most {settings.QUESTION_MAX_CHARS} characters."})
    normalised = normalise_question(question)
    if not normalised:
        raise InvalidInput(fields={"question": "There is nothing to search for in an empty question."})
    return normalised


def _top_k(options: RequestOptions) -> int:
    top_k = int(settings.RETRIEVAL_TOP_K) if options.top_k is None else options.top_k
    if not 1 <= top_k <= settings.RETRIEVAL_TOP_K_MAX:
        raise InvalidInput(fields={"top_k": f"Use 1 to {settings.RETRIEVAL_TOP_K_MAX}."})
    return top_k


def _language(options: RequestOptions) -> str:
    """Return the language of the locale, as `vi` of `vi_VN`; empty: there is no locale."""
    if options.locale is None:
        return ""
    if not _LOCALE.fullmatch(options.locale):
        raise InvalidInput(fields={"locale": "Write a language, and a country if you like: de, pt-BR, vi_VN."})
    return re.split(r"[-_.@]", options.locale)[0].lower()


def _in_language(language: str, corpora: tuple[Corpus, ...]) -> tuple[Corpus, ...]:
    """Return the corpora in a language and those of no language; all of them, if none is in it."""
    if all(corpus.language != language for corpus in corpora):
        return corpora
    return tuple(corpus for corpus in corpora if corpus.language in {language, ANY_LANGUAGE})
