"""Recognises text that is no answer: loops, echoes of question and prompt, nothing but punctuation. Pure: no Django.

A small model often falls into a loop ("the the the ..."), and a server lets it go on to its limit of tokens.
A loop is a run that ends where the text ends, in which one unit follows itself without a break. How often it must do so
depends on its length, so that refrains, rows of a table, laughter and long numbers are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from querying.output.link_filter import REMOVED
from querying.text.sentences import words_of

STEP_CHARS = 32  # the text is checked every so many characters
WINDOW_CHARS = 2400  # a loop must lie in the last so many: a unit has a third of them at most
KEY_CHARS = 12  # the end of the text, which a loop has said before
MAX_BLANK_CHARS = 400  # of nothing but white space; a table may be padded

_DROPPED = re.compile(r"\[\d{1,9}\]|^[ \t]*(?:\d{1,4}[.)]|[-*•–])(?=\s)", re.MULTILINE)
_SQUEEZED = re.compile(rf"{_DROPPED.pattern}|\s+", re.MULTILINE)
_CITATION = re.compile(r"\[\d{1,9}\]")
_LINK = re.compile(rf"(?:!\s?)?\[[^\]\n]{{0,300}}\]\s?\({REMOVED}[^)\n]{{0,300}}\)|{REMOVED}")
# What is left of "See [here](...)": words that only point at what was removed.
_POINTERS = frozenset(
    words_of(
        "see here click at the link this source image picture visit go to for more "
        "siehe hier klicken link quelle bild unter voir ici lien source image cliquez "
        "ver aquí enlace fuente imagen haga clic xem tại đây liên kết nguồn hình ảnh 见 这里 请看 点击 链接 来源 图片"
    )
)
_ECHO_WORDS = frozenset(words_of("question frage pregunta câu hỏi 问题 q"))
SHINGLE_WORDS = 5
ECHO_SHARE = 0.6  # of the shingles of an answer, found in what the model was told


@dataclass(frozen=True)
class Loop:
    """A loop: the places where the first instance of its unit begins, which may be valid text, and the second."""

    first: int
    second: int


class LoopWatch:
    """Finds loops in a stream. The result depends on the text only, and not on the pieces."""

    def __init__(self) -> None:
        self.loop: Loop | None = None
        self._window = ""
        self._before = 0  # characters before the window
        self._unread = 0  # at the end of the window

    def feed(self, text: str) -> None:
        """Add a piece of the stream."""
        while text and self.loop is None:
            taken = STEP_CHARS - self._unread
            piece, text = text[:taken], text[taken:]
            self._window += piece
            self._unread += len(piece)
            if self._unread == STEP_CHARS:
                self._look()

    def finish(self) -> None:
        """Check the end of the text."""
        if self.loop is None and self._unread:
            self._look()

    def _look(self) -> None:
        self._unread = 0
        if len(self._window) > WINDOW_CHARS + 1000:  # cut now and then, not every time
            cut = len(self._window) - WINDOW_CHARS
            self._window, self._before = self._window[cut:], self._before + cut
        found = _loop_in(self._window)
        if found is not None:
            self.loop = Loop(self._before + found.first, self._before + found.second)


def find_loop(text: str) -> Loop | None:
    """Return the first loop of a text, or None. 'So: ha ha ha' is none; 'So: ' + 'ha ' * 99 begins at 4 and at 7."""
    watch = LoopWatch()
    watch.feed(text)
    watch.finish()
    return watch.loop


def says_nothing(answer: str) -> bool:
    """Return whether nothing is left of an answer but punctuation, citations and places of removed links."""
    if REMOVED not in answer:
        return not any(map(str.isalnum, _CITATION.sub(" ", answer)))
    rest = _CITATION.sub(" ", _LINK.sub(" ", answer))
    return _POINTERS.issuperset(words_of(rest))


def echoes_question(answer: str, question: str) -> bool:
    """Return whether an answer only repeats the question.

    A statement with a citation is none: asked "25 days of leave?", "25 days of leave [1]." is an answer.
    """
    if _CITATION.search(answer) and not answer.rstrip().endswith(("?", "？")):
        return False
    asked, said = words_of(question), words_of(_CITATION.sub(" ", answer))
    while said and said[0] in _ECHO_WORDS and said != asked:
        said.pop(0)
    return bool(asked) and said == asked


def echoes_prompt(answer: str, told: Iterable[str]) -> bool:
    """Return whether an answer is mostly made of the rules that the model was given."""
    said = _shingles(answer)
    rules: set[tuple[str, ...]] = set().union(*map(_shingles_of_rules, told))
    return bool(said) and len(said & rules) >= ECHO_SHARE * len(said)


@lru_cache(maxsize=8)  # they are the same for every answer
def _shingles_of_rules(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(_shingles(text))


def _shingles(text: str) -> set[tuple[str, ...]]:
    words = words_of(text)
    return {tuple(words[at : at + SHINGLE_WORDS]) for at in range(len(words) - SHINGLE_WORDS + 1)}


def _loop_in(text: str) -> Loop | None:
    """Return the loop that the text ends with, or None."""
    if text[-MAX_BLANK_CHARS:].isspace() and len(text) >= MAX_BLANK_CHARS:
        return Loop(len(text.rstrip()), len(text.rstrip()))
    # Cheap, and true of every loop; most texts are let off here.
    if text.count(text[-KEY_CHARS // 2 :]) < 3:
        return None
    tail = text[-WINDOW_CHARS:]
    quick = " ".join(_DROPPED.sub("", tail).lower().split())  # what `_plain` returns, up to a character at the end
    if _run_at_end(f"{quick} " if tail[-1].isspace() else quick) is None:
        return None
    plain, origin = _plain(tail)
    found = _run_at_end(plain)
    if found is None:
        return None
    begin, unit = found
    # The full stop before a loop of sentences is as good as the one in it.
    begin += next((at for at in range(unit) if plain[begin + at].isalnum()), 0)
    skipped = len(text) - len(tail)
    return Loop(skipped + origin[begin], skipped + origin[begin + unit])


def _run_at_end(text: str) -> tuple[int, int] | None:
    """Return the beginning of the run at the end of the text, and the length of its unit; None: it is no loop."""
    key = text[-KEY_CHARS:]
    at = text.rfind(key, 0, len(text) - 1)
    while at >= 0 and len(key) == KEY_CHARS:
        unit = len(text) - len(key) - at
        if 3 * unit > len(text):
            return None
        if text[-3 * unit : -unit] == text[-2 * unit :]:  # the smallest: twice a unit is no unit of its own
            begin = len(text) - 3 * unit
            while begin > 0 and text[begin - 1] == text[begin - 1 + unit]:
                begin -= 1
            return (begin, unit) if len(text) - begin >= unit * _times(text[-unit:]) else None
        at = text.rfind(key, 0, at + len(key) - 1)
    return None


def _times(unit: str) -> int:
    """Return how often a unit must follow itself to be a loop. In bytes: a Chinese character says more than a letter.

    'the ' 20 times, a sentence of 50 letters 5 times, a paragraph 3 times.
    """
    size = len(unit.encode("utf-8", "replace"))
    if not any(map(str.isalpha, unit)):
        return max(10, -(-200 // size))  # rules, leaders, zeros, forms to be filled in
    if size < 20:
        times = 20 if size < 8 else 12
        return max(2 * times if "|" in unit else times, -(-60 // size))  # a cell of a table
    return 5 if size < 60 else 4 if size < 200 else 3


def _plain(text: str) -> tuple[str, list[int]]:
    """Return the text in the form that loops are searched in, and the place of each character in the original.

    Without case, citations, the numbers and bullets of a list, and with one blank for all white space: a model that
    counts its sentences, or cites another passage for each, says the same again.
    """
    plain: list[str] = []
    origin: list[int] = []

    def add(begin: int, end: int) -> None:
        if begin == end:
            return
        chunk = text[begin:end]
        lower = chunk.lower()
        plain.append(lower if len(lower) == len(chunk) else chunk)
        origin.extend(range(begin, end))

    begin = 0
    for match in _SQUEEZED.finditer(text):
        add(begin, match.start())
        begin = match.end()
        if match.group().isspace() and plain and not plain[-1].endswith(" "):
            plain.append(" ")
            origin.append(match.start())
    add(begin, len(text))
    return "".join(plain), origin
