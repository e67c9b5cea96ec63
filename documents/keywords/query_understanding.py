"""Rewrites a question's words as the corpus writes them: corrects, joins and splits them, and adds synonyms.

So a question finds passages that use other words for the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from documents.keywords.abbreviations import abbreviations_for
from documents.keywords.query_expansion import by_word, others_for, with_others
from documents.keywords.synonyms import Others
from documents.keywords.terms import Alike, Corrected, ReadQuestion, read_words
from documents.keywords.tokenization import fold, prepare_question
from documents.keywords.unknown_words import Changes, look_up, unknown_words
from documents.keywords.word_joining import Join, joins_of
from documents.models import Corpus

UNKNOWN_MAX = 8  # a question with more words that the corpus doesn't have is in another language
CORRECTED_FACTOR = 0.9  # weight of a corrected word
_CAPITALS = re.compile(r"\b[A-Z]{2,}\b")


def understand(corpus: Corpus, question: str) -> ReadQuestion:
    """Return the words of a question with their frequencies, each in the form that the corpus has.

    A question whose words are all in the corpus, and have no synonyms, costs one statement.
    """
    prepared = prepare_question(question, corpus.language)
    words = prepared.text.split()
    joins = joins_of(words, corpus.language)
    read, joined = read_words(corpus, words, folded=prepared.folded, joined=[join.word for join in joins])
    if not _is_aligned(read):
        return read
    changes, capitals = Changes(), _in_capitals(question)
    _join(read, [join for join in joins if join.word in joined], changes)
    unknown = unknown_words(read)
    if 0 < len(unknown) <= UNKNOWN_MAX:
        look_up(corpus, read, unknown, capitals, changes)
    changed = _changed(corpus, read, changes) if changes.instead else read
    if not _is_aligned(changed):
        return changed
    others = [
        *_noted(changed, changes),
        *abbreviations_for(corpus, changed, capitals),
        *others_for(changed.lexemes, corpus.language, folded=read.folded),
    ]
    parts = _parts(changed, changes)
    if not others and not parts:
        return changed
    found = with_others(corpus, changed, others, parts)
    typed = {each.other: each.word for each in parts}
    return replace(found, alike=tuple(replace(each, word=typed.get(each.word, each.word)) for each in found.alike))


def _is_aligned(read: ReadQuestion) -> bool:
    """Return whether the places match the words: they don't where Postgres cut a word in two."""
    return sum(term.count for term in read.terms) == len(read.words)


def _join(read: ReadQuestion, joins: Sequence[Join], changes: Changes) -> None:
    """Add the joined words that the corpus has to the synonyms of their parts."""
    content = {place for term in read.terms if term.is_content for place in term.places}
    for join in joins:
        # "a part" is not apart; but an "A 4" is an A4.
        if {join.first + 1, join.first + 2} <= content or not join.word.isalpha():
            for word in read.words[join.first : join.first + 2]:
                changes.add_other(word, join.word)


def _in_capitals(question: str) -> frozenset[str]:
    """Return the words of a question that are written in capitals as names are, in lower case."""
    return frozenset() if question.isupper() else frozenset(word.lower() for word in _CAPITALS.findall(question))


def _changed(corpus: Corpus, read: ReadQuestion, changes: Changes) -> ReadQuestion:
    """Return the question with replaced words, and the frequencies of all."""
    words: list[str] = []
    for word in read.words:
        parts = changes.instead.get(word, (word,))
        words += _without_repeating(words, [fold(part) for part in parts] if read.folded else parts)
    changed = read_words(corpus, words, folded=read.folded)[0]
    of_word = by_word(words, changed.terms)
    meant = {typed: fold(word) if read.folded else word for typed, word in changes.corrected.items()}
    sure = {of_word[word].lexeme for word in meant.values() if word in of_word}
    terms = tuple(replace(term, factor=CORRECTED_FACTOR) if term.lexeme in sure else term for term in changed.terms)
    corrected = tuple(
        Corrected(typed, changes.corrected[typed], of_word[word].match_terms)
        for typed, word in meant.items()
        if word in of_word
    )
    return replace(changed, terms=terms, corrected=corrected)


def _noted(read: ReadQuestion, changes: Changes) -> list[Others]:
    """Return the synonyms that were found for single words, with the places of these."""
    return [
        Others((place,), tuple((other,) for other in sorted(changes.others[word])))
        for place, word in enumerate(read.words, start=1)
        if word in changes.others
    ]


def _parts(read: ReadQuestion, changes: Changes) -> list[Alike]:
    """Return the parts that are searched instead of words that no passage has."""
    of_word = by_word(read.words, read.terms)
    return [
        Alike(typed, part, of_word[written].own_terms)
        for typed, parts in changes.instead.items()
        if typed not in changes.corrected
        for part in parts
        for written in [fold(part) if read.folded else part]
        if written in of_word
    ]


def _without_repeating(before: Sequence[str], parts: Collection[str]) -> Collection[str]:
    """Return the parts, or nothing where they stand there already: E-1042 is e, 1042 and e1042."""
    return () if len(parts) > 1 and list(before[-len(parts) :]) == list(parts) else parts
