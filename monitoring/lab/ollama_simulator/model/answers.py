"""Texts of the stand-in's answers: sentences from the given passages, an echo, or a script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest

# How a passage's number may stand at its beginning: `[3] ...`, `<passage number="3">`, `~~~~~~~~ passage 3`.
NUMBERED = (
    re.compile(r"^\S{8,80}[ \t]+passage[ \t]+(\d{1,3})[ \t]*$", re.MULTILINE),
    re.compile(r"^[ \t>#*-]*\[(\d{1,3})\]", re.MULTILINE),
    re.compile(r"<\w+\b[^>]*?\b(?:number|id|n|index|ref)\s*=\s*[\"']?(\d{1,3})[\"']?[^>]*>"),
)
QUESTION = re.compile(r"^(?:\S{8,80}[ \t]+|\W{0,6})question\b\W{0,4}", re.IGNORECASE | re.MULTILINE)
LABEL = re.compile(r"^(?:document|section|title|heading|source|file|page|text)[ \t]*:.*$", re.IGNORECASE | re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+|\n\s*\n")
FENCE = re.compile(r"</?[^<>\n]{1,200}>|^[-=`~]{3,}.*$|^\S{8,80}[ \t]+end[ \t]*$", re.MULTILINE)
SENTENCE_MAX_CHARS = 400  # longer ones are no sentences: their lines are taken for such
WORD = re.compile(r"\w+")
STOP_WORDS = """
    a an and are as at be by did do does for from had has have how in is it its of on or s that the their there these
    they this to was were what when where which who whom whose why will with you your
"""
SENTENCES_IN_ANSWER = 3
SHORTEST_CHARS = 20
NOTHING_FOUND = "The passages do not answer this question."
REPEATED_WORDS = 20_000  # a loop has no end of its own: more than any limit of tokens


@dataclass(frozen=True)
class Sentence:
    """A sentence of a numbered passage, with its likeness to the question."""

    number: int
    text: str
    shared_words: int


def extract_answer(texts: Sequence[str]) -> str:
    """Return an answer made of the prompt's own sentences, each with the `[n]` of its passage.

    `texts` are the messages, oldest first. Without numbered passages the best sentences come bare.
    """
    question = _question_in(texts)
    wanted = _words(question)
    found = [
        Sentence(number, sentence, len(wanted & _words(sentence)))
        for number, passage in _passages_in(texts)
        for sentence in _sentences(passage)
        if sentence != question
    ]
    best = sorted(found, key=lambda each: (-each.shared_words, len(each.text)))[:SENTENCES_IN_ANSWER]
    said = [each for each in best if each.shared_words > 0]
    return " ".join(f"{each.text} [{each.number}]" if each.number else each.text for each in said) or NOTHING_FOUND


def repeated_word(texts: Sequence[str]) -> str:
    """Return the beginning of a good answer, and then one word again and again."""
    return f"{extract_answer(texts)} {'the ' * REPEATED_WORDS}"


def _question_in(texts: Sequence[str]) -> str:
    """Return what is asked: what follows a line that begins with "Question", else the last paragraph."""
    last = texts[-1] if texts else ""
    labels = list(QUESTION.finditer(last))
    text = last[labels[-1].end() :] if labels else last.rstrip().rsplit("\n\n", 1)[-1]
    return FENCE.sub("\n\n", text).strip().split("\n\n")[0].strip()


def _passages_in(texts: Iterable[str]) -> Iterable[tuple[int, str]]:
    """Yield every numbered passage; all of a text that has none comes as number 0."""
    everything = list(texts)
    numbered = [passage for text in everything for passage in _numbered(text)]
    return numbered or [(0, text) for text in everything]


def _numbered(text: str) -> Iterable[tuple[int, str]]:
    marks = next((found for found in (list(form.finditer(text)) for form in NUMBERED) if found), [])
    for mark, following in zip_longest(marks, marks[1:]):
        if following is not None:
            yield int(mark[1]), text[mark.end() : following.start()]
        else:
            yield int(mark[1]), _without_question(text[mark.end() :])


def _without_question(passage: str) -> str:
    """Return the last passage without the question that may follow it."""
    labels = list(QUESTION.finditer(passage))
    return passage[: labels[-1].start()] if labels else passage


def _sentences(passage: str) -> Iterable[str]:
    text = LABEL.sub("", FENCE.sub("\n\n", passage))
    for part in SENTENCE_END.split(text):
        for sentence in [part] if len(part) <= SENTENCE_MAX_CHARS else part.splitlines():
            if len(sentence.strip()) > SHORTEST_CHARS:
                yield " ".join(sentence.split())


@cache
def _stop_words() -> frozenset[str]:
    return frozenset(STOP_WORDS.split())


def _words(text: str) -> frozenset[str]:
    """Return the words that carry meaning, plural or not."""
    return frozenset(word.rstrip("s") for word in WORD.findall(text.lower()) if word not in _stop_words())
