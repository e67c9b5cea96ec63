"""Finds what to search instead of words that the corpus doesn't have: corrections, parts and compounds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from documents.keywords.dictionary import is_word, words_among
from documents.keywords.query_expansion import others_for
from documents.keywords.spelling import (
    Span,
    closest,
    mistakes_allowed,
    nearest,
    one_mistake_away,
    sounds_like,
    spans_of,
)
from documents.keywords.synonyms import synonyms_of
from documents.keywords.terms import ReadQuestion
from documents.keywords.tokenization import LEARNT_MAX_CHARS, fold
from documents.keywords.vocabulary import Known, known_among, words_within
from documents.keywords.word_joining import (
    COMPOUND_PART_MIN_CHARS,
    LINKS,
    border_parts,
    language_of,
    possible_parts,
    rest_of,
    split,
)
from documents.models import Corpus

SPLIT_MIN_CHARS = 7
NAME_MIN_CHARS = 5  # of a real word that may yet be another spelling of a name: Meier, Maier
HEAD_MIN_CHARS = 5  # of a word that compounds are looked for with
COMPOUNDS_MAX = 6  # with one unknown word


@dataclass
class Changes:
    """Replacements, corrections and synonyms that were found for a question's words."""

    instead: dict[str, tuple[str, ...]] = field(default_factory=dict)  # unknown word -> what is searched in its place
    corrected: dict[str, str] = field(default_factory=dict)
    others: dict[str, set[str]] = field(default_factory=dict)  # word of the question -> other words for it

    def add_other(self, word: str, other: str) -> None:
        """Add a synonym of a word of the question."""
        self.others.setdefault(word, set()).add(other)


def unknown_words(read: ReadQuestion) -> list[str]:
    """Return the words of a question, other than stop words, that the corpus doesn't have."""
    places = {place for term in read.terms if term.is_content and not term.frequency for place in term.places}
    return list(dict.fromkeys(word for place, word in enumerate(read.words, start=1) if place in places))


def look_up(
    corpus: Corpus, read: ReadQuestion, unknown: Sequence[str], names: Collection[str], changes: Changes
) -> None:
    """Store in `changes` what to search for unknown words; words with synonyms in the corpus are left alone.

    `names` are words in capitals, in lower case: they are not corrected.
    """
    language = corpus.language
    asked = [word for word in unknown if len(word) <= LEARNT_MAX_CHARS and word not in changes.others]
    plain = [word for word in asked if word.isalpha()]
    parts = {word: _parts(word, language) for word in asked}
    for_parts = {part: synonyms_of(part, language) for found in parts.values() for part in found}
    doubtful = [
        word for word in plain if word not in names and (len(word) >= NAME_MIN_CHARS or not is_word(word, language))
    ]
    near, compounds = _look_alike(corpus, read, doubtful, [word for word in plain if len(word) >= HEAD_MIN_CHARS])
    near = {word: _that_may_be(word, each, language) for word, each in near.items()}
    same = _same(read, asked, language)
    wanted = {
        each
        for found in (*same.values(), *parts.values(), *for_parts.values(), *near.values(), *compounds.values())
        for each in found
    }
    known = known_among(corpus, wanted, folded=read.folded) if wanted else {}
    for word in asked:
        if any(each in known for each in same[word]):
            continue
        if not word.isalpha():
            pieces = border_parts(word)
            if all(piece in known or piece in read.words for piece in pieces) and len(pieces) > 1:
                changes.instead[word] = tuple(pieces)
            continue
        content = {part for part, each in known.items() if each.is_content}
        # A part with a known synonym counts as known: Ferientage can be split where the corpus has Urlaub.
        content |= {part for part in parts[word] if any(each in known for each in for_parts[part])}
        _decide(word, near.get(word, ()), compounds.get(word, ()), known, content, language, changes)


def _same(read: ReadQuestion, asked: Sequence[str], language: str) -> dict[str, set[str]]:
    """Return the single-word synonyms of each word, or of a phrase that it is part of."""
    same: dict[str, set[str]] = {word: set() for word in asked}
    for others in others_for(read.lexemes, language, folded=read.folded):
        for place in others.places:
            word = read.words[place - 1]
            if word in same:
                same[word] |= {each for phrase in others.phrases for each in phrase if len(phrase) == 1}
    return same


def _that_may_be(word: str, candidates: list[str], language: str) -> list[str]:
    """Return the possible corrections of a word: of a real word, only names that sound like it."""
    if is_word(word, language):
        return [each for each in candidates if sounds_like(fold(word), fold(each)) and not is_word(each, language)]
    return candidates


def _parts(word: str, language: str) -> set[str]:
    if not word.isalpha():
        return set(border_parts(word))
    return possible_parts(word, language) if len(word) >= SPLIT_MIN_CHARS else set()


def _look_alike(
    corpus: Corpus, read: ReadQuestion, misspelled: Sequence[str], heads: Sequence[str]
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the candidates for correcting `misspelled`, and the corpus' compounds that contain one of `heads`.

    A candidate is a word of the corpus, or one of the language, of which the corpus may have another form.
    """
    language = corpus.language
    heads = heads if language_of(language) in LINKS else ()
    asked = [(word, span) for word in misspelled for span in spans_of(fold(word))]
    spans = [span for _, span in asked]
    spans += [Span(fold(word), fold(word), len(word) + COMPOUND_PART_MIN_CHARS, LEARNT_MAX_CHARS) for word in heads]
    found = words_within(corpus, spans) if spans else []
    near: dict[str, list[str]] = {}
    for word in misspelled:
        written = {
            one.folded: one.word for (of, _), each in zip(asked, found, strict=False) if of == word for one in each
        }
        near[word] = [written[one] for one in closest(fold(word), written)]
        if not is_word(word, language):
            real = {fold(one): one for one in words_among(one_mistake_away(word), language)}
            near[word] += [real[one] for one in closest(fold(word), real.keys() - written.keys())]
    compounds: dict[str, list[str]] = {}
    parts = {*read.words}
    for word, each in zip(heads, found[len(asked) :], strict=True):
        # The last part of a compound decides its meaning, so compounds that end in the word come first.
        ordered = sorted((one.word for one in each), key=lambda one: (not fold(one).endswith(fold(word)), len(one)))
        compounds[word] = [one for one in ordered if _is_compound(one, word, parts, language)][:COMPOUNDS_MAX]
    return near, compounds


def _is_compound(compound: str, part: str, asked: Collection[str], language: str) -> bool:
    """Return whether the rest of a compound is a word, too: of the language, or of the question."""
    return any(
        rest in asked or is_word(rest, language) or split(rest, {*asked} - {part}, language)
        for rest in rest_of(compound, part, language)
    )


def _decide(
    word: str,
    near: Iterable[str],
    compounds: Iterable[str],
    known: Mapping[str, Known],
    parts_known: Collection[str],
    language: str,
    changes: Changes,
) -> None:
    """Store what to search for an unknown word: a close correction, else parts, compounds, or a far correction."""
    candidates = {fold(each): each for each in near if each in known and known[each].is_content}
    chunks = {folded: known[each].chunks for folded, each in candidates.items()}
    meant = nearest(fold(word), chunks, at_most=1)
    if meant is None:
        parts = split(word, set(parts_known), language) if len(word) >= SPLIT_MIN_CHARS else ()
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
