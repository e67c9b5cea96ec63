"""Expands a question by synonyms of everyday words, which are matched by their stems."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from cachetools import LRUCache
from django.db import connection

from documents.keywords.bm25 import idf
from documents.keywords.synonyms import Others, Phrase, phrases_of, table_of
from documents.keywords.terms import Alike, QuestionTerm, ReadQuestion, configuration_for, fold, read_words
from documents.keywords.word_joining import language_of
from documents.models import Corpus

OTHER_FACTOR = 0.8  # weight of a synonym for a word that the corpus doesn't have
BESIDE_FACTOR = 0.3  # ... for one that it has
OTHERS_MAX = 4  # phrases for one word or phrase of the question that the corpus has
KEPT_MAX = 1000  # cached sets of synonyms with their terms: about 3 kB each
_lock = threading.Lock()
_terms_of: LRUCache[Any, Mapping[str, QuestionTerm]] = LRUCache(KEPT_MAX)


def others_for(lexemes: Sequence[str], language: str, *, folded: bool) -> list[Others]:
    """Return the synonyms of a question's words, given by their lexemes in order; longer phrases come first.

    ["annual", "leav", "employe"] -> places (1, 2): holiday, vacation, ...
    """
    code = language_of(language)
    if not phrases_of(code):
        return []
    table, longest = _stemmed(code, folded=folded)
    found: list[Others] = []
    taken: set[int] = set()
    for length in range(longest, 0, -1):
        for first in range(len(lexemes) - length + 1):
            places = tuple(range(first + 1, first + length + 1))
            phrases = table.get(tuple(lexemes[first : first + length]))
            if phrases and taken.isdisjoint(places):
                taken.update(places)
                found.append(Others(places, phrases))
    return found


@lru_cache(maxsize=16)
def _stemmed(code: str, *, folded: bool) -> tuple[dict[Phrase, tuple[Phrase, ...]], int]:
    """Return the table by lexemes, and how many words its longest phrase has.

    Postgres stems it, like the corpus' words: once per language and process, about 300 words.
    """
    phrases = phrases_of(code)
    texts = [" ".join(phrase) for phrase in phrases]
    with connection.cursor() as cursor:
        cursor.execute(_STEM, [[fold(text) for text in texts] if folded else texts, configuration_for(code)])
        stems = {place: tuple(lexemes) for place, lexemes in cursor.fetchall()}
    keys = {phrase: stems[place] for place, phrase in enumerate(phrases, start=1)}
    return table_of(code, keys), max(map(len, phrases))


# Word by word: a `tsvector` has each lexeme once.
_STEM = """
SELECT place, ARRAY(
    SELECT coalesce((tsvector_to_array(to_tsvector(configuration, word)))[1], word)
    FROM unnest(string_to_array(text, ' ')) WITH ORDINALITY AS one (word, at) ORDER BY at
)
FROM unnest(%s::text[]) WITH ORDINALITY AS given (text, place), (SELECT %s::regconfig AS configuration) AS chosen
"""


def with_others(
    corpus: Corpus, read: ReadQuestion, others: Sequence[Others], parts: Sequence[Alike] = ()
) -> ReadQuestion:
    """Return a question with those synonyms that the corpus has; `parts` are kept with them.

    A phrase is searched by its words; its rarest word also counts as an occurrence of the word that it replaces.
    """
    wanted = sorted({word for each in others for phrase in each.phrases for word in phrase})
    found = _read(corpus, tuple(wanted), folded=read.folded) if wanted else {}
    asked = {term.lexeme for term in read.terms}
    extra: dict[str, QuestionTerm] = {}
    also: dict[str, tuple[int, ...]] = {}
    alike = list(parts)
    for each in others:
        there = [term for term in read.terms if not set(each.places).isdisjoint(term.places)]
        targets = [term for term in there if term.is_content] or there
        for terms in _searched(each, targets, found):
            rarest = min(terms, key=lambda term: term.frequency)
            for target in targets:
                also[target.lexeme] = also.get(target.lexeme, ()) + rarest.own_terms
                word = read.words[target.places[0] - 1]
                other = next(one for one in wanted if found.get(one) == rarest)
                alike.append(Alike(word, other, rarest.own_terms))
            for term in terms:
                factor = _factor(corpus, term, targets) / len(terms)
                if term.lexeme not in asked and (term.lexeme not in extra or extra[term.lexeme].factor < factor):
                    extra[term.lexeme] = replace(term, places=each.places[:1], factor=factor)
    terms_also = tuple(replace(term, also=also.get(term.lexeme, ())) for term in read.terms)
    return replace(read, terms=terms_also, others=tuple(extra.values()), alike=tuple(alike))


def _read(corpus: Corpus, words: tuple[str, ...], *, folded: bool) -> Mapping[str, QuestionTerm]:
    """Return the term of each word, cached per state of the corpus: the same words repeat, a statement takes 0.3 ms."""
    key = (corpus.pk, corpus.epoch, corpus.chunk_count, folded, words)
    with _lock:
        found = _terms_of.get(key)
    if found is None:
        found = by_word(words, read_words(corpus, words, folded=folded)[0].terms)
        with _lock:
            _terms_of[key] = found
    return found


def by_word(words: Sequence[str], terms: Iterable[QuestionTerm]) -> dict[str, QuestionTerm]:
    """Return the term of each word."""
    return {words[place - 1]: term for term in terms for place in term.places if place <= len(words)}


def _searched(
    others: Others, targets: Sequence[QuestionTerm], found: Mapping[str, QuestionTerm]
) -> list[list[QuestionTerm]]:
    """Return the terms of each phrase that the corpus has all words of."""
    phrases = []
    for phrase in others.phrases if targets else ():
        terms = [found[word] for word in phrase if word in found and found[word].frequency]
        if len(terms) == len(phrase):
            phrases.append([term for term in terms if term.is_content] or terms)
    return phrases[:OTHERS_MAX] if _are_known(targets) else phrases


def _are_known(targets: Sequence[QuestionTerm]) -> bool:
    """Return whether the corpus has these words, and none is a stop word (as IT, which is written like "it")."""
    return all(target.frequency and target.is_content for target in targets)


def _factor(corpus: Corpus, other: QuestionTerm, targets: Sequence[QuestionTerm]) -> float:
    """Return the factor of a synonym, limited so that it never weighs more than the word of the question."""
    if not _are_known(targets):
        return OTHER_FACTOR
    most = max(idf(corpus.chunk_count, target.frequency) for target in targets)
    return BESIDE_FACTOR * min(1.0, most / max(1e-9, idf(corpus.chunk_count, other.frequency)))
