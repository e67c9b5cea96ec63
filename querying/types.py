"""What goes from stage to stage of a question: small frozen values, no behaviour."""

from __future__ import annotations

import enum
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar
from uuid import UUID, uuid4

from documents.access.fingerprint import Standing
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
    """A question, who asks it of what, and how long they will wait."""

    text: str
    corpora: tuple[Corpus, ...]
    principal: Principal
    deadline: Deadline
    top_k: int = 5
    mode: Mode = "balanced"
    answer_style: Style = "short"  # how much is quoted when no model writes
    filters: Mapping[str, Any] | None = None
    use_cache: bool = True
    lane: Lane = Lane.INTERACTIVE
    standing: Standing | None = None  # what was read together with the corpora
    id: UUID = field(default_factory=uuid4)
    started: float = field(default_factory=time.monotonic)  # on the monotonic clock

    @property
    def language(self) -> str:
        """Return the language of the first corpus, for the sentences that are ours."""
        return self.corpora[0].language if self.corpora else "en"


class AnswerMode(enum.StrEnum):
    """The rungs of the answer ladder, best first."""

    GENERATED = "generated"
    CACHED = "cached"
    CACHED_SEMANTIC = "cached_semantic"
    STALE = "stale"
    EXTRACTIVE = "extractive"
    PASSAGES = "passages"


# Rungs that write nothing: `original_mode` says which one did.
REPEATED = frozenset({AnswerMode.CACHED, AnswerMode.CACHED_SEMANTIC, AnswerMode.STALE})
OTHER_IDENTIFIER = "other_identifier"  # the code of the reason that no passage has what the question names


@dataclass(frozen=True)
class Reason:
    """Why an answer is what it is: a stable code for programs, a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Usage:
    """What the model read and wrote."""

    prompt_tokens: int
    answer_tokens: int
    context_truncated: bool = False


@dataclass(frozen=True)
class CacheReport:
    """Whether the answer came from a cache, how alike the question was (0..1), and how old the answer is."""

    hit: bool = False
    similarity: float | None = None
    age_seconds: float | None = None


@dataclass(frozen=True)
class Draft:
    """What one rung of the ladder made; empty text: it could not, and `reasons` says why."""

    mode: AnswerMode
    text: str = ""
    citations: tuple[Citation, ...] = ()
    reasons: tuple[Reason, ...] = ()
    model: str | None = None
    usage: Usage | None = None
    passages: tuple[Passage, ...] | None = None  # None: those that were found now
    has_spoken: bool = False  # of an empty draft: a text that is no answer was streamed, and can't be taken back
    cache: CacheReport = CacheReport()
    original_mode: AnswerMode | None = None  # of an answer given again: the rung that wrote it


@dataclass(frozen=True)
class Answer:
    """An answer, and all that a reader needs to judge it."""

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
    original_mode: AnswerMode | None = None  # of an answer given again: the rung that wrote it
    corrections: Mapping[str, str] = field(default_factory=dict)  # misspelled word -> the one that was searched

    @property
    def written_as(self) -> AnswerMode:
        """Return the rung that wrote the text, however it is given now."""
        return self.original_mode or self.mode


# What a stream tells, in this order: Meta, Found, Tokens with Heartbeats in between, Written if a model wrote, Done.
@dataclass(frozen=True, slots=True)
class Meta:
    """The first event: the answer's id, the rung that will be tried, and the corpora that are asked."""

    id: UUID
    mode: AnswerMode
    corpora: tuple[str, ...]
    original_mode: AnswerMode | None = None  # of an answer given again: the rung that wrote it


@dataclass(frozen=True, slots=True)
class Found:
    """What the answer will be made from."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the answer's text."""

    text: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing new; a moment to see whether the reader is still there."""


@dataclass(frozen=True, slots=True)
class Written:
    """The model has finished, and the reader has all of the text. What is left to do can wait for others."""


@dataclass(frozen=True, slots=True)
class Done:
    """The last event: the whole answer. It replaces what was streamed."""

    answer: Answer


T = TypeVar("T")
Writing = Generator[Token | Heartbeat, None, T]  # a stage that streams, and returns what it made
Event = Meta | Found | Token | Heartbeat | Written | Done
HEARTBEAT = Heartbeat()
WRITTEN = Written()
