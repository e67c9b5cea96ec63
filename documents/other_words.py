"""Other words that are searched for a question's, and how much they weigh."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from documents.lexicon import Alike, QuestionTerm, ReadQuestion, read_words
from documents.models import Corpus
from documents.ranking import idf
from documents.synonyms import Others

OTHER_FACTOR = 0.8  # what another word weighs for one that the corpus doesn't have
BESIDE_FACTOR = 0.3  # ... for one that it has
OTHERS_MAX = 4  # phrases for one word or phrase of the question that the corpus has


def with_others(
    corpus: Corpus, read: ReadQuestion, others: Sequence[Others], parts: Sequence[Alike] = ()
) -> ReadQuestion:
    """Return a question with those of the other words that the corpus has; `parts` are kept with them.

    A phrase is searched by its words, and stands for what it says by the rarest of them.
    """
    wanted = sorted({word for each in others for phrase in each.phrases for word in phrase})
    found = by_word(wanted, read_words(corpus, wanted, folded=read.folded)[0].terms) if wanted else {}
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
    """Return whether the corpus has these words, and they say something: IT is written as "it" is."""
    return all(target.frequency and target.is_content for target in targets)


def _factor(corpus: Corpus, other: QuestionTerm, targets: Sequence[QuestionTerm]) -> float:
    """Return the factor of another word: never so much that it would weigh more than the word that was asked."""
    if not _are_known(targets):
        return OTHER_FACTOR
    most = max(idf(corpus.chunk_count, target.frequency) for target in targets)
    return BESIDE_FACTOR * min(1.0, most / max(1e-9, idf(corpus.chunk_count, other.frequency)))
