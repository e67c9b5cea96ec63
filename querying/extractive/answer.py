"""Writes extractive answers: quotes the sentences that most likely answer the question. Pure: no Django."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from documents.text.invisible_characters import visible
from querying.extractive.quotable import FOOTNOTE_INSIDE
from querying.extractive.relevance import ScoredQuotable, score_sentences
from querying.passages import Passage
from querying.questions.asking_part import parts_of
from querying.text.inert import inert
from querying.text.sentences import sentences_of

Style = Literal["short", "full"]
STYLES: tuple[Style, ...] = ("short", "full")
MAX_SENTENCES = {"short": 4, "full": 10}
# The minimal probability of a further sentence, per hundred characters of its length.
LIKELY_PER_100_CHARS = {"short": 0.049, "full": 0.012}
LIKELY_OF_A_PART = 0.1  # the best sentence for one part of the question
LIKELY_AT_LEAST = {"short": 0.035, "full": 0.005}  # however short the sentence is
WHOLE_SHARE = 0.3  # of the whole question's score, beside that of one part
SAME_SHARE = 0.85  # of the words in common: the same thing said twice (overlapping passages do)


@dataclass(frozen=True)
class Quote:
    """One or more sentences of the passage with this number (from 1): `passage.text[start:end]`."""

    number: int
    start: int
    end: int


@dataclass(frozen=True)
class QuotedAnswer:
    """The text of an extractive answer, and its quotes in their order."""

    text: str
    quotes: tuple[Quote, ...]


def choose_sentences(
    question: str,
    passages: Sequence[Passage],
    style: Style = "short",
    *,
    alike: Mapping[str, Iterable[str]] | None = None,
) -> tuple[Quote, ...]:
    """Return the sentences to quote, the likeliest first: one, and more if the answer may be in another one.

    A question of several parts gets the likeliest for each of them first. `alike`: other words for the question's.
    The same input gives the same sentences. Empty only if no passage holds any text.
    """
    return tuple(Quote(each.number, each.start, each.end) for each in _chosen(question, passages, style, alike or {}))


def quoted_answer(
    question: str,
    passages: Sequence[Passage],
    style: Style = "short",
    *,
    alike: Mapping[str, Iterable[str]] | None = None,
) -> QuotedAnswer:
    """Return an answer of quoted sentences with their [n], one paragraph per quote; empty if no passage holds text.

    What stands between the quotation marks are the document's characters, on one line; a row of a table comes with its
    table's header before it. 'How many days?' -> '“Employees get 25 days of paid leave.” [1]'
    """
    quotes: list[Quote] = []
    headers: list[str] = []
    for each in _chosen(question, passages, style, alike or {}):
        text = passages[each.number - 1].text
        for place, quote in enumerate(quotes):
            if quote.number == each.number and not text[quote.end : each.start].strip() and quote.end <= each.start:
                quotes[place] = Quote(quote.number, quote.start, each.end)  # it goes on with the next sentence
                break
        else:
            quotes.append(Quote(each.number, each.start, each.end))
            headers.append(each.columns)
    paragraphs = []
    for quote, header in zip(quotes, headers, strict=True):
        said = as_one_line(passages[quote.number - 1].text[quote.start : quote.end])
        before = f"{inert(as_one_line(header))}: " if header else ""
        paragraphs.append(f"{before}“{inert(said)}” [{quote.number}]")
    return QuotedAnswer("\n\n".join(paragraphs), tuple(quotes))


def first_sentence(quoted: QuotedAnswer, passages: Sequence[Passage]) -> str:
    """Return the first sentence that an answer quotes, as the document has it; empty if it quotes none."""
    if not quoted.quotes:
        return ""
    quote = quoted.quotes[0]
    text = passages[quote.number - 1].text[quote.start : quote.end]
    span = sentences_of(text)[0]
    return text[span.start : span.end]


def as_one_line(text: str) -> str:
    """Return a quote on one line, without invisible characters and footnote numbers."""
    return " ".join(visible(FOOTNOTE_INSIDE.sub("", text).replace("\x03", " ")).split())


def _chosen(
    question: str, passages: Sequence[Passage], style: Style, alike: Mapping[str, Iterable[str]]
) -> list[ScoredQuotable]:
    scored = score_sentences(question, passages, alike)
    ranked = _ranked(scored)
    if not ranked:
        return []
    chosen: list[ScoredQuotable] = []
    for part in parts_of(question):
        # A part alone may be incomplete ("and when?"), so the whole question counts, too.
        best, likely = _ranked(_both(score_sentences(part, passages, alike), scored))[0]
        if likely >= LIKELY_OF_A_PART and not any(_overlap(best, other) for other in chosen):
            chosen.append(best)
    chosen = chosen or [ranked[0][0]]
    for each, likely in ranked:
        if len(chosen) >= MAX_SENTENCES[style]:
            break
        cost = LIKELY_PER_100_CHARS[style] * (each.end - each.start) / 100
        if likely >= max(LIKELY_AT_LEAST[style], cost) and not any(_overlap(each, other) for other in chosen):
            chosen.append(each)
    return chosen


def _ranked(scored: Sequence[ScoredQuotable]) -> list[tuple[ScoredQuotable, float]]:
    """Return the sentences with their probabilities (0..1) of being the answer, likeliest first.

    `score` is a log-odds that was fitted so.
    """
    ranked = sorted(scored, key=lambda each: -each.score)
    odds = [math.exp(each.score - ranked[0].score) for each in ranked]
    total = sum(odds)
    return [(each, one / total) for each, one in zip(ranked, odds, strict=True)]


def _both(of_part: Sequence[ScoredQuotable], of_whole: Sequence[ScoredQuotable]) -> list[ScoredQuotable]:
    return [
        replace(one, score=one.score + WHOLE_SHARE * whole.score) for one, whole in zip(of_part, of_whole, strict=True)
    ]


def _overlap(one: ScoredQuotable, other: ScoredQuotable) -> bool:
    """Return whether two sentences overlap in the text, or share most of their words."""
    if one.number == other.number and one.start < other.end and other.start < one.end:
        return True
    return len(one.words & other.words) > SAME_SHARE * min(len(one.words), len(other.words))
