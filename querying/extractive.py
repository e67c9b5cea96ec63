"""Answers without a model: sentences of the passages that say most about the question, quoted. Pure: no Django."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from querying.output_filter import filter_answer
from querying.passage import FoundPassage
from querying.sentences import Span, sentences_of, words_of

MIN_SENTENCES, MAX_SENTENCES = 2, 4
MAX_SENTENCES_READ = 400  # of all passages; the best come first
PASSAGE_WEIGHT = 1.0  # how much the passage's own score counts beside the sentence's
KEEP_SHARE = 0.7  # of the best sentence's score, for a third and fourth
SAME_SHARE = 0.7  # of the words in common: the same thing said twice (overlapping passages do)
SHORT_WORDS = 5  # fewer: a heading or a fragment, not an answer
_MARKDOWN_START = re.compile(r"^(?:[#>*+-]+|\d{1,3}[.)])\s+")
_CODE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"#{1,6}\s")
_TABLE_ROW = re.compile(r"\|(.*)\|\s*")
_BRACKETED_NUMBER = re.compile(r"\s?[\[【]\s*\^?\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*[\]】]")


@dataclass(frozen=True)
class Quote:
    """One or more sentences of the passage with this number (from 1): `passage.text[start:end]`."""

    number: int
    start: int
    end: int


@dataclass(frozen=True)
class Quoted:
    """An answer of quotes, and where they are from, in its order."""

    text: str
    quotes: tuple[Quote, ...]


@dataclass(frozen=True)
class _Candidate:
    quote: Quote
    words: frozenset[str]
    score: float


def choose_sentences(question: str, passages: Sequence[FoundPassage]) -> tuple[Quote, ...]:
    """Return two to four sentences to answer from, in the order of their passages; fewer if there are no more.

    A sentence counts by the question's words in it, each weighted by how rare it is among all sentences, and by its
    passage's score. The same input gives the same sentences. Empty only if no passage holds any text.
    """
    candidates = sorted(_candidates(question, passages), key=lambda found: -found.score)
    chosen: list[_Candidate] = []
    for candidate in candidates:
        if len(chosen) >= MAX_SENTENCES:
            break
        if len(chosen) >= MIN_SENTENCES and candidate.score < KEEP_SHARE * chosen[0].score:
            break
        if not any(_say_the_same(candidate.words, other.words) for other in chosen):
            chosen.append(candidate)
    return tuple(sorted((found.quote for found in chosen), key=lambda quote: (quote.number, quote.start)))


def quoted_answer(question: str, passages: Sequence[FoundPassage]) -> Quoted:
    """Return an answer of quoted sentences with their [n], one paragraph per quote; empty if no passage holds text.

    'How many days?' -> '“Employees get 25 days of paid leave.” [1]'
    """
    quotes: list[Quote] = []
    for quote in choose_sentences(question, passages):
        last = quotes[-1] if quotes else quote
        between = passages[quote.number - 1].text[last.end : quote.start]
        if quotes and last.number == quote.number and not between.strip():
            quotes[-1] = Quote(quote.number, last.start, quote.end)
        else:
            quotes.append(quote)
    said = [(quote, _as_plain_text(passages[quote.number - 1].text[quote.start : quote.end])) for quote in quotes]
    said = [(quote, text) for quote, text in said if text]
    return Quoted("\n\n".join(f"“{text}” [{quote.number}]" for quote, text in said), tuple(quote for quote, _ in said))


def _candidates(question: str, passages: Sequence[FoundPassage]) -> list[_Candidate]:
    best = max((passage.score for passage in passages), default=0.0)
    found: list[tuple[Quote, list[str], float, set[str]]] = []
    for number, passage in enumerate(passages, start=1):
        share = passage.score / best if best > 0 else 1.0
        about = set(words_of(f"{passage.document_title} {passage.heading}"))
        for span in _readable(passage.text):
            words = words_of(passage.text[span.start : span.end])
            found.append((Quote(number, span.start, span.end), words, share, about))
        if len(found) >= MAX_SENTENCES_READ:
            break
    weights = _weights(words_of(question), [words for _, words, _, _ in found])
    return [
        _Candidate(quote, frozenset(words), _score(words, about, weights) + PASSAGE_WEIGHT * share)
        for quote, words, share, about in found
    ]


def _readable(text: str) -> list[Span]:
    """Return the sentences that hold a word; headings and code are none, unless there is nothing else."""
    spans = [span for span in sentences_of(text) if any(char.isalnum() for char in text[span.start : span.end])]
    code = [match.span() for match in _CODE.finditer(text)]
    prose = [
        span
        for span in spans
        if not _HEADING.match(text, span.start) and not any(begin <= span.start < end for begin, end in code)
    ]
    return prose or spans


def _weights(asked: list[str], sentences: Sequence[list[str]]) -> dict[str, float]:
    """Return the question's words with their share of its weight: rare ones among the sentences have more."""
    seen = Counter(word for words in sentences for word in set(words))
    rarity = {word: math.log(1 + len(sentences) / (1 + seen[word])) for word in set(asked) if seen[word]}
    total = sum(rarity.values())
    return {word: weight / total for word, weight in rarity.items()} if total else {}


def _score(words: Sequence[str], about: set[str], weights: dict[str, float]) -> float:
    """Return how much of the question's weight a sentence covers, 0..1; a word of its title or heading counts half."""
    own = set(words)
    covered = sum(weight for word, weight in weights.items() if word in own)
    implied = sum(weight for word, weight in weights.items() if word not in own and word in about)
    return (covered + implied / 2) * min(1.0, len(words) / SHORT_WORDS)


def _say_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) > SAME_SHARE * min(len(one), len(other))


def _as_plain_text(sentence: str) -> str:
    """Return a sentence on one line, without markdown's signs, footnotes and links."""
    plain = _MARKDOWN_START.sub("", " ".join(sentence.split()))
    row = _TABLE_ROW.fullmatch(plain)
    if row is not None:
        plain = " · ".join(cell.strip() for cell in row.group(1).split("|") if cell.strip())
    return filter_answer(_BRACKETED_NUMBER.sub("", plain).replace("**", "").replace("`", "")).strip()
