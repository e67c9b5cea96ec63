"""How far a word of a text stands for a word of a question: another form of it, a part of a compound. Pure: no Django."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from querying.sentences import whole_words_of

STEM_CHARS = 6  # words that begin with so many alike are the same word, unless their ends are long
END_CHARS = 5  # "regulation" and "regulations", but not "Urlaubsantrag" and "Urlaubsanspruch"
PREFIX_CHARS = 4  # fewer in common say nothing
PART_CHARS = 5  # of a compound: "Antrag" in "Urlaubsantrag"
_ENDINGS = frozenset("s es e n en er ern em d ed".split())
FORM = 1.0
PART = 0.5
ALIKE = 0.8  # another word for it, that was searched too
WEAK = 0.26  # ... of the share that two words begin with alike: "Beitragssatz" for "Beitrag"


def likeness(asked: str, word: str) -> float:
    """Return how far a word stands for one of a question, 0..1: 1 for the same word in another form."""
    if asked == word:
        return FORM
    common = 0
    if asked[0] == word[0]:
        shorter, longer = sorted((asked, word), key=len)
        if not longer.isalpha():
            return 0.0
        common = next((place for place, (a, b) in enumerate(zip(shorter, longer, strict=False)) if a != b), len(shorter))
        if common >= STEM_CHARS and len(longer) - common <= END_CHARS:
            return FORM
        if common == len(shorter) >= 3 and longer[common:] in _ENDINGS:
            return FORM
    if len(asked) >= PART_CHARS and len(word) > len(asked) and asked in word:
        return PART
    if len(word) >= PART_CHARS and asked.endswith(word):
        return PART
    return WEAK * common / len(asked) if common >= PREFIX_CHARS else 0.0


def stand_ins(
    asked: Iterable[str], words: Iterable[str], alike: Mapping[str, Iterable[str]]
) -> dict[str, dict[str, float]]:
    """Return, for each word of a question, the words that stand for it and how far, 0..1; `alike` has other words."""
    others = {
        one: [each for other in given for each in whole_words_of(other)]
        for word, given in alike.items()
        for one in whole_words_of(word)
    }
    found: dict[str, dict[str, float]] = {}
    known = list(words)
    for each in asked:
        near = {word: value for word in known if (value := likeness(each, word))}
        for other in others.get(each, ()):
            for word in known:
                value = ALIKE * likeness(other, word)
                if value > near.get(word, 0.0):
                    near[word] = value
        found[each] = near
    parts = Counter(word for near in found.values() for word, value in near.items() if value == PART)
    for near in found.values():
        near.update({word: FORM for word, value in near.items() if value == PART and parts[word] > 1})
    return found
