"""Compares words: how far one stands for another, as an inflected form or a part of a compound. Pure: no Django.

Scripts that are written without spaces come as pairs of characters, and count only as they are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from querying.text.sentences import whole_words_of

STEM_CHARS = 6  # words with so many first characters in common are the same word, unless their endings are long
END_CHARS = 6  # both together: "regulation" and "regulatory", but not "Urlaubsantrag" and "Urlaubsanspruch"
MIN_CHARS = 3  # of words that are compared by their beginnings
PREFIX_CHARS = 4  # fewer in common are no sign of likeness, if the endings differ
PART_CHARS = 5  # of a compound: "Antrag" in "Urlaubsantrag"
# Adjectives of a question for an amount, and the words of its answer.
_AMOUNTS = {
    "heavy": "weight weighs", "tall": "height", "high": "height", "wide": "width", "deep": "depth", "long": "length",
    "old": "age", "far": "distance", "fast": "speed", "hot": "temperature", "big": "size", "large": "size",
    "schwer": "gewicht wiegt", "hoch": "hohe", "breit": "breite", "tief": "tiefe", "lang": "lange dauer dauert",
    "lange": "dauer dauert", "alt": "alter", "weit": "entfernung", "schnell": "geschwindigkeit", "gross": "grosse",
    "pesa": "peso", "pese": "poids", "haut": "hauteur",
}  # fmt: skip
_ENDINGS = frozenset(["s", "es", "e", "n", "en", "er", "ern", "em", "d", "ed"])
FORM = 1.0
OTHER_FORM = 0.9  # the sentence that says "start" comes before one that says "started"
PART = 0.5
ALIKE = 0.8  # another word for it, that was searched too
WEAK = 0.26  # ... times the share of the common beginning: "Beitragssatz" for "Beitrag"


def likeness(asked: str, word: str) -> float:
    """Return how far a word stands for one of a question, 0..1: 1 for the same word in another form."""
    if asked == word:
        return FORM
    if any(map(str.isdigit, asked + word)):
        return 0.0
    common = 0
    if asked[0] == word[0]:
        shorter, longer = sorted((asked, word), key=len)
        common = next(
            (place for place, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter)
        )
        if common >= STEM_CHARS and len(asked) + len(word) - 2 * common <= END_CHARS:
            return OTHER_FORM
        if common == len(shorter) >= MIN_CHARS and longer[common:] in _ENDINGS:
            return OTHER_FORM
    if len(asked) >= PART_CHARS and len(word) > len(asked) and asked in word:
        return PART
    if len(word) >= PART_CHARS and asked.endswith(word):
        return PART
    return WEAK * common / len(asked) if common >= PREFIX_CHARS else 0.0


class Vocabulary:
    """The words of some sentences, indexed by their beginnings."""

    def __init__(self, words: Iterable[str]) -> None:
        """Index the words."""
        self._words = frozenset(words)
        self._by_start: dict[str, list[str]] = defaultdict(list)
        for word in self._words:
            if len(word) >= MIN_CHARS:
                self._by_start[word[:MIN_CHARS]].append(word)

    def same(self, asked: str) -> dict[str, float]:
        """Return this word alone, if it is one of them."""
        return {asked: FORM} if asked in self._words else {}

    def near(self, asked: str) -> dict[str, float]:
        """Return the words that stand for this one, and how far, 0..1."""
        if len(asked) < MIN_CHARS:
            return self.same(asked)
        found = set(self._by_start.get(asked[:MIN_CHARS], ()))
        if len(asked) >= PART_CHARS:
            found.update(word for word in self._words if asked in word)
            found.update({asked[start:] for start in range(1, len(asked) - PART_CHARS + 1)} & self._words)
        return {word: value for word in found if (value := likeness(asked, word))}


def stand_ins(
    asked: Iterable[str], words: Iterable[str], alike: Mapping[str, Iterable[str]], asks: AbstractSet[str]
) -> dict[str, dict[str, float]]:
    """Return, for each word of a question, the words that stand for it and how far, 0..1.

    `alike` has other words for some of them. For those in `asks`, which only say how it is asked, nothing else stands.
    """
    others = {word: said.split() for word, said in _AMOUNTS.items()}
    for word, given in alike.items():
        for one in whole_words_of(word):
            others[one] = [*others.get(one, ()), *(each for other in given for each in whole_words_of(other))]
    known = Vocabulary(words)
    found: dict[str, dict[str, float]] = {}
    for each in asked:
        near = known.same(each) if each in asks else known.near(each)
        for other in others.get(each, ()):
            for word, value in known.near(other).items():
                near[word] = max(near.get(word, 0.0), ALIKE * value)
        found[each] = near
    parts = Counter(word for near in found.values() for word, value in near.items() if value == PART)
    for near in found.values():
        near.update({word: FORM for word, value in near.items() if value == PART and parts[word] > 1})
    return found
