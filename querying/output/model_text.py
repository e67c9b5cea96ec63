"""Filters the text of a model as it is streamed, and decides when to stop the model. Pure: no Django."""

from __future__ import annotations

import enum
from collections.abc import Container

from querying.generation.citations import CITATION
from querying.generation.not_found import MarkFilter, says_not_found
from querying.output.degenerate import LoopWatch
from querying.output.link_filter import AnswerFilter
from querying.output.thinking import ThoughtFilter
from querying.text.sentences import sentences_of

CHARS_PER_TOKEN = 8  # no usual tokenizer's tokens are so long on average
SLACK_CHARS = 2000
MOST_CHARS = 40_000  # however many tokens it may write: what comes behind its end must be read in no time, too
ENDS_SENTENCE = tuple(".!?…。！？।。”\"')]")


class Stop(enum.Enum):
    """The reason to stop the model."""

    TURN = "turn"  # it has ended its turn, and goes on in another role
    LOOP = "loop"
    TOO_LONG = "too_long"  # longer than its limit of tokens allows: the server doesn't keep to it
    NOT_FOUND = "not_found"
    ECHO = "echo"  # it repeats its prompt


class ModelText:
    """The filters of a model's text: thoughts, the mark of "not found", citations, links, loops, in this order.

    Thoughts without an opening mark may be released before they are recognised: then `text` starts again, and
    `has_retracted` is true.
    """

    def __init__(
        self, given: Container[int], *, answer_tokens: int, prompt_mark: str, expects_thoughts: bool = False
    ) -> None:
        self.stop: Stop | None = None
        self._given = given
        self._prompt_mark = prompt_mark
        self._chars_left = min(CHARS_PER_TOKEN * answer_tokens + SLACK_CHARS, MOST_CHARS)
        self._thoughts = ThoughtFilter(expects_thoughts=expects_thoughts)
        self._retractions = 0
        self._begin()

    def _begin(self) -> None:
        self._marks, self._answer, self._loops = MarkFilter(), AnswerFilter(self._given), LoopWatch()
        self._text = ""

    @property
    def text(self) -> str:
        """Return the released text; of a loop, its first instance only."""
        loop = self._loops.loop
        return (self._text if loop is None else self._text[: loop.second]).strip()

    @property
    def whole_sentences(self) -> str:
        """Return the text up to the end of its last whole sentence."""
        loop = self._loops.loop
        ends = [len(self._text)] if loop is None else [loop.first, loop.second]
        return max((_whole_sentences(self._text[:end].strip()) for end in ends), key=len)

    @property
    def is_not_found(self) -> bool:
        """Return whether the model says that the passages hold no answer."""
        is_marked = self.stop is Stop.NOT_FOUND or (self._marks.has_mark and not CITATION.search(self.text))
        return is_marked or says_not_found(self.text)

    @property
    def has_retracted(self) -> bool:
        """Return whether thoughts were released as the answer before their closing mark came."""
        return self._retractions > 0

    def feed(self, piece: str) -> str:
        """Add a piece of the stream; return the text that can be released now, none after a reason to stop."""
        if self.stop is not None:
            return ""
        piece, is_all = piece[: self._chars_left], len(piece) <= self._chars_left
        self._chars_left -= len(piece)
        said = self._say(self._thoughts.feed(piece))
        if self.stop is None and self._thoughts.is_over:
            self.stop = Stop.TURN
        elif self.stop is None and not is_all:
            self.stop = Stop.TOO_LONG
        return said

    def finish(self) -> str:
        """Return the held text at the end of the stream."""
        if self.stop in {Stop.LOOP, Stop.NOT_FOUND, Stop.ECHO}:
            return ""
        said = self._say(self._thoughts.finish())
        said += self._pass_on(self._marks.finish()) + self._record(self._answer.finish())
        self._loops.finish()
        self._look()
        return said

    def _say(self, text: str) -> str:
        if self._thoughts.retractions != self._retractions:
            self._retractions = self._thoughts.retractions
            self._begin()
        said = self._pass_on(self._marks.feed(text))
        if self._marks.is_refusal:
            self.stop = Stop.NOT_FOUND
        return said

    def _pass_on(self, text: str) -> str:
        return self._record(self._answer.feed(text))

    def _record(self, text: str) -> str:
        if not text:
            return ""
        before = len(self._text)
        self._text += text
        self._loops.feed(text)
        self._look(len(text))
        return text if self.stop is None else self._text[before:]

    def _look(self, new_chars: int = 0) -> None:
        if self._loops.loop is not None:
            self.stop = Stop.LOOP
        elif (
            at := self._text.find(self._prompt_mark, max(0, len(self._text) - new_chars - len(self._prompt_mark)))
        ) >= 0:
            self.stop, self._text = Stop.ECHO, self._text[:at]


def _whole_sentences(text: str) -> str:
    spans = sentences_of(text)
    if spans and not text[: spans[-1].end].endswith(ENDS_SENTENCE):
        spans.pop()
    return text[: spans[-1].end] if spans else ""
