"""The values that the stages of a question pass on: small frozen dataclasses without behaviour."""

from __future__ import annotations

import enum
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

from documents.access.fingerprint import AccessFingerprint
from documents.access.policy import Principal
from documents.models import Corpus
from querying.extractive.answer import Style
from querying.generation.citations import Citation
from querying.passages import LegReport, Passage
from ragsite.deadline import Deadline
from ragsite.ollama import Lane

Mode = Literal["fast", "balanced", "quality"]
MODES: tuple[Mode, ...] = ("fast", "balanced", "quality")


@dataclass(frozen=True)
class Question:
    """A question with its options, corpora, reader and deadline."""

    text: str
    corpora: tuple[Corpus, ...]
    principal: Principal
    deadline: Deadline
    top_k: int = 5
    mode: Mode = "balanced"
    answer_style: Style = "short"  # how much is quoted if no model writes the answer
    filters: Mapping[str, Any] | None = None
    use_cache: bool = True
    lane: Lane = Lane.INTERACTIVE
    standing: AccessFingerprint | None = None  # the access fingerprint, as it was read with the corpora
    id: UUID = field(default_factory=uuid4)
    started: float = field(default_factory=time.monotonic)  # on the monotonic clock

    @property
    def language(self) -> str:
        """Return the language of the first corpus: that of fixed sentences in the answer."""
        return self.corpora[0].language if self.corpora else "en"


class AnswerMode(enum.StrEnum):
    """The rungs of the answer ladder, best first."""

    GENERATED = "generated"
    CACHED = "cached"
    CACHED_SEMANTIC = "cached_semantic"
    STALE = "stale"
    EXTRACTIVE = "extractive"
    PASSAGES = "passages"


# Modes of an answer that was written before: `original_mode` says by which rung.
REPEATED = frozenset({AnswerMode.CACHED, AnswerMode.CACHED_SEMANTIC, AnswerMode.STALE})
OTHER_IDENTIFIER = "other_identifier"  # the code of the reason that no passage has what the question names


@dataclass(frozen=True)
class Reason:
    """A reason for the mode of an answer: a stable code for programs, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Usage:
    """The tokens that the model read and wrote."""

    prompt_tokens: int
    answer_tokens: int
    context_truncated: bool = False


@dataclass(frozen=True)
class CacheReport:
    """Whether the answer came from a cache, the similarity of the questions (0..1), and the age of the answer."""

    hit: bool = False
    similarity: float | None = None
    age_seconds: float | None = None


@dataclass(frozen=True)
class Draft:
    """The text of one rung of the ladder; empty: it failed, and `reasons` says why."""

    mode: AnswerMode
    text: str = ""
    citations: tuple[Citation, ...] = ()
    reasons: tuple[Reason, ...] = ()
    model: str | None = None
    usage: Usage | None = None
    passages: tuple[Passage, ...] | None = None  # None: those that were found now
    has_spoken: bool = False  # of an empty draft: a text that is no answer has been streamed
    cache: CacheReport = CacheReport()
    original_mode: AnswerMode | None = None  # of a cached or stale answer: the rung that wrote it


@dataclass(frozen=True)
class Answer:
    """An answer with its sources, and with what a reader needs to judge it."""

    id: UUID
    text: str
    mode: AnswerMode
    degraded: bool  # less than this server is set up to give
    reasons: tuple[Reason, ...]
    answerable: bool  # False: the documents don't hold it, and the text says so
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]  # the n-th is [n]
    legs: tuple[LegReport, ...]
    model: str | None
    usage: Usage | None
    timings_ms: Mapping[str, float]
    cache: CacheReport = CacheReport()
    original_mode: AnswerMode | None = None  # of a cached or stale answer: the rung that wrote it
    corrections: Mapping[str, str] = field(default_factory=dict)  # misspelled word -> the one that was searched

    @property
    def written_as(self) -> AnswerMode:
        """Return the rung that wrote the text, of a cached answer, too."""
        return self.original_mode or self.mode


# The events of a stream, in this order: Meta, PassagesFound, Token and Heartbeat, Written if a model wrote, Done.
@dataclass(frozen=True, slots=True)
class Meta:
    """The first event: the answer's id, the rung to be tried first, and the corpora."""

    id: UUID
    mode: AnswerMode
    corpora: tuple[str, ...]
    original_mode: AnswerMode | None = None  # of a cached or stale answer: the rung that wrote it


@dataclass(frozen=True, slots=True)
class PassagesFound:
    """The passages that the answer is written from."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """No news: lets the server notice that the reader has disconnected."""


@dataclass(frozen=True, slots=True)
class Written:
    """The model has finished, and all of the text was yielded. Under load, the rest of the work may wait."""


@dataclass(frozen=True, slots=True)
class Done:
    """The last event: the whole answer. It replaces what was streamed."""

    answer: Answer


T = TypeVar("T")
Writing = Generator[Token | Heartbeat, None, T]  # a stage that yields tokens, and returns its result
Event = Meta | PassagesFound | Token | Heartbeat | Written | Done
HEARTBEAT = Heartbeat()
WRITTEN = Written()
