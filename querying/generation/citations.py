"""Reads the citations `[n]` of an answer, and finds the sentence of the passage that supports each. Pure: no Django."""

from __future__ import annotations

import math
import re
import string
from bisect import bisect_right
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from documents.text.headings import Heading, find_headings
from querying.extractive.quotable import quotables_of
from querying.passages import Passage
from querying.text.code_spans import Place
from querying.text.sentences import Span, sentences_of, words_of

MAX_BRACKET_CHARS = 64  # a longer bracket is text
MOST_CITATIONS = 500  # of an answer; more are the output of a model that doesn't stop
MAX_RANGE = 20  # [1-99] is not 99 citations
_OPEN, _CLOSE = "[【", {"[": "]", "【": "】"}
_BRACKET = re.compile(f"[{re.escape(_OPEN)}]")
_IN_BRACKET = re.compile(r"[^\[\]【】\n]+")
# What models write: [1], [1, 2], [1-3], 【1】, 【1†lines 3-5】, [Passage 1], [^1]
_INSIDE = re.compile(
    r"\s*\^?(?:(?:passages?|sources?|documents?|docs?|refs?)\s*)?#?"
    r"(\d{1,9}(?:\s*(?:[,;&–-]|and)\s*\d{1,9})*)\s*(?:†.*)?",
    re.IGNORECASE,
)
_PART = re.compile(r"(\d+)(?:\s*[–-]\s*(\d+))?")
CITATION = re.compile(r"(?<![A-Za-z_])\[(\d{1,9})\]")  # as this module writes them; `map[7]` is none
_PLAIN = re.compile(r"\[\s*\d+(?:\s*,\s*\d+)*\s*")
_LETTERS = string.ascii_letters + "_"
CLAIM_MIN_CHARS = 12  # less between two citations is no claim of its own: "[1] and [2]"
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)


@dataclass(frozen=True)
class Citation:
    """The source of one claim or quote of an answer; `quote` is `start:end` of the document's text."""

    number: int
    document_id: UUID
    document_title: str
    document_source: str
    chunk_id: int
    heading: str  # the headings above the quote: 'Pay > Holidays'
    page: int | None  # that the quote starts on
    start: int
    end: int
    quote: str


class CitationFilter:
    """Rewrites the citations of a stream as [1][2], and drops those that point to no given passage.

    Not in code, nor where an unknown number is glued to an identifier: `map[7]` is an index then. A known one is a
    citation there, too, and gets a space: "days[1]" -> "days [1]".

    Holds back only a bracket that isn't finished, and the space before it. Whatever the pieces are that it is fed,
    the output put together is the same.
    """

    def __init__(self, given: Container[int]) -> None:
        self._given = given  # numbers of the passages that the model has seen
        self._held = ""  # " ", or from the first bracket that isn't closed yet, with the space before it
        self._place = Place()  # of what has left

    def feed(self, text: str) -> str:
        """Add a piece of the stream; return the text that can be released now. Takes time linear in the text."""
        if not self._held and _BRACKET.search(text) is None and not text.endswith(" "):
            return self._let_out(text)
        said: list[str] = []
        at, end = 0, len(text)
        while at < end:
            if self._held and self._held != " ":
                at = self._go_on(text, at, said)
                continue
            # Up to a bracket, only the space that may stand before one is held back.
            found = _BRACKET.search(text, at)
            place = end if found is None else found.start()
            plain = self._held + text[at:place]
            self._held = " " if plain.endswith(" ") else ""
            said.append(self._let_out(plain[: len(plain) - len(self._held)]))
            if found is not None:
                self._held += found.group()
            at = place + 1
        return "".join(said)

    def _go_on(self, text: str, at: int, said: list[str]) -> int:
        """Read on while a bracket is open; return the place behind what was read."""
        run = _IN_BRACKET.match(text, at)
        if run is None:
            said.append(self._take(text[at]))
            return at + 1
        room = MAX_BRACKET_CHARS - len(self._held)
        if len(run.group()) <= room:
            self._held += run.group()
            return run.end()
        at += max(room, 0) + 1
        said.append(self._release(text[run.start() : at]))
        return at

    def finish(self) -> str:
        """Return the held text at the end of the stream."""
        return self._release()

    def _take(self, char: str) -> str:
        if char in _OPEN:
            if len(self._held) < MAX_BRACKET_CHARS:
                return self._hold(char)
            # Brackets in brackets without end. The space: what follows must not make a citation of what leaves here.
            released = self._release(" " if self._held[-1].isalnum() else "")
            self._held = char
            return released
        begin = max(map(self._held.rfind, _OPEN))
        if begin < 0:
            return self._release() + (self._hold(char) if char == " " else self._let_out(char))
        if char == _CLOSE[self._held[begin]]:
            return self._closed(begin, char)
        if char in "\n]】" or len(self._held) >= MAX_BRACKET_CHARS:
            return self._release(char)
        return self._hold(char)

    def _hold(self, char: str) -> str:
        self._held += char
        return ""

    def _release(self, char: str = "") -> str:
        held, self._held = self._held, ""
        return self._let_out(held + char)

    def _let_out(self, text: str) -> str:
        self._place.move(text)
        return text

    def _closed(self, begin: int, char: str) -> str:
        found = _INSIDE.fullmatch(self._held, begin + 1)
        before, bracket = self._held[:begin], self._held[begin:]
        if found is None:
            return self._release(char)
        line, is_code = self._place.behind(before)
        if is_code:
            return self._release(char)
        numbers = [number for number in _numbers(found.group(1)) if number in self._given]
        if numbers:
            self._held = before
            space = " " if line.endswith(tuple(_LETTERS)) else ""
            return self._release(space + "".join(f"[{number}]" for number in numbers))
        if _PLAIN.fullmatch(bracket) and _ends_in_identifier(line):
            return self._release(char)
        # Dropped with its space. What is held before it stays held, or "[9[8]]" would leave a "[9]".
        self._held = before.removesuffix(" ")
        return ""


def _ends_in_identifier(line: str) -> bool:
    """Return whether a line ends in an identifier of a program without a digit at its end: map, not 2x or één."""
    rest = line.rstrip(_LETTERS + string.digits)
    name = line[len(rest) :]
    return bool(name) and not name[0].isdigit() and not name[-1].isdigit() and not rest[-1:].isalnum()


def keep_known_citations(text: str, given: Container[int]) -> str:
    """Return the text with its citations as [1][2], without those of other numbers than the `given` ones."""
    citations = CitationFilter(given)
    return citations.feed(text) + citations.finish()


def _numbers(listed: str) -> list[int]:
    """Return the numbers of '1, 3-5': [1, 3, 4, 5], each once."""
    found: dict[int, None] = {}
    for first, last in _PART.findall(listed):
        begin, end = int(first), int(last or first)
        numbers = range(begin, end + 1) if 0 <= end - begin < MAX_RANGE else (begin, end)
        found.update(dict.fromkeys(numbers))
    return list(found)


def citations_of(answer: str, passages: Sequence[Passage]) -> tuple[Citation, ...]:
    """Return a citation for each [n] of an answer, in its order; none for those in code, or of no passage.

    The quote is the passage's sentence that shares most words with what the [n] stands behind.
    """
    parts: dict[int, list[_Part]] = {}  # of each passage, read once: an answer may cite it in every sentence
    known: dict[tuple[int, str], Citation] = {}  # a model that loops cites the same for the same again and again
    found: list[Citation] = []
    for number, claim in _claims(answer):
        if 1 <= number <= len(passages):
            passage, key = passages[number - 1], (number, claim)
            if key not in known:
                if number not in parts:
                    parts[number] = _parts_of(passage.text)
                known[key] = citation_of(number, passage, _best(parts[number], passage.text, claim))
            found.append(known[key])
            if len(found) == MOST_CITATIONS:
                break
    return tuple(found)


def _claims(answer: str) -> Iterator[tuple[int, str]]:
    """Yield the number of each citation with its claim: its sentence, from the citation before it on."""
    shown = _CODE.sub(lambda code: " " * len(code.group()), answer)
    for span in sentences_of(answer):
        begin, claim = span.start, ""
        for cited in CITATION.finditer(shown, span.start, span.end):
            behind = answer[begin : cited.start()]
            if sum(map(str.isalnum, behind)) >= CLAIM_MIN_CHARS:
                claim = behind
            begin = cited.end()
            yield int(cited.group(1)), claim or CITATION.sub(" ", answer[span.start : span.end])


def citation_of(number: int, passage: Passage, span: Span) -> Citation:
    """Return the citation that quotes this part of a passage's text."""
    page, heading = page_and_heading_at(passage, span.start)
    return Citation(
        number=number,
        document_id=passage.document_id,
        document_title=passage.document_title,
        document_source=passage.document_source,
        chunk_id=passage.chunk_id,
        heading=heading,
        page=page,
        start=passage.start + span.start,
        end=passage.start + span.end,
        quote=passage.text[span.start : span.end],
    )


def page_and_heading_at(passage: Passage, offset: int) -> tuple[int | None, str]:
    """Return the page of a place in a passage, and the headings above it: a passage may span several of both.

    Of a passage that was stored before its borders were noted: its first page, and the headings that its text has.
    """
    if passage.borders is None:
        return passage.page, _heading_at(passage, offset)
    before = bisect_right(passage.borders, offset, key=attrgetter("offset"))
    if not before:
        return passage.page, passage.heading
    _, page, heading = passage.borders[before - 1]
    return page, heading


def _heading_at(passage: Passage, offset: int) -> str:
    """Return the headings above a place of a passage, as far as its own text and its first heading tell."""
    path = passage.heading.split(" > ") if passage.heading else []
    above = find_headings(passage.text[: offset + 1]) if path else []
    if not above:
        return passage.heading
    open_headings: list[Heading] = []
    for heading in above:
        open_headings = [each for each in open_headings if each.level < heading.level] + [heading]
    first = above[0].text
    outer = path[: path.index(first)] if first in path else path
    return " > ".join([*outer, *(each.text for each in open_headings if each.text)])


def best_sentence(text: str, claim: str) -> Span:
    """Return the sentence of `text` that shares most words with `claim`; the first of equals, the whole if none is.

    No heading, unless there is nothing else.
    """
    return _best(_parts_of(text), text, claim)


class _Part(NamedTuple):
    span: Span
    words: frozenset[str]


def _parts_of(text: str) -> list[_Part]:
    return [
        _Part(Span(each.start, each.end), frozenset(words_of(text[each.start : each.end])))
        for each in quotables_of(text)
    ]


def _best(parts: Sequence[_Part], text: str, claim: str) -> Span:
    if not parts:
        return Span(0, len(text))
    wanted = set(words_of(claim))
    # By the root of the length: a long sentence shares words by chance, a heading of one word proves little.
    return max(parts, key=lambda part: len(part.words & wanted) / math.sqrt(max(len(part.words), 4))).span
