"""Defines a question's terms: its lexemes with their frequencies in the corpus. Pure: no Django.

Terms and their kinds are explained in documents/keywords/terms.py.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

# A lexeme that occurs 2 times in a chunk has level 1, one that occurs 3 or 4 times level 2, ...
LEVELS = (2, 3, 5, 8, 13, 21, 34, 55)
KINDS = 3 + 2 * len(LEVELS)
CONTEXT_FACTOR = 0.05  # weight of the words around the question in a mail


@dataclass(frozen=True)
class QuestionTerm:
    """A lexeme of a question, and in how many chunks of the corpus each of its terms occurs (by kind)."""

    lexeme: str
    places: tuple[int, ...]  # in the question, from 1
    is_content: bool  # not a stop word
    terms: tuple[int, ...]
    chunks: tuple[int, ...]
    folded: bool  # the question has no accents, so words with them match too
    factor: float = 1.0  # of its weight: how certain it is that this word was meant
    also: tuple[int, ...] = ()  # terms of synonyms: a chunk with one of them counts as having this one

    @property
    def count(self) -> int:
        """Return how often it occurs in the question."""
        return len(self.places)

    @property
    def frequency(self) -> int:
        """Return in how many chunks the lexeme occurs."""
        return self.chunks[0] + (self.chunks[1] if self.folded else 0)

    @property
    def own_terms(self) -> tuple[int, ...]:
        """Return the terms of which a chunk has one if it has the lexeme itself."""
        return (self.terms[0], self.terms[1]) if self.folded and self.chunks[1] else (self.terms[0],)

    @property
    def match_terms(self) -> tuple[int, ...]:
        """Return the terms of which a chunk has one if it has the lexeme, or another word for it."""
        return self.own_terms + self.also

    @property
    def count_terms(self) -> tuple[int, ...]:
        """Return the terms that are counted: the first one that a chunk has says how often the lexeme is there."""
        kinds = (2, 1, 0) if self.folded else (0,)
        return tuple(self.terms[kind] for kind in kinds if self.chunks[kind] or not kind)

    def marks_from(self, level: int) -> tuple[int, ...]:
        """Return the marks of chunks in which it occurs at least LEVELS[level - 1] times."""
        return tuple(self.terms[kind] for kind in self._kinds_from(level) if self.chunks[kind])

    def marked_from(self, level: int) -> int:
        """Return how many chunks have those marks."""
        return sum(self.chunks[kind] for kind in self._kinds_from(level))

    def _kinds_from(self, level: int) -> range:
        return range(1 + 2 * level, KINDS, 1 if self.folded else 2)


@dataclass(frozen=True)
class ReadQuestion:
    """The words and terms of a question, with its synonyms and spelling corrections."""

    words: tuple[str, ...]  # in their order, as `prepare_question` gives them; misspelled ones corrected
    terms: tuple[QuestionTerm, ...]
    folded: bool
    others: tuple[QuestionTerm, ...] = ()  # synonyms, searched for the word at their place
    corrected: tuple[Corrected, ...] = ()
    alike: tuple[Alike, ...] = ()

    @property
    def lexemes(self) -> list[str]:
        """Return one lexeme per word, in their order; empty where Postgres has none."""
        found = [""] * len(self.words)
        for term in self.terms:
            for place in term.places:
                if place <= len(found):
                    found[place - 1] = term.lexeme
        return found

    def lexemes_of(self, words: Iterable[str]) -> frozenset[str]:
        """Return the lexemes that stand for words as they were typed."""
        typed = set(words)
        typed |= {each.meant for each in self.corrected if each.typed in typed}
        return frozenset(
            term.lexeme
            for term in self.terms
            if any(place <= len(self.words) and self.words[place - 1] in typed for place in term.places)
        )

    def with_context(self, asked: Collection[str]) -> ReadQuestion:
        """Return the question with the weights of all words but these lexemes reduced to CONTEXT_FACTOR."""
        near = {place for term in self.terms if term.lexeme in asked for place in term.places}
        terms, others = (
            tuple(
                term if not near.isdisjoint(term.places) else replace(term, factor=term.factor * CONTEXT_FACTOR)
                for term in each
            )
            for each in (self.terms, self.others)
        )
        return replace(self, terms=terms, others=others)

    def searched_for(self, lexemes: Collection[str]) -> list[QuestionTerm]:
        """Return the terms of these lexemes and of their synonyms."""
        terms = [term for term in self.terms if term.lexeme in lexemes]
        places = {place for term in terms for place in term.places}
        return terms + [term for term in self.others if not places.isdisjoint(term.places)]


@dataclass(frozen=True)
class Corrected:
    """A word of a question that the corpus doesn't have, and its correction that was searched instead."""

    typed: str
    meant: str
    terms: tuple[int, ...]  # of which a chunk has one if it has that word


@dataclass(frozen=True)
class Alike:
    """A word of a question (as corrected), and a synonym that was searched for it as well."""

    word: str
    other: str
    terms: tuple[int, ...]  # of which a chunk has one if it has the other word
