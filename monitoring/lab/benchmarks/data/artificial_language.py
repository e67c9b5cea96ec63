"""Generates any amount of text in an artificial language, with word frequencies and topics as in real texts.

The same seed gives the same texts everywhere. Pure: no Django, no database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import wordllama

Ids = npt.NDArray[np.int64]

VOCABULARY = 30_000
TOPICS, TOPIC_WORDS = 1000, 100
FIRST_TOPIC_WORD, LAST_TOPIC_WORD = 200, 9_000  # what is more frequent belongs to all subjects
# Of a passage's words; the rest are anybody's. Chosen so that the nearest, the tenth and the 2,000th of 12,000 passages
# are about as near to a question as in real English texts: cosines of 0.54, 0.42 and 0.15 (real: 0.59, 0.43 and 0.10).
TOPIC_SHARE, FAVOURITE_SHARE = 0.3, 0.35
FAVOURITES = 10  # words that a document keeps using
PASSAGE_WORDS = (60, 120)
TITLE_WORDS = 3
QUESTION_WORDS, CONTENT_WORDS = 7, 5  # of a question; so many of them are about its subject


def _listed(words: str) -> list[str]:
    return words.split()


_ONSETS = _listed(
    """
    b c d f g h j k l m n p r s t v w br ch cl cr dr fl gr pl pr sh sl st th tr
    """
)
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ee", "io", "ou"]
_CODAS = ("", "", "n", "r", "s", "t", "l", "nd", "st", "ck", "m")


@dataclass(frozen=True)
class MadeUpDocument:
    """A title and passages, as numbers of words: 0 is the most frequent one."""

    title: Ids
    passages: Sequence[Ids]


class Language:
    """A vocabulary whose n-th word is n times rarer than the first (Zipf), and topics with words of their own."""

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed
        rng = np.random.default_rng(seed)
        self.words = _make_words(rng)
        self._any_word = _cumulated(VOCABULARY)
        self._word_of_topic = _cumulated(TOPIC_WORDS)
        self._topics = np.stack(
            [
                FIRST_TOPIC_WORD + rng.permutation(LAST_TOPIC_WORD - FIRST_TOPIC_WORD)[:TOPIC_WORDS]
                for _ in range(TOPICS)
            ]
        )
        self._favoured_topic = _cumulated(TOPICS)

    def text_of(self, ids: Ids) -> str:
        """Return words as text."""
        return " ".join([self.words[each] for each in ids.tolist()])

    def documents(self, lengths: Sequence[int], *, seed: int = 0) -> Iterator[MadeUpDocument]:
        """Yield documents of so many passages each. A document has one subject, some subjects have many documents."""
        rng = np.random.default_rng([self.seed, seed])
        for length in lengths:
            topic = self._topics[np.searchsorted(self._favoured_topic, rng.random())]
            favourites = topic[rng.integers(TOPIC_WORDS, size=FAVOURITES)]
            sizes = rng.integers(*PASSAGE_WORDS, size=length)
            words = self._draw(rng, int(sizes.sum()), topic, favourites)
            title = topic[np.searchsorted(self._word_of_topic, rng.random(TITLE_WORDS))]
            yield MadeUpDocument(title, np.split(words, np.cumsum(sizes)[:-1]))

    def questions(self, lengths: Sequence[int], count: int, *, seed: int = 0) -> list[str]:
        """Return questions about the documents that `documents` yields: a few words of a passage, common and rare."""
        rng = np.random.default_rng([self.seed, seed, 1])
        chosen = set(rng.choice(len(lengths), size=min(count, len(lengths)), replace=False).tolist())
        found = [
            document.passages[int(rng.integers(len(document.passages)))]
            for number, document in enumerate(self.documents(lengths, seed=seed))
            if number in chosen
        ]
        return [self._question(rng, found[number % len(found)]) for number in range(count)]

    def _question(self, rng: np.random.Generator, passage: Ids) -> str:
        # By places, not by words: what a passage says again and again is what it is asked for.
        content = dict.fromkeys(rng.permutation(passage[passage >= FIRST_TOPIC_WORD]).tolist())
        words = np.array(list(content)[:CONTENT_WORDS], dtype=np.int64)
        rest = np.setdiff1d(passage, words)
        return self.text_of(np.concatenate([words, rng.choice(rest, size=QUESTION_WORDS - len(words), replace=False)]))

    def common_questions(self, count: int) -> list[str]:
        """Return questions of nothing but the most frequent words."""
        rng = np.random.default_rng([self.seed, 2])
        return [self.text_of(rng.choice(24, size=8, replace=False)) for _ in range(count)]

    def _draw(self, rng: np.random.Generator, count: int, topic: Ids, favourites: Ids) -> Ids:
        kind = rng.random(count)
        words: Ids = np.searchsorted(self._any_word, rng.random(count))
        own = kind < TOPIC_SHARE
        words[own] = topic[np.searchsorted(self._word_of_topic, rng.random(int(own.sum())))]
        favoured = kind > 1 - FAVOURITE_SHARE
        words[favoured] = favourites[rng.integers(FAVOURITES, size=int(favoured.sum()))]
        return words


def _make_words(rng: np.random.Generator) -> list[str]:
    """Return the vocabulary: the words that WordLlama's tokenizer knows, frequent ones first, then made-up rare ones.

    Made-up words alone would do for the keyword leg. But an embedder gives them all nearly the same vector, so that
    every passage is near to every question, as in no real corpus.
    """
    words = dict.fromkeys(_known_words())
    while len(words) < VOCABULARY:
        syllables = int(rng.integers(2, 4))
        opens = "".join(_pick(rng, _ONSETS) + _pick(rng, _VOWELS) for _ in range(syllables))
        words[opens + _pick(rng, _CODAS)] = None
    return list(words)[:VOCABULARY]


@lru_cache(maxsize=1)
def _known_words() -> list[str]:
    """Return the tokens that are whole words, in the order in which the tokenizer learned them."""
    # Its loader looks for the tokenizer in another folder than the wheel's, and would download it.
    model = wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
    tokens = sorted(model.tokenizer.get_vocab().items(), key=lambda pair: pair[1])
    words = [token[1:] for token, _ in tokens if token.startswith("\u2581")]
    return [word for word in words if len(word) > 1 and word.isascii() and word.isalpha() and word.islower()]


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.integers(len(choices)))]


def _cumulated(count: int) -> npt.NDArray[np.float64]:
    """Return the cumulated shares of `count` things of which the n-th is n times rarer than the first."""
    shares = 1 / np.arange(1, count + 1)
    cumulated: npt.NDArray[np.float64] = np.cumsum(shares) / shares.sum()
    cumulated[-1] = 1.0
    return cumulated
