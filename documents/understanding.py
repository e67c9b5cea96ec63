"""A question's words as the corpus writes them: misspelled ones corrected, joined and split where the corpus does so.

Only words that the corpus doesn't have are touched, so a question of known words costs one statement, as it always did.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from documents.dictionary import is_word
from documents.joining import (
    COMPOUND_PART_MIN_CHARS,
    LINKS,
    border_parts,
    joins_of,
    language_of,
    possible_parts,
    rest_of,
    split,
)
from documents.lexicon import Corrected, QuestionTerm, ReadQuestion, read_words
from documents.models import Corpus
from documents.spelling import Span, closest, mistakes_allowed, nearest, sounds_like, span_of
from documents.synonyms import synonyms_of
from documents.vocabulary import Known, known_among, words_within
from documents.wording import LEARNT_MAX_CHARS, fold, prepare_question

UNKNOWN_MAX = 8  # a question with more words that the corpus doesn't have is in another language
SPLIT_MIN_CHARS = 7
NAME_MIN_CHARS = 5  # of a real word that may yet be another spelling of a name: Meier, Maier
HEAD_MIN_CHARS = 5  # of a word that compounds are looked for with
COMPOUNDS_MAX = 6  # with one unknown word
CORRECTED_FACTOR = 0.9  # what a corrected word weighs
OTHER_FACTOR = 0.8  # another word for one of the question
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")


@dataclass
class _Changes:
    """What is found out about a question's words."""

    instead: dict[str, tuple[str, ...]] = field(default_factory=dict)  # unknown word -> what is searched in its place
    corrected: dict[str, str] = field(default_factory=dict)
    others: dict[str, set[str]] = field(default_factory=dict)  # word of the question -> other words for it

    def add_other(self, word: str, other: str) -> None:
        self.others.setdefault(word, set()).add(other)


def understand(corpus: Corpus, question: str) -> ReadQuestion:
    """Return the words of a question with their frequencies, each in the form that the corpus has."""
    prepared = prepare_question(question, corpus.language)
    words = prepared.text.split()
    joins = joins_of(words, corpus.language)
    read, joined = read_words(corpus, words, folded=prepared.folded, joined=[join.word for join in joins])
    if sum(term.count for term in read.terms) != len(words):
        return read  # Postgres cut a word in two: then places and words don't belong together
    unknown = _unknown(read)
    if not unknown and not joined:
        return read
    changes = _Changes()
    content = {place for term in read.terms if term.is_content for place in term.places}
    for join in joins:
        # "a part" is not apart; but an "A 4" is an A4.
        if join.word in joined and ({join.first + 1, join.first + 2} <= content or not join.word.isalpha()):
            for word in words[join.first : join.first + 2]:
                changes.add_other(word, join.word)
    if len(unknown) <= UNKNOWN_MAX:
        _look_up(corpus, read, unknown, _in_capitals(question), changes)
    return _changed(corpus, read, changes) if changes.instead or changes.others else read


def _in_capitals(question: str) -> frozenset[str]:
    """Return the words of a question that are written in capitals as names are, in lower case."""
    return frozenset() if question.isupper() else frozenset(word.lower() for word in _CAPITALS.findall(question))


def _unknown(read: ReadQuestion) -> list[str]:
    """Return the words that mean something and that the corpus doesn't have."""
    places = {place for term in read.terms if term.is_content and not term.frequency for place in term.places}
    return list(dict.fromkeys(word for place, word in enumerate(read.words, start=1) if place in places))


def _look_up(
    corpus: Corpus, read: ReadQuestion, unknown: Sequence[str], names: Collection[str], changes: _Changes
) -> None:
    language = corpus.language
    asked = [word for word in unknown if len(word) <= LEARNT_MAX_CHARS and word not in changes.others]
    plain = [word for word in asked if word.isalpha()]
    parts = {word: _parts(word, language) for word in asked}
    doubtful = [
        word for word in plain if word not in names and (len(word) >= NAME_MIN_CHARS or not is_word(word, language))
    ]
    near, compounds = _look_alike(corpus, doubtful, [word for word in plain if len(word) >= HEAD_MIN_CHARS])
    near = {word: _that_may_be(word, each, language) for word, each in near.items()}
    same = {word: synonyms_of(word, language) for word in asked}
    wanted = {
        each for found in (*same.values(), *parts.values(), *near.values(), *compounds.values()) for each in found
    }
    known = known_among(corpus, wanted, folded=read.folded) if wanted else {}
    for word in asked:
        others = {each for each in same[word] if each in known}
        if others:
            changes.others.setdefault(word, set()).update(others)
            continue
        if not word.isalpha():
            pieces = border_parts(word)
            if all(piece in known or piece in read.words for piece in pieces) and len(pieces) > 1:
                changes.instead[word] = tuple(pieces)
            continue
        _decide(word, near.get(word, ()), compounds.get(word, ()), known, language, changes)


def _that_may_be(word: str, candidates: list[str], language: str) -> list[str]:
    """Return which words a word may have been meant as: a real one is right, unless a name sounds just like it."""
    if is_word(word, language):
        return [each for each in candidates if sounds_like(fold(word), fold(each)) and not is_word(each, language)]
    return candidates


def _parts(word: str, language: str) -> set[str]:
    if not word.isalpha():
        return set(border_parts(word))
    return possible_parts(word, language) if len(word) >= SPLIT_MIN_CHARS else set()


def _look_alike(
    corpus: Corpus, misspelled: Sequence[str], heads: Sequence[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the words of the corpus that the first ones may be misspellings of, and those the others are a part of."""
    heads = heads if language_of(corpus.language) in LINKS else ()
    spans = [span_of(fold(word)) for word in misspelled]
    spans += [Span(fold(word), fold(word), len(word) + COMPOUND_PART_MIN_CHARS, LEARNT_MAX_CHARS) for word in heads]
    found = words_within(corpus, spans) if spans else []
    near: dict[str, list[str]] = {}
    for word, each in zip(misspelled, found, strict=False):
        written = {one.folded: one.word for one in each}
        near[word] = [written[one] for one in closest(fold(word), written)]
    compounds: dict[str, list[str]] = {}
    for word, each in zip(heads, found[len(misspelled) :], strict=True):
        # The end of a compound says what it is.
        ordered = sorted((one.word for one in each), key=lambda one: (not fold(one).endswith(fold(word)), len(one)))
        compounds[word] = [
            one
            for one in ordered
            if any(is_word(rest, corpus.language) for rest in rest_of(one, word, corpus.language))
        ][:COMPOUNDS_MAX]
    return near, compounds


def _decide(
    word: str,
    near: Iterable[str],
    compounds: Iterable[str],
    known: Mapping[str, Known],
    language: str,
    changes: _Changes,
) -> None:
    """Note what to search for an unknown word: the first of what follows that there is."""
    candidates = {fold(each): each for each in near if each in known and known[each].is_content}
    chunks = {folded: known[each].chunks for folded, each in candidates.items()}
    meant = nearest(fold(word), chunks, at_most=1)
    if meant is None:
        content = {part for part, each in known.items() if each.is_content}
        parts = split(word, content, language) if len(word) >= SPLIT_MIN_CHARS else ()
        if parts:
            changes.instead[word] = parts
            return
        found = [each for each in compounds if each in known]
        if found:
            changes.others.setdefault(word, set()).update(found)
            return
        meant = nearest(fold(word), chunks, at_most=mistakes_allowed(word))
    if meant is not None:
        changes.instead[word] = (candidates[meant],)
        changes.corrected[word] = candidates[meant]


def _changed(corpus: Corpus, read: ReadQuestion, changes: _Changes) -> ReadQuestion:
    """Return the question with its words changed, all of them with their frequencies."""
    words: list[str] = []
    for word in read.words:
        parts = changes.instead.get(word, (word,))
        words += _without_repeating(words, [fold(part) for part in parts] if read.folded else parts)
    changed = read
    if changes.instead:
        changed = read_words(corpus, words, folded=read.folded)[0]
    extra = sorted({each for others in changes.others.values() for each in others})
    found = read_words(corpus, extra, folded=read.folded)[0] if extra else None
    others = [term for term in found.terms if term.frequency] if found else []
    keys = {word: term.match_terms for word, term in _by_word(extra, others).items()}
    lexemes = {term.lexeme for term in changed.terms}
    of_word = _by_word(words, changed.terms)
    if read.folded:
        of_word |= {meant: of_word[fold(meant)] for meant in changes.corrected.values() if fold(meant) in of_word}
    also: dict[str, tuple[int, ...]] = {}
    for word, alike in changes.others.items():
        if term := of_word.get(word):
            new = tuple(key for each in sorted(alike) for key in keys.get(each, ()))
            also[term.lexeme] = also.get(term.lexeme, ()) + new
    sure = {of_word[meant].lexeme: CORRECTED_FACTOR for meant in changes.corrected.values() if meant in of_word}
    terms = tuple(
        replace(term, also=also.get(term.lexeme, ()), factor=sure.get(term.lexeme, 1.0)) for term in changed.terms
    )
    corrected = tuple(
        Corrected(typed, meant, of_word[meant].match_terms)
        for typed, meant in changes.corrected.items()
        if meant in of_word
    )
    return ReadQuestion(
        tuple(words),
        terms,
        read.folded,
        tuple(replace(term, factor=OTHER_FACTOR) for term in others if term.lexeme not in lexemes),
        corrected,
    )


def _by_word(words: Sequence[str], terms: Iterable[QuestionTerm]) -> dict[str, QuestionTerm]:
    return {words[place - 1]: term for term in terms for place in term.places if place <= len(words)}


def _without_repeating(before: Sequence[str], parts: Collection[str]) -> Collection[str]:
    """Return the parts, or nothing where they stand there already: E-1042 is e, 1042 and e1042."""
    return () if len(parts) > 1 and list(before[-len(parts) :]) == list(parts) else parts
